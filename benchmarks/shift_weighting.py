"""Whether weighting, and the choice of how far, do what Shimodaira 2000 says, on the data of its figure 1.

python benchmarks/shift_weighting.py [--repetitions 1000] [--seed 0] [--part figure|regression|logistic]

First the figure in distribution: lines fitted without weights, with them, and to the future data. Then the choice of
λ among 0, 0.1, ..., 1 for polynomials of degree 0 to 3 (3 is the right one), by leave-one-out, by the information
criterion, and by importance-weighted cross-validation with five folds. Losses are -log p on the test inputs in nats,
exact by Gauss-Hermite quadrature; the least possible, 0.215, is the entropy of the noise. Last the same for logistic
regressions on classes whose log-odds are four times the curve. Printed are
 - the best fixed λ and its mean loss, that of λ = 0 and of λ = 1;
 - by criterion the ratio of the chosen's mean loss to the best fixed λ's: for the choice of ``choose_exponent``, the
   mean of choices; that choice above the entropy; and for the λ of the least criterion;
 - the criterion's bias (mean of criterion less loss) at λ = 0, 0.5 and 1, in nats and in standard errors of its mean
   over all repetitions; and the largest at any λ in standard errors of a mean over 1,000.
"""

import argparse
from collections.abc import Callable, Iterator

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import NDArray
from scipy.special import entr, expit

from shinso.shift.weighting import (
    WeightedLogisticRegression,
    projection_path,
    shimodaira_curve,
    shimodaira_weights,
)
from shinso.shift.weighting._normal_fit import NormalFit, normal_fit, normal_log_density
from shinso.shift.weighting._shares import shares

Array = NDArray[np.float64]
EXPONENTS = np.linspace(0, 1, 11)
TRAIN, TEST, NOISE = (0.5, 0.5), (0.0, 0.3), 0.3
ENTROPY = 0.5 * float(np.log(2 * np.pi * np.e * NOISE**2))
STEEPNESS = 4.0
CHUNK = 500


def sample(inputs: tuple[float, float], draws: int, rows: int, generator: np.random.Generator) -> tuple[Array, Array]:
    x = generator.normal(*inputs, (draws, rows))
    return x, shimodaira_curve(x) + generator.normal(0, NOISE, (draws, rows))


def powers(x: Array, degree: int) -> Array:
    return np.asarray(x[..., None] ** np.arange(1, degree + 1))


def test_errors(fit: NormalFit, degree: int) -> Array:
    """The mean squared distance of each fit from the curve on the test inputs."""
    points, masses = hermegauss(30)
    points = TEST[0] + TEST[1] * points
    predictions = fit.intercept[:, None] + fit.coefficients @ powers(points, degree).T
    return np.asarray((predictions - shimodaira_curve(points)) ** 2 @ (masses / masses.sum()))


def test_losses(fit: NormalFit, degree: int) -> Array:
    squares = test_errors(fit, degree) + NOISE**2
    return np.asarray(0.5 * np.log(2 * np.pi * fit.variance) + squares / (2 * fit.variance))


def information_criterion(x: Array, y: Array, ratios: Array, exponent: float) -> Array:
    fit = normal_fit(x, y, ratios**exponent)
    return np.asarray(ratios * (fit.self_influences - fit.log_likelihoods))


def leave_one_out(x: Array, y: Array, ratios: Array, exponent: float) -> Array:
    return np.asarray(-ratios * normal_fit(x, y, ratios**exponent).left_out_log_likelihoods)


def five_folds(x: Array, y: Array, ratios: Array, exponent: float) -> Array:
    losses = np.empty_like(y)
    # The draws' rows have no order, so folds may be in order.
    for held_out in np.array_split(np.arange(y.shape[1]), 5):
        train = np.setdiff1d(np.arange(y.shape[1]), held_out)
        fit = normal_fit(x[:, train], y[:, train], ratios[:, train] ** exponent)
        means = fit.intercept[:, None] + (x[:, held_out] @ fit.coefficients[..., None])[..., 0]
        losses[:, held_out] = -normal_log_density(y[:, held_out] - means, fit.variance[:, None])
    return ratios * losses


CRITERIA: dict[str, Callable[[Array, Array, Array, float], Array]] = {
    "leave one out": leave_one_out,
    "information criterion": information_criterion,
    "five folds": five_folds,
}


