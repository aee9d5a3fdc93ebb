"""What is said of samples that overlap little, and of tables that cannot be read."""

import warnings
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.stats import norm

from shinso.shift.ratio import (
    KLIEP,
    ULSIF,
    Diagnosis,
    KernelMeanMatching,
    Logistic,
    NeuralBregman,
    NoOverlap,
    Overlap,
    PoorOverlap,
    RatioMethod,
    RelativeULSIF,
    density_ratio,
)
from shinso.shift.ratio._diagnosis import diagnosis_of
from shinso.shift.ratio._overlap import overlap_of

RNG = np.random.default_rng(0)
STANDARD = RNG.normal(size=(2000, 3))


@pytest.mark.parametrize("shift", [0.5, 1.0, 2.0])
def test_the_auc_is_that_of_two_normal_densities(shift: float) -> None:
    moved = np.random.default_rng(1).normal(size=(2000, 3)) + np.array([shift, 0, 0])
    assert overlap_of(moved, STANDARD).auc == pytest.approx(norm.cdf(shift / 2**0.5), abs=0.02)


def test_of_the_same_density_hardly_any_row_is_outside() -> None:
    same = overlap_of(np.random.default_rng(2).normal(size=(2000, 3)), STANDARD)
    assert same.outside == pytest.approx(0.005, abs=0.01)
    assert same.auc == pytest.approx(0.5, abs=0.03)
    assert not same.separated


def test_samples_apart_are_refused_with_a_reason() -> None:
    with pytest.raises(NoOverlap, match=r"tells them apart with AUC (1\.000|0\.99\d) .* collect denominator rows"):
        density_ratio(STANDARD + 6, STANDARD)


def test_a_numerator_in_a_hole_of_the_denominator_is_refused_though_no_line_separates_it() -> None:
    angles = RNG.uniform(0, 2 * np.pi, 1000)
    checkered = np.sign(RNG.normal(size=(1000, 2))) * 3 + 0.3 * RNG.normal(size=(1000, 2))
    between = np.stack([3 * np.sign(RNG.normal(size=1000)), np.zeros(1000)], axis=1)
    between = np.where(angles[:, None] < np.pi, between, between[:, ::-1]) + 0.3 * RNG.normal(size=(1000, 2))
    with pytest.raises(NoOverlap, match=r"100\.0% of the numerator lies where the denominator has nearly no rows"):
        density_ratio(between, checkered)


@pytest.mark.parametrize(
    "method", [Logistic(), ULSIF(), RelativeULSIF(), KLIEP(), KernelMeanMatching()], ids=lambda m: type(m).__name__
)
def test_a_fit_without_overlap_says_so(method: RatioMethod) -> None:
    ratio = method.fit(STANDARD[:300] + 8, STANDARD[300:600])
    assert np.isfinite(ratio.denominator_weights).all()
    assert "the samples can be told apart nearly always (AUC 1.000)" in ratio.diagnosis.problems
    assert "! 100.0% of the numerator lies where" in str(ratio.diagnosis)


def test_little_overlap_is_a_warning_and_enough_is_none() -> None:
    with pytest.warns(PoorOverlap, match=r"the weighted rows are worth .* of 500"):
        density_ratio(STANDARD[:500] * 0.5 + 1.0, STANDARD[500:1000], Logistic(reach=np.inf))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ratio = density_ratio(STANDARD[:500] + 0.2, STANDARD[500:1000])
    assert ratio.diagnosis.problems == ()
    assert "!" not in str(ratio.diagnosis)
    assert "density ratio by Logistic" in str(ratio.diagnosis)


def test_the_effective_sample_size_is_kishs() -> None:
    overlap = Overlap(auc=0.6, outside=0.0)
    even = diagnosis_of("x", {}, np.full(50, 3.0), 2.9, overlap)
    assert (even.effective_sample_size, even.largest_share, even.mean_weight) == pytest.approx((50, 0.02, 2.9))
    some = diagnosis_of("x", {}, np.array([1e200, 2e200, 0.0]), 1e200, overlap)
    assert some.effective_sample_size == pytest.approx(9 / 5)
    nothing = diagnosis_of("x", {}, np.zeros(3), 0.0, overlap)
    assert nothing.effective_sample_size == 0


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"overlap": Overlap(0.995, 0.0)}, r"told apart nearly always (AUC 0.995)"),
        ({"overlap": Overlap(0.6, 0.06)}, "6.0% of the numerator lies"),
        ({"effective_sample_size": 40.0}, "worth 40 of 1,000"),
        ({"largest_share": 0.2}, "one row has 20.0% of all weight"),
        ({"mean_weight": 2.5}, "mean is 2.5 where"),
    ],
)
def test_each_problem_is_said_alone(changed: dict[str, object], problem: str) -> None:
    sound: dict[str, object] = {
        "method": "x",
        "tuning": {},
        "rows": 1000,
        "effective_sample_size": 500.0,
        "largest_share": 0.01,
        "mean_weight": 1.0,
        "overlap": Overlap(0.6, 0.005),
    }
    assert Diagnosis(**sound).problems == ()  # type: ignore[arg-type]
    (found,) = Diagnosis(**(sound | changed)).problems  # type: ignore[arg-type]
    assert problem in found


