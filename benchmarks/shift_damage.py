"""How often the intervals for damage without labels cover the truth, on held-out shifts of real data.

python benchmarks/shift_damage.py [--repetitions 60] [--level 0.9] [rehearsed] [held_out] [own] [tables]

Each repetition splits the rows anew into those that fit the model, the labelled reference and the current rows, whose
labels serve only to check. The truth is the accuracy measured on the current rows.

- rehearsed: shifts on which the widening of confidence-based intervals was chosen: coverage by widening.
- held_out: other shifts, never used for that: digits rotated, noised, with other frequencies of classes, and with two
  classes' labels exchanged (concept shift, which no method sees).
- own: the same shifts, with the widening that ``measure_widening`` finds by shifting the labelled reference in other
  ways and by other amounts.
- tables: breast cancer and wine, split along a feature at random, so that odds of being current rise with it: weights
  known, fitted on that feature, fitted on all features.

Printed: cases, coverage of all and of trusted intervals, median width, share trusted.
"""

import argparse
import warnings
from collections import defaultdict
from statistics import mean, median

import numpy as np
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from shift_damage_data import (
    HELD_OUT_IMAGES,
    OWN_REHEARSALS,
    REHEARSED_IMAGES,
    REHEARSED_TABLES,
    Array,
    Shifts,
    Split,
    along_feature,
    digits,
    imbalanced,
    table,
)
from shinso.shift.damage import Estimate, measure_widening, predict_damage

WIDENINGS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)


class Tally:
    """Cases by kind of shift and method."""

    def __init__(self) -> None:
        self.cases: dict[tuple[str, str], list[tuple[bool, bool, float, float]]] = defaultdict(list)

    def add(self, kind: str, estimate: Estimate, truth: float) -> None:
        case = estimate.covers(truth), estimate.trusted, estimate.width, estimate.value - truth
        self.cases[kind, estimate.method].append(case)

    def show(self, title: str) -> None:
        print(f"\n{title}\n{'shift':<24} {'method':<34} cases  cover  if trusted  trusted   width    bias")
        for (kind, method), cases in self.cases.items():
            covered, trusted, widths, errors = (list(column) for column in zip(*cases, strict=True))
            kept = [hit for hit, trust in zip(covered, trusted, strict=True) if trust]
            among = f"{mean(kept):10.2f}" if len(kept) >= 10 else f"{'-':>10}"
            print(
                f"{kind:<24} {method:<34} {len(cases):5d}  {mean(covered):5.2f}  {among}  "
                f"{mean(trusted):7.2f}  {median(widths):6.3f}  {mean(errors):+6.3f}"
            )


def rehearsed(repetitions: int, level: float) -> None:
    covered: dict[tuple[str, str, float], list[bool]] = defaultdict(list)
    for seed in range(repetitions):
        generator = np.random.default_rng(seed)
        for split in digits(seed):
            rehearse(covered, split, REHEARSED_IMAGES, "digits", level, generator)
        for load in (load_breast_cancer, load_wine):
            for split in table(load, seed):
                rehearse(covered, split, REHEARSED_TABLES, "table", level, generator)
    print(f"\nREHEARSED, level {level:g}: coverage by widening\n{'':<56}" + "".join(f"{w:6.1f}" for w in WIDENINGS))
    for method in dict.fromkeys(key[0] for key in covered):
        kinds = list(dict.fromkeys(key[1] for key in covered))
        means = [[mean(covered[method, kind, w]) for w in WIDENINGS] for kind in kinds]
        for kind, row in zip([*kinds, "mean over kinds"], [*means, list(np.mean(means, axis=0))], strict=True):
            print(f"{method:<34}{kind:<22}" + "".join(f"{share:6.2f}" for share in row))


def rehearse(
    covered: dict[tuple[str, str, float], list[bool]],
    split: Split,
    shifts: Shifts,
    data: str,
    level: float,
    generator: np.random.Generator,
) -> None:
    for shift, sizes in shifts.items():
        for size in sizes:
            target = split.model.predict_proba(shift(split.inputs, generator, size))
            truth = float((target.argmax(axis=1) == split.truth).mean())
            for widening in WIDENINGS:
                damage = predict_damage(split.source, split.labels, target, widening=widening, level=level)
                for estimate in damage.estimates[:2]:
                    covered[estimate.method, f"{data} {shift.__name__}", widening].append(estimate.covers(truth))


