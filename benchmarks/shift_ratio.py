"""Density ratios against known ones: errors of the methods, other packages side by side, a million rows.

python benchmarks/shift_ratio.py [--sections methods small large million] [--repetitions 5] [--rows 1000]
    [--small-draws 20] [--large-draws 3] [--first-seed 0]

The error of weights is Σ (ŵ - w)² / Σ w² over the denominator's rows, both brought to a mean of 1: 0 is exact, and what
`none` (all weights equal) has is what a method must beat. In the sections small and large every method that the
packages densratio and adapt have too stands beside theirs, on the same draws and in turn; packages that cannot be
imported are skipped. For a package a line ends with ours less theirs, draw by draw: mean ± standard error.
"""

import argparse
import contextlib
import io
import resource
import statistics
import time
import warnings
from collections.abc import Callable

import numpy as np

from shift_ratio_data import (
    Problem,
    Weights,
    heavy,
    interaction,
    lecture,
    narrowed,
    shifted,
    two_humps,
    unchanged,
)
from shinso.shift.ratio import (
    KLIEP,
    ULSIF,
    DensityRatio,
    KernelMeanMatching,
    Logistic,
    NeuralBregman,
    RatioMethod,
    RelativeULSIF,
)

Estimate = Callable[[np.ndarray, np.ndarray], Weights]
"""From numerator and denominator: the denominator's weights."""

PROBLEMS: tuple[Problem, ...] = (unchanged, shifted, narrowed, heavy, two_humps, interaction)
METHODS: dict[str, RatioMethod] = {
    "Logistic": Logistic(),
    "ULSIF": ULSIF(),
    "RelativeULSIF": RelativeULSIF(),
    "KLIEP": KLIEP(),
    "KMM": KernelMeanMatching(),
    "Neural": NeuralBregman(),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sections", nargs="*", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--rows", type=int, default=1000, help="of each sample, in the section on methods")
    parser.add_argument("--small-draws", type=int, default=20)
    parser.add_argument("--large-draws", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0, help="of the draws in the sections small and large")
    arguments = parser.parse_args()
    for section in arguments.sections:
        SECTIONS[section](arguments)


def error(estimate: Weights, truth: Weights) -> float:
    if not np.isfinite(estimate).all() or estimate.sum() <= 0:
        return float("inf")
    estimate, truth = estimate / estimate.mean(), truth / truth.mean()
    return float(((estimate - truth) ** 2).sum() / (truth**2).sum())


def compare_methods(arguments: argparse.Namespace) -> None:
    """Which method errs least over problems and numbers of columns: the ground for the default."""
    print(f"Median error of {arguments.repetitions} draws of 2 x {arguments.rows} rows")
    print(f"{'problem':14}{'columns':>8}{'none':>9}" + "".join(f"{name:>15}" for name in METHODS))
    excess: dict[str, list[float]] = {name: [] for name in METHODS}
    for problem in PROBLEMS:
        for columns in (1, 2, 5, 10, 50):
            found = errors_of_methods(problem, columns, arguments)
            medians = {name: statistics.median(values) for name, values in found.items()}
            print(f"{problem.__name__:14}{columns:8}" + f"{medians.pop('none'):9.4f}", end="")
            print("".join(f"{value:15.4f}" for value in medians.values()), flush=True)
            for name, value in medians.items():
                excess[name].append(value - min(medians.values()))
    for title, summary in (("mean", statistics.mean), ("worst", max)):
        print(f"{title + ' above best':31}" + "".join(f"{summary(values):15.4f}" for values in excess.values()))


def errors_of_methods(problem: Problem, columns: int, arguments: argparse.Namespace) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {name: [] for name in ("none", *METHODS)}
    for repetition in range(arguments.repetitions):
        p, q, ratio = problem(np.random.default_rng(repetition), arguments.rows, columns)
        truth = ratio(q)
        found["none"].append(error(np.ones(len(q)), truth))
        for name, method in METHODS.items():
            found[name].append(error(method.fit(p, q).denominator_weights, truth))
    return found


def compare_small(arguments: argparse.Namespace) -> None:
    """Every method that a package has too, on small draws."""
    sides = shared_methods() | other_packages()
    for problem, columns in ((lecture, 1), (shifted, 2), (narrowed, 2)):
        for rows in (100, 300, 1000):
            print(f"\n{problem.__name__}, 2 x {rows:,} rows x {columns} columns, {arguments.small_draws} draws")
            print_sides(measured(sides, problem, (rows, columns), arguments.small_draws, arguments.first_seed))


def compare_large(arguments: argparse.Namespace) -> None:
    """The same at 10,000 x 10, which takes the packages minutes; relative uLSIF costs them as much as uLSIF."""
    sides = {name: side for name, side in (shared_methods() | other_packages()).items() if "RuLSIF" not in name}
    print(f"\nshifted, 2 x 10,000 rows x 10 columns, {arguments.large_draws} draws")
    print_sides(measured(sides, shifted, (10_000, 10), arguments.large_draws, arguments.first_seed))


Measured = dict[str, list[tuple[float, float]]]
"""By side the error and the seconds of each draw."""