def figure_one(repetitions: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    x, y = sample(TRAIN, repetitions, 100, generator)
    future_x, future_y = sample(TEST, repetitions, 100, generator)
    ratios = shimodaira_weights(x)
    fits = {
        "OLS": normal_fit(powers(x, 1), y, np.ones_like(x)),
        "WLS, w = q1/q0": normal_fit(powers(x, 1), y, ratios),
        "OLS on future data": normal_fit(powers(future_x, 1), future_y, np.ones_like(x)),
    }
    grid = np.linspace(-4, 5, 3601)
    densities = (np.exp(-(((grid - mean) / deviation) ** 2) / 2) for mean, deviation in (TRAIN, TEST))
    path = projection_path(grid, shimodaira_curve(grid), NOISE**2, *densities)
    print(f"Figure 1: n = 100, {repetitions} draws; mean (standard deviation)")
    print(f"{'':22}{'slope':>18}{'intercept':>18}{'limit':>17}{'test MSE + noise':>18}{'loss':>8}")
    for (name, fit), end in zip(fits.items(), (0, -1, -1), strict=True):
        slope, intercept = fit.coefficients[:, 0], fit.intercept
        print(
            f"{name:22}{slope.mean():9.3f} ({slope.std():.3f}){intercept.mean():10.3f} ({intercept.std():.3f})"
            f"{path.slopes[end]:9.3f},{path.intercepts[end]:6.3f}"
            f"{(test_errors(fit, 1) + NOISE**2).mean():18.4f}{test_losses(fit, 1).mean():9.4f}"
        )
    better = test_losses(fits["WLS, w = q1/q0"], 1) < test_losses(fits["OLS"], 1)
    kish = np.median(ratios.sum(axis=1) ** 2 / (ratios**2).sum(axis=1))
    print(f"WLS has the lower test loss in {100 * better.mean():.1f} % of draws; median effective size {kish:.1f}\n")


def chunks(repetitions: int, rows: int, seed: int) -> Iterator[tuple[Array, Array]]:
    generator = np.random.default_rng(seed)
    for start in range(0, repetitions, CHUNK):
        yield sample(TRAIN, min(CHUNK, repetitions - start), rows, generator)


def choices(degree: int, rows: int, repetitions: int, seed: int) -> None:
    losses: list[Array] = []
    found: dict[str, list[Array]] = {name: [] for name in CRITERIA}
    for x, y in chunks(repetitions, rows, seed):
        ratios, columns = shimodaira_weights(x), powers(x, degree)
        losses.append(
            np.stack([test_losses(normal_fit(columns, y, ratios**exponent), degree) for exponent in EXPONENTS])
        )
        for name, criterion in CRITERIA.items():
            found[name].append(np.stack([criterion(columns, y, ratios, float(exponent)) for exponent in EXPONENTS]))
    together = {name: np.concatenate(parts, axis=1) for name, parts in found.items()}
    report(f"degree {degree}, n = {rows}", np.concatenate(losses, axis=1), together, ENTROPY)


def report(title: str, loss: Array, found: dict[str, Array], entropy: float) -> None:
    """Of losses [exponents, draws] and each criterion's parts [exponents, draws, rows] what is said above."""
    means = loss.mean(axis=1)
    best = int(means.argmin())
    print(
        f"{title}: best fixed λ {EXPONENTS[best]:.1f} costs {means[best]:.4f}"
        f"   (λ = 0 {means[0]:.4f}, λ = 1 {means[-1]:.4f})"
    )
    draws = np.arange(loss.shape[1])
    for name, parts in found.items():
        values = parts.mean(axis=-1)
        means_of_choices = np.array([shares(parts[:, draw]) @ EXPONENTS for draw in draws])
        chosen = np.abs(EXPONENTS[:, None] - means_of_choices).argmin(axis=0)
        cost, least_cost = loss[chosen, draws].mean(), loss[values.argmin(axis=0), draws].mean()
        error = (loss[chosen, draws] - loss[best]).std() / len(draws) ** 0.5
        line = f"  {name:22} chosen λ {EXPONENTS[chosen].mean():.2f}"
        line += f"  ratio {cost / means[best]:.3f} ± {error / means[best]:.3f}"
        line += f"  above entropy {(cost - entropy) / (means[best] - entropy):.3f}"
        line += f"  of the least {least_cost / means[best]:.3f}   bias"
        gaps = values - loss
        for which in (0, 5, 10):
            bias, error = gaps[which].mean(), gaps[which].std() / len(draws) ** 0.5
            line += f"  {bias:+.4f} ({bias / error:+.1f} SE)"
        largest = np.abs(gaps.mean(axis=1) / gaps.std(axis=1)).max() * 1000**0.5
        print(line + f"  largest {largest:.1f}", flush=True)


def logistic_choices(rows: int, repetitions: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    points, masses = hermegauss(30)
    points = TEST[0] + TEST[1] * points
    truth = expit(STEEPNESS * shimodaira_curve(points))
    loss = np.empty((len(EXPONENTS), repetitions))
    found = {name: np.empty((len(EXPONENTS), repetitions, rows)) for name in ("leave one out", "information criterion")}
    for draw in range(repetitions):
        x = generator.normal(*TRAIN, (rows, 1))
        y = (generator.random(rows) < expit(STEEPNESS * shimodaira_curve(x[:, 0]))).astype(int)
        ratios = shimodaira_weights(x[:, 0])
        for which, exponent in enumerate(EXPONENTS):
            weights = ratios**exponent
            model = WeightedLogisticRegression().fit(x, y, weights)
            no, yes = model.predict_log_proba(points[:, None]).T
            loss[which, draw] = -((1 - truth) * no + truth * yes) @ masses / masses.sum()
            found["leave one out"][which, draw] = -ratios * model.left_out_log_likelihoods(x, y, weights)
            found["information criterion"][which, draw] = ratios * (
                model.self_influences(x, y, weights) - model.log_likelihoods(x, y)
            )
    entropy = float((entr(truth) + entr(1 - truth)) @ masses / masses.sum())
    report(f"logistic, n = {rows}", loss, found, entropy)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--part", choices=("figure", "regression", "logistic"), action="append")
    arguments = parser.parse_args()
    parts = arguments.part or ("figure", "regression", "logistic")
    if "figure" in parts:
        figure_one(arguments.repetitions, arguments.seed)
    if "regression" in parts:
        for degree in (0, 1, 2, 3):
            for rows in (50, 100, 300):
                choices(degree, rows, arguments.repetitions, arguments.seed)
    if "logistic" in parts:
        for rows in (50, 100, 300):
            logistic_choices(rows, arguments.repetitions, arguments.seed)


if __name__ == "__main__":
    main()