def test_tensors_and_pandas_tables_are_taken() -> None:
    pandas = pytest.importorskip("pandas")
    p, q = STANDARD[:100] + 0.3, STANDARD[100:250]
    expected = ULSIF().fit(p, q).denominator_weights
    assert (ULSIF().fit(torch.from_numpy(p), torch.from_numpy(q)).denominator_weights == expected).all()
    tables = [pandas.DataFrame(sample, columns=["age", "pay", "height"]) for sample in (p, q)]
    ratio = ULSIF().fit(*tables)
    # A table's columns lie one behind the other in memory, and sums round differently.
    assert ratio.denominator_weights == pytest.approx(expected, rel=1e-8)
    with pytest.raises(ValueError, match="table x has the column 'pay' where 'age' was expected"):
        ratio.weights(tables[0][["pay", "age", "height"]])
    with pytest.raises(ValueError, match="numerator has the column 'pay' where 'age' was expected"):
        ULSIF().fit(tables[0][["pay", "age", "height"]], tables[1])
    with pytest.raises(ValueError, match=r"numerator must hold numbers alone .*indicator columns"):
        ULSIF().fit(pandas.DataFrame({"colour": ["red"] * 20}), q)
    with pytest.raises(ValueError, match=r"numbers alone, but has datetime64\[..\] in the column when"):
        ULSIF().fit(pandas.DataFrame({"when": pandas.to_datetime(["2024-05-06", None] * 10)}), q)


def test_few_rows_without_a_shift_are_seldom_said_to_lie_outside() -> None:
    def uncovered(rows: int, seed: int, away: float) -> bool:
        generator = np.random.default_rng(seed)
        overlap = overlap_of(generator.normal(size=(100, 2)) + away, generator.normal(size=(rows, 2)))
        return diagnosis_of("any", {}, np.ones(rows), 1.0, overlap).uncovered

    assert sum(uncovered(20, seed, 0) for seed in range(60)) <= 6
    assert sum(uncovered(20, seed, 4) for seed in range(10)) == 10
    assert sum(uncovered(200, seed, 2) for seed in range(10)) == 10


def test_what_cannot_be_read_is_named() -> None:
    holes = STANDARD[:20].copy()
    holes[3:5, 1] = np.nan
    for arguments, message in (
        ((holes, STANDARD), r"numerator has 2 missing or infinite values, in the columns 1: fill them in"),
        ((STANDARD, [[np.inf], [-np.inf], [1.0]]), "denominator has 2 missing or infinite values, in the columns 0"),
        ((STANDARD[:20] * 1e200, STANDARD), r"60 missing or infinite .* \(what is beyond 1e\+150 counts as infinite\)"),
        ((np.array(["NaT"] * 20, dtype="datetime64[s]"), STANDARD), r"numbers alone, but has datetime64\[s\]: make"),
        ((STANDARD, STANDARD + 1j), "denominator must hold numbers alone, but has complex128: make"),
        ((STANDARD[:9], STANDARD), "at least 10 rows; the numerator has 9"),
        ((STANDARD[:, :2], STANDARD), "same columns; the numerator has 2, the denominator 3"),
        ((np.zeros((20, 2, 2)), STANDARD), r"rows by columns; got the shape \(20, 2, 2\)"),
    ):
        with pytest.raises(ValueError, match=message):
            density_ratio(*arguments)
    with pytest.raises(ValueError, match="table x has 2 columns where 3 were expected"):
        ULSIF().fit(STANDARD[:20], STANDARD).weights(STANDARD[:, :2])