def measured(
    sides: dict[str, Estimate], problem: Problem, shape: tuple[int, int], draws: int, first_seed: int
) -> Measured:
    found: Measured = {name: [] for name in sides}
    for seed in range(first_seed, first_seed + draws):
        p, q, ratio = problem(np.random.default_rng(seed), *shape)
        truth = ratio(q)
        for name, estimate in sides.items():
            np.random.seed(seed)  # the packages draw from the global state
            started = time.perf_counter()
            weights = estimate(p, q)
            seconds = time.perf_counter() - started
            found[name].append((error(weights, truth / (0.1 * truth + 0.9) if "RuLSIF" in name else truth), seconds))
            if seconds > 30:
                print(f"  seed {seed}, {name}: error {found[name][-1][0]:.4f}, {seconds:.0f} s", flush=True)
    return found


def print_sides(found: Measured) -> None:
    for name, values in found.items():
        errors, seconds = np.array(values).T
        line = f"  {name:18}error {mean_and_standard_error(errors)}, median {np.median(errors):7.4f}"
        line += f"  {np.median(seconds):8.2f} s"
        package, method = name.split()
        if package != "shinso":
            ours, our_seconds = np.array(found[f"shinso {method}"]).T
            line += f"   ours less theirs {mean_and_standard_error(ours - errors, '+')}, "
            line += f"{np.median(seconds / our_seconds):.3g} times as fast"
        print(line, flush=True)


def mean_and_standard_error(values: np.ndarray, sign: str = "") -> str:
    spread = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")
    return f"{values.mean():{sign}.4f} ± {spread:.4f}"


def shared_methods() -> dict[str, Estimate]:
    ours: dict[str, RatioMethod] = {
        "uLSIF": ULSIF(),
        "RuLSIF": RelativeULSIF(),
        "KLIEP": KLIEP(),
        "KMM": KernelMeanMatching(),
    }
    return {f"shinso {name}": weights_of(method) for name, method in ours.items()}


def weights_of(method: RatioMethod) -> Estimate:
    return lambda p, q: method.fit(p, q).denominator_weights


def other_packages() -> dict[str, Estimate]:
    """The packages' methods as they come, those of them that can be imported."""
    found: dict[str, Estimate] = {}
    try:
        from densratio import densratio  # type: ignore[import-not-found]
    except ImportError:
        print("densratio is not installed: skipped")
    else:

        def estimate_by(method: str) -> Estimate:
            return lambda p, q: np.asarray(densratio(p, q, method=method, verbose=False).compute_density_ratio(q))

        found |= {f"densratio {method}": estimate_by(method) for method in ("uLSIF", "RuLSIF", "KLIEP")}
    try:
        from adapt import instance_based as adapt  # type: ignore[import-not-found]
    except ImportError:
        print("adapt is not installed: skipped")
    else:
        widths = [0.01, 0.03, 0.1, 0.3, 1.0]
        found["adapt KLIEP"] = lambda p, q: quiet(adapt.KLIEP(Xt=p, kernel="rbf", gamma=widths, random_state=0), p, q)
        found["adapt uLSIF"] = lambda p, q: quiet(
            adapt.ULSIF(Xt=p, kernel="rbf", gamma=widths, lambdas=[0.01, 0.1, 1.0], random_state=0), p, q
        )
        found["adapt RuLSIF"] = lambda p, q: quiet(
            adapt.RULSIF(Xt=p, kernel="rbf", gamma=widths, lambdas=[0.01, 0.1, 1.0], alpha=0.1, random_state=0), p, q
        )
        found["adapt KMM"] = lambda p, q: quiet(
            adapt.KMM(Xt=p, kernel="rbf", gamma=0.5 / p.shape[1], random_state=0), p, q
        )
    return found


def quiet(adapter, p: np.ndarray, q: np.ndarray) -> Weights:  # type: ignore[no-untyped-def]
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        weights: Weights = adapter.fit_weights(q, p)
    return np.asarray(weights).ravel()


def fit_a_million(arguments: argparse.Namespace) -> None:
    """A million rows by ten columns of each sample: seconds, and memory beside that of the tables."""
    p, q, ratio = narrowed(np.random.default_rng(0), 1_000_000, 10)
    truth = ratio(q)
    print(f"\n2 x 1,000,000 rows x 10 columns: {(p.nbytes + q.nbytes) / 2**20:,.0f} MiB of tables")
    for name, method in METHODS.items():
        before = peak()
        started = time.perf_counter()
        fit: DensityRatio = method.fit(p, q)
        seconds = time.perf_counter() - started
        print(
            f"  {name:16}{seconds:7.1f} s, error {error(fit.denominator_weights, truth):.4f}, "
            f"effective {fit.effective_sample_size:,.0f} (true {truth.sum() ** 2 / (truth @ truth):,.0f}), "
            f"peak memory up by {peak() - before:,.0f} MiB to {peak():,.0f}",
            flush=True,
        )


def peak() -> float:
    """MiB of this process at its greatest."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


SECTIONS = {"methods": compare_methods, "small": compare_small, "large": compare_large, "million": fit_a_million}

if __name__ == "__main__":
    main()
