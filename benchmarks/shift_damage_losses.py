"""How often intervals for a mean loss cover it, on scikit-learn's tables split along a feature.

python benchmarks/shift_damage_losses.py [--repetitions 400] [--first-seed 0] [--level 0.9] [--absolute]

Each repetition draws a feature to split along and, but for diabetes, a column to predict from the others; a third of
the rows fits a linear regression, and of the rest each is current with log odds slope × (rank - ½) by that feature:
slope 0 is no shift, 2 a mild one, and at 5 weights leave a fifth to a quarter of the reference. The truth is the mean
loss measured on the current rows: squared errors, or absolute ones. Weights: none, known, fitted on that feature or on
all features, by the very rows that they are for.

Printed: cases, coverage of all and of trusted intervals, median width and bias in units of the reference's mean loss,
share trusted. The tables: diabetes, wine, iris, digits (sums of 2 × 2 pixels), breast cancer.
"""

import argparse
import warnings
from collections.abc import Iterator

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import StandardScaler

from shift_damage import Tally, fitted_weights
from shift_damage_data import Array, along_feature
from shinso.shift.damage import predict_loss

SLOPES = (0.0, 2.0, 5.0)


def tables() -> Iterator[tuple[str, Array, int | None]]:
    """Standardised columns, and the one to predict where that is fixed."""
    scaled = StandardScaler().fit_transform
    yield "diabetes", scaled(np.column_stack(load_diabetes(return_X_y=True))), 10
    yield "wine", scaled(load_wine().data), None
    yield "iris", scaled(load_iris().data), None
    sums = load_digits().data.reshape(-1, 4, 2, 4, 2).sum(axis=(2, 4)).reshape(-1, 16)
    yield "digits", scaled(sums[:, sums.std(axis=0) > 0]), None
    yield "breast cancer", scaled(load_breast_cancer().data), None


def record(tally: Tally, columns: Array, target: int | None, seed: int, level: float, absolute: bool) -> None:
    generator = np.random.default_rng(seed)
    train, rest = np.split(generator.permutation(len(columns)), [len(columns) // 3])
    target = int(generator.integers(columns.shape[1])) if target is None else target
    inputs, truths = np.delete(columns, target, axis=1), columns[:, target]
    feature = int(generator.integers(inputs.shape[1]))
    errors = LinearRegression().fit(inputs[train], truths[train]).predict(inputs[rest]) - truths[rest]
    losses = np.abs(errors) if absolute else errors**2
    for slope in SLOPES:
        along = along_feature(inputs[rest, feature], slope, generator)
        now, before = along.current, ~along.current
        column = inputs[rest][:, [feature]]
        weights = {"none": np.ones(int(before.sum()))}
        if slope:
            weights["known"] = along.weights[before]
            weights["1 feature"] = fitted_weights(column[before], column[now])
            weights["all"] = fitted_weights(inputs[rest][before], inputs[rest][now])
        unit = losses[before].mean()
        for name, values in weights.items():
            for estimate in predict_loss(losses[before] / unit, values, int(now.sum()), level=level).estimates:
                tally.add(f"slope {slope:g}, {name}", estimate, float(losses[now].mean() / unit))


def main() -> None:
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=400)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--level", type=float, default=0.9)
    parser.add_argument("--absolute", action="store_true")
    arguments = parser.parse_args()
    kind = "absolute" if arguments.absolute else "squared"
    for name, columns, target in tables():
        tally = Tally()
        for seed in range(arguments.first_seed, arguments.first_seed + arguments.repetitions):
            record(tally, columns, target, seed, arguments.level, arguments.absolute)
        tally.show(f"{name}: {kind} errors, split along a feature, level {arguments.level:g}, weights by origin")


if __name__ == "__main__":
    main()