def held_out(repetitions: int, level: float) -> None:
    tally = Tally()
    for seed in range(repetitions):
        generator = np.random.default_rng(seed)
        for split in digits(seed):
            for shift, sizes in HELD_OUT_IMAGES.items():
                for size in sizes:
                    target = split.model.predict_proba(shift(split.inputs, generator, size))
                    record(tally, f"{shift.__name__} {size:g}", split, target, split.truth, level)
            rows = imbalanced(split.truth, generator, 250)
            record(
                tally,
                "class-imbalanced",
                split,
                split.model.predict_proba(split.inputs[rows]),
                split.truth[rows],
                level,
            )
            exchanged = np.select([split.truth == 3, split.truth == 8], [8, 3], split.truth)
            record(tally, "concept: 3 ↔ 8", split, split.model.predict_proba(split.inputs), exchanged, level)
    tally.show(f"HELD OUT: digits, level {level:g}, three models")


def record(
    tally: Tally, kind: str, split: Split, target: Array, truth: Array, level: float, weights: Array | None = None
) -> None:
    damage = predict_damage(split.source, split.labels, target, weights=weights, level=level)
    accuracy = float((target.argmax(axis=1) == truth).mean())
    for estimate in (*damage.estimates, damage.predicted):
        tally.add(kind, estimate, accuracy)


def own(repetitions: int, level: float) -> None:
    tally, chosen = Tally(), []
    for seed in range(repetitions):
        generator = np.random.default_rng(seed)
        for split in digits(seed):
            rehearsals = [
                (split.model.predict_proba(shift(split.reference, generator, size)), split.labels)
                for shift, sizes in OWN_REHEARSALS.items()
                for size in sizes
            ]
            widening = measure_widening(split.source, split.labels, rehearsals, level=level)
            chosen.append(widening)
            for shift, sizes in HELD_OUT_IMAGES.items():
                for size in sizes:
                    target = split.model.predict_proba(shift(split.inputs, generator, size))
                    accuracy = float((target.argmax(axis=1) == split.truth).mean())
                    damage = predict_damage(split.source, split.labels, target, widening=widening, level=level)
                    for estimate in damage.estimates[:2]:
                        tally.add(f"{shift.__name__} {size:g}", estimate, accuracy)
    tally.show(
        f"OWN: digits, level {level:g}, three models, widening measured on the reference (median {median(chosen):.2f})"
    )


def tables(repetitions: int, level: float) -> None:
    for load in (load_breast_cancer, load_wine):
        tally = Tally()
        inputs, labels = load(return_X_y=True)
        inputs = StandardScaler().fit_transform(inputs)
        for seed in range(4 * repetitions):
            generator = np.random.default_rng(seed)
            train, rest = np.split(generator.permutation(len(labels)), [len(labels) // 3])
            feature = int(generator.integers(inputs.shape[1]))
            for slope in (2.0, 5.0):
                along = along_feature(inputs[rest, feature], slope, generator)
                model = LogisticRegression(max_iter=300).fit(inputs[train], labels[train])
                reference, current = rest[~along.current], rest[along.current]
                source, target = model.predict_proba(inputs[reference]), model.predict_proba(inputs[current])
                split = Split(model, "", inputs[reference], source, labels[reference], inputs[current], labels[current])
                if len(np.unique(split.labels)) < source.shape[1]:
                    continue
                column = inputs[:, [feature]]
                for name, weights in (
                    ("known", along.weights[~along.current]),
                    ("1 feature", fitted_weights(column[reference], column[current])),
                    ("all", fitted_weights(inputs[reference], inputs[current])),
                ):
                    record(tally, f"slope {slope:g}, {name}", split, target, split.truth, level, weights)
        tally.show(f"TABLE {load.__name__[5:]}, split along a feature, level {level:g}, weights by origin")


def fitted_weights(reference: Array, current: Array) -> Array:
    """Current / reference density ratios from a logistic classifier."""
    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.3, max_iter=300))
    classifier.fit(np.concatenate([reference, current]), np.repeat([0, 1], [len(reference), len(current)]))
    chance = classifier.predict_proba(reference)[:, 1]
    ratios: Array = chance / (1 - chance) * len(reference) / len(current)
    return ratios


def main() -> None:
    warnings.simplefilter("ignore", ConvergenceWarning)
    parts = {"rehearsed": rehearsed, "held_out": held_out, "own": own, "tables": tables}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[[], *parts], default=[])
    parser.add_argument("--repetitions", type=int, default=60)
    parser.add_argument("--level", type=float, default=0.9)
    arguments = parser.parse_args()
    for name in arguments.parts or parts:
        parts[name](arguments.repetitions, arguments.level)


if __name__ == "__main__":
    main()
