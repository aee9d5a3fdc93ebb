"""Least-squares fitting against repeated fits, a general optimizer, and the package densratio."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.spatial.distance import cdist
from scipy.stats import norm

from shinso.shift.ratio import ULSIF, RelativeULSIF
from shinso.shift.ratio._gaussian_kernels import Kernels, squared_distances, widths_to_try
from shinso.shift.ratio._ulsif import least_squares, leave_one_out_scores, penalties_to_try

RNG = np.random.default_rng(0)
ABOVE, BELOW = RNG.normal(0.3, 0.7, (14, 2)), RNG.normal(0, 1, (19, 2))
KERNELS = Kernels(ABOVE[:5], 0.9)


def test_kernels_are_gaussian() -> None:
    assert KERNELS.at(BELOW) == pytest.approx(np.exp(-cdist(BELOW, ABOVE[:5], "sqeuclidean") / (2 * 0.9**2)))
    assert squared_distances(ABOVE, ABOVE).min() >= 0


def test_the_coefficients_make_the_squared_error_least() -> None:
    phi_p, phi_q = KERNELS.at(ABOVE), KERNELS.at(BELOW)

    def objective(theta: np.ndarray) -> float:
        return float(((phi_q @ theta) ** 2).mean() / 2 - (phi_p @ theta).mean() + 0.3 * theta @ theta / 2)

    found = minimize(objective, np.zeros(5), tol=1e-12)
    assert least_squares(phi_p, phi_q, 0.3) == pytest.approx(found.x, abs=1e-5)


@pytest.mark.parametrize(("m", "n"), [(14, 19), (14, 14), (14, 9)])
def test_leaving_one_out_in_closed_form_is_leaving_one_out(m: int, n: int) -> None:
    phi_p, phi_q = KERNELS.at(ABOVE[:m]), KERNELS.at(BELOW[:n])
    penalties = np.array([1e-3, 0.1, 2.0])
    for penalty, score in zip(penalties, leave_one_out_scores(phi_p, phi_q, penalties), strict=True):
        left_out = []
        for pair in range(min(m, n)):
            # The first five rows of the numerator carry the kernels, and take them along.
            kernels = [kernel for kernel in range(5) if kernel != pair]
            others_p, others_q = np.delete(phi_p, pair, 0)[:, kernels], np.delete(phi_q, pair, 0)[:, kernels]
            theta = least_squares(others_p, others_q, float(penalty))
            r_q, r_p = (max(phi[pair, kernels] @ theta, 0) for phi in (phi_q, phi_p))
            left_out.append(r_q**2 / 2 - r_p)
        assert score == pytest.approx(np.mean(left_out), rel=1e-8)


def test_the_score_chooses() -> None:
    # A bad width and penalty beside good ones are not taken.
    ratio = ULSIF(width_factors=(0.01, 1.0), penalties=(1e-2, 1e4)).fit(RNG.normal(0.5, 1, 400), RNG.normal(0, 1, 400))
    assert ratio.diagnosis.tuning["penalty"] == 1e-2
    assert ratio.diagnosis.tuning["width"] > 0.2


def test_the_score_of_the_relative_ratio_is_its_error_on_rows_not_fitted() -> None:
    method, penalties = RelativeULSIF(alpha=0.3, folds=3), np.array([1e-2, 0.5])
    phi_p, phi_q = KERNELS.at(ABOVE), KERNELS.at(BELOW)
    scores = method._scores(phi_p, phi_q, penalties)
    for penalty, score in zip(penalties, scores, strict=True):
        errors = []
        for fold in range(3):
            held_p, held_q = np.arange(fold, 14, 3), np.arange(fold, 19, 3)
            kernels = [kernel for kernel in range(5) if kernel % 3 != fold]
            p, q = np.delete(phi_p, held_p, 0)[:, kernels], np.delete(phi_q, held_q, 0)[:, kernels]
            second = 0.3 * p.T @ p / len(p) + 0.7 * q.T @ q / len(q)
            theta = np.linalg.solve(second + penalty * np.eye(len(kernels)), p.mean(axis=0))
            r_p, r_q = (np.maximum(phi[:, kernels] @ theta, 0) for phi in (phi_p[held_p], phi_q[held_q]))
            errors.append(0.15 * (r_p**2).mean() + 0.35 * (r_q**2).mean() - r_p.mean())
        assert score == pytest.approx(np.mean(errors), rel=1e-8)


def test_the_relative_ratio_stays_below_its_bound_where_the_ratio_itself_runs_away() -> None:
    p, q = RNG.normal(2.0, 1, 600), RNG.normal(0, 1, 600)
    relative = RelativeULSIF(alpha=0.5).fit(p, q).weights(p)
    truth = np.exp(2 * p - 2)
    assert truth.max() > 100
    assert relative.max() < 2.3
    assert np.abs(relative - truth / (0.5 * truth + 0.5)).mean() < 0.08


@pytest.mark.parametrize("alpha", [0.1, 0.5, 0.9])
def test_the_mean_of_a_relative_ratio_is_one_over_its_mixture(alpha: float) -> None:
    rng = np.random.default_rng(7)
    ratio = RelativeULSIF(alpha=alpha).fit(rng.normal(2, 1, 1500), rng.normal(0, 1, 1500))
    assert ratio.diagnosis.mean_weight == pytest.approx(1, abs=0.1)
    assert not any("the fit is not one" in problem for problem in ratio.diagnosis.problems)
    # Over the denominator alone it is another: r = p / (αp + (1-α)q) against q.
    points = np.linspace(-8, 10, 20_001)
    p, q = norm.pdf(points, 2), norm.pdf(points)
    expected = np.trapezoid(q * p / (alpha * p + (1 - alpha) * q), points)
    assert ratio.denominator_weights.mean() == pytest.approx(expected, abs=0.1)
    assert ratio.diagnosis.mean_weight == pytest.approx(
        alpha * ratio.weights(rng.normal(2, 1, 20_000)).mean() + (1 - alpha) * ratio.denominator_weights.mean(),
        abs=0.05,
    )


def test_alpha_is_a_share() -> None:
    for alpha in (-0.1, 1.0):
        with pytest.raises(ValueError, match=rf"from 0 up to but not 1; got {alpha}"):
            RelativeULSIF(alpha=alpha)


def test_over_some_draws_the_error_is_no_greater_than_that_of_densratio() -> None:
    densratio = pytest.importorskip("densratio").densratio
    ours: list[float] = []
    theirs: list[float] = []
    for seed in range(4):
        np.random.seed(seed)  # densratio draws from the global state
        rng = np.random.default_rng(seed)
        p, q = rng.normal(0.5, 0.8, (500, 4)), rng.normal(0, 1, (500, 4))
        truth = np.exp(-((q - 0.5) ** 2).sum(axis=1) / 0.64 / 2 + (q**2).sum(axis=1) / 2)
        truth /= truth.mean()
        for errors, weights in (
            (ours, ULSIF().fit(p, q).denominator_weights),
            (theirs, np.asarray(densratio(p, q, verbose=False).compute_density_ratio(q))),
        ):
            errors.append(float(((weights / weights.mean() - truth) ** 2).sum() / (truth**2).sum()))
    assert np.mean(ours) <= np.mean(theirs)


def test_no_width_reaches_less_than_the_nearest_centre() -> None:
    squares = np.array([[1.0, 4.0, 9.0], [16.0, 4.0, 25.0], [9.0, 25.0, 36.0]])
    assert widths_to_try(squares, (0.1, 2.0, 0.5, 1.0)) == pytest.approx([3.0, 6.0])
    assert widths_to_try(squares, (0.1, 0.2)) == pytest.approx([0.6])


@pytest.mark.parametrize(("rows", "needed"), [(4000, 40), (400, 40), (50, 20)])
def test_half_of_the_kernels_cover_forty_rows_or_two_in_five(rows: int, needed: int) -> None:
    rng = np.random.default_rng(1)
    squares = cdist(rng.normal(size=(rows, 2)), rng.normal(size=(100, 2)), "sqeuclidean")
    factors = np.array((0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 2.0))
    widths = widths_to_try(squares, tuple(factors))
    tried = factors * float(np.sqrt(np.median(squares[:2000])))
    covered = np.array([np.median(np.exp(-squares[:2000] / (2 * w**2)).mean(axis=0)) * rows for w in tried])
    near = tried >= np.sqrt(np.median(squares.min(axis=1)))
    assert widths == pytest.approx(tried[(covered >= needed) & near])
    assert len(widths) < len(factors)


def test_no_penalty_is_below_one_over_the_rows() -> None:
    assert penalties_to_try((1.0, 1e-4, 1e-2), 200).tolist() == [1e-2, 1.0]
    assert penalties_to_try((1e-4, 1e-3), 200).tolist() == [1e-3]


def test_of_a_hundred_rows_the_weights_are_better_than_none() -> None:
    errors, of_none = [], []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        p, q = rng.normal(0.5, 1, (100, 2)), rng.normal(0, 1, (100, 2))
        truth = np.exp(0.5 * q.sum(axis=1))
        truth /= truth.mean()
        weights = ULSIF().fit(p, q).denominator_weights
        errors.append(((weights / weights.mean() - truth) ** 2).sum() / (truth**2).sum())
        of_none.append(((1 - truth) ** 2).sum() / (truth**2).sum())
    assert np.mean(errors) < 0.7 * np.mean(of_none)
    assert max(errors) < 0.8