@pytest.mark.parametrize(
    ("method", "settings", "message"),
    [
        (KLIEP, {"centres": 1}, r"centres must be 2 or more \(.*\); got centres=1"),
        (KLIEP, {"centres": 0}, "got centres=0"),
        (KLIEP, {"folds": 1}, r"folds must be 2 or more \(.*\); got folds=1"),
        (KLIEP, {"most_iterations": 0}, "got most_iterations=0"),
        (KLIEP, {"width_factors": ()}, r"width_factors must be at least one number, all above 0.*; got \(\)"),
        (ULSIF, {"centres": 1}, "got centres=1"),
        (ULSIF, {"rows": 5}, r"rows must be 10 or more \(.*\); got rows=5"),
        (ULSIF, {"penalties": (0.1, -1.0)}, r"penalties must be .*; got \(0.1, -1.0\)"),
        (RelativeULSIF, {"folds": 1}, "got folds=1"),
        (RelativeULSIF, {"rows": 9}, "got rows=9"),
        (KernelMeanMatching, {"folds": 1}, "got folds=1"),
        (KernelMeanMatching, {"witnesses": 1}, "got witnesses=1"),
        (KernelMeanMatching, {"width_factors": (0.0,)}, r"got \(0.0,\)"),
        (Logistic, {"folds": 1}, "got folds=1"),
        (Logistic, {"features": ()}, "features must be at least one function"),
        (Logistic, {"reach": -1.0}, "reach must be above 0; got reach=-1.0"),
        (NeuralBregman, {"batch_size": 0}, "got batch_size=0"),
        (NeuralBregman, {"rows": 5}, "got rows=5"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_at_once(
    method: Callable[..., RatioMethod], settings: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        method(**settings)


@pytest.mark.parametrize(
    "method",
    [KLIEP(folds=41), RelativeULSIF(folds=41), KernelMeanMatching(folds=41), Logistic(folds=41)],
    ids=lambda m: type(m).__name__,
)
def test_more_folds_than_rows_are_refused(method: RatioMethod) -> None:
    with pytest.raises(ValueError, match="41 folds need as many rows of each sample at least; got 40: take fewer"):
        method.fit(STANDARD[:40], STANDARD[40:200])


@pytest.mark.parametrize(
    "method",
    [
        KLIEP(centres=2, folds=2),
        ULSIF(centres=2, rows=10),
        RelativeULSIF(centres=2, folds=10, rows=10),
        KernelMeanMatching(centres=2, witnesses=2, folds=2),
        KLIEP(folds=10, rows=10),
    ],
    ids=repr,
)
def test_the_least_settings_still_give_weights(method: RatioMethod) -> None:
    weights = method.fit(STANDARD[:40], STANDARD[40:200]).denominator_weights
    assert np.isfinite(weights).all()
    assert weights.any()


def test_a_column_that_is_the_same_everywhere_says_nothing() -> None:
    p, q = STANDARD[:100] + 0.5, STANDARD[100:300]
    with_constant = [np.concatenate([sample, np.full((len(sample), 1), 0.1)], axis=1) for sample in (p, q)]
    for method in (ULSIF(), Logistic(features=Logistic().features[:2])):
        plain = method.fit(p, q).denominator_weights
        ratio = method.fit(*with_constant)
        assert ratio.denominator_weights == pytest.approx(plain, rel=1e-6)
        elsewhere = with_constant[1] + np.array([0, 0, 0, 7.0])
        assert ratio.weights(elsewhere) == pytest.approx(plain, rel=1e-6)


@pytest.mark.parametrize(
    "method", [Logistic(), ULSIF(), RelativeULSIF(), KLIEP(), KernelMeanMatching()], ids=lambda m: type(m).__name__
)
def test_tables_at_the_edge_of_sense_get_sensible_weights(method: RatioMethod) -> None:
    rng = np.random.default_rng(3)
    everywhere_equal = method.fit(np.ones((20, 2)), np.ones((30, 2)))
    assert everywhere_equal.denominator_weights == pytest.approx(np.ones(30), abs=0.02)
    zeros_and_ones = method.fit(rng.integers(0, 2, (200, 3)), rng.integers(0, 2, (200, 3)))
    assert zeros_and_ones.effective_sample_size > 180
    fewest = method.fit(rng.normal(size=(10, 2)), rng.normal(size=(10, 2)))
    assert 0.5 < fewest.diagnosis.mean_weight < 1.5
    assert 3 < fewest.effective_sample_size <= 10 + 1e-9
