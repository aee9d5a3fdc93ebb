"""The studies of generalisation: verdicts on made-up numbers, the studies made small, and what they refuse."""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F  # noqa: N812

from shinso.studies import Outcome
from shinso.studies._descent import descend, seeded_mlp
from shinso.studies._examples import examples
from shinso.studies._random_features import _LinearInFeatures, random_features
from shinso.studies._sharp_minima import Minimum, Pair
from shinso.studies._side_by_side import side_by_side
from shinso.studies.evidence import _minimize, evidence
from shinso.studies.evidence import _verdict as evidence_verdict
from shinso.studies.generalization_gap import _Gap, generalization_gap
from shinso.studies.generalization_gap import _verdict as gap_verdict
from shinso.studies.lazy_training import Training, lazy_training
from shinso.studies.lazy_training import _verdict as lazy_verdict
from shinso.studies.noise_scale import _verdict as noise_verdict
from shinso.studies.noise_scale import best_batches, noise_scale
from shinso.studies.random_labels import _verdict as labels_verdict
from shinso.studies.random_labels import random_labels
from shinso.studies.sharp_flat import _verdict as sharp_verdict
from shinso.studies.sharp_flat import sharp_flat
from shinso.training import RandomizedTraining

JITTER = (0.00, 0.01, -0.01, 0.005, -0.005)
"""What five seeds differ by."""


def around(value: float) -> list[float]:
    return [value + value * step for step in JITTER]


# random-labels


def randomized(steps: int | None, test_accuracy: float) -> list[RandomizedTraining]:
    nothing = np.zeros(0)
    return [
        RandomizedTraining(
            "", seed, nothing.astype(int), nothing, nothing, 1.0, test_accuracy + step, None if steps is None else steps
        )
        for seed, step in enumerate(JITTER)
    ]


@pytest.mark.parametrize(
    ("true_steps", "random_steps", "random_accuracy", "holds"),
    [
        (100, 300, 0.1, True),
        (100, 300, 0.3, False),  # something is learned
        (100, 100, 0.1, False),  # no longer
        (100, 1100, 0.1, False),  # far longer
        (100, None, 0.1, False),  # never fitted
    ],
)
def test_random_labels_have_to_be_fitted_slower_and_to_say_nothing(
    true_steps: int, random_steps: int | None, random_accuracy: float, holds: bool
) -> None:
    found = {"true labels": randomized(true_steps, 0.95), "random labels": randomized(random_steps, random_accuracy)}
    assert labels_verdict(found, 10, 0.99).holds == holds


def test_every_corruption_has_to_be_fitted() -> None:
    found = {"true labels": randomized(100, 0.95), "random labels": randomized(300, 0.1)}
    verdict = labels_verdict(found | {"random pixels": randomized(None, 0.1)}, 10, 0.99)
    assert not verdict.holds
    assert verdict.because.startswith("10 of 15 trainings reach 99% of their training labels")


# generalization-gap


class MadeUp:
    """Stands for the least squares on random features."""

    because = "so it is"

    def __init__(self, gap_does_not_grow: bool) -> None:
        self.gap_does_not_grow = gap_does_not_grow


def sized(parameters: int) -> _Gap:
    return _Gap(100, parameters, None, 1.0, 0.9)  # type: ignore[arg-type]


def test_the_gap_is_compared_among_networks_with_more_weights_than_examples() -> None:
    sizes = [sized(50), sized(150), sized(5000)]
    assert gap_verdict([around(0.01), around(0.1), around(0.08)], sizes, MadeUp(True)).holds  # type: ignore[arg-type]
    assert not gap_verdict([around(0.2), around(0.1), around(0.15)], sizes, MadeUp(True)).holds  # type: ignore[arg-type]
    assert not gap_verdict([around(0.01), around(0.1), around(0.08)], sizes, MadeUp(False)).holds  # type: ignore[arg-type]


def test_the_terms_of_equations_22_and_23_add_up() -> None:
    found = random_features((10, 80, 160), training_sets=4)
    for parts in found.decompositions.values():
        assert parts.total.mean == pytest.approx(parts.estimation.mean + parts.approximation.mean, rel=1e-9)
        assert parts.estimation.mean == pytest.approx(parts.gap.mean + parts.fit.mean + parts.deviation.mean, rel=1e-6)
        assert parts.fit.mean <= 0
    assert "80 random features" in found.because
    with pytest.raises(ValueError, match="at least two numbers of features must be above the 50 examples; got"):
        _ = random_features((10, 80), training_sets=2).gap_does_not_grow


def test_random_features_take_the_solution_of_least_norm() -> None:
    from shinso.studies._random_features import _least_squares

    inputs = torch.randn(20, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    targets = inputs[:, 0].sin()
    model = _least_squares(60, inputs, targets)
    matrix = _LinearInFeatures(60).features(inputs).numpy()
    np.testing.assert_allclose(model.weights.numpy(), np.linalg.pinv(matrix) @ targets.numpy(), atol=1e-8)


# noise-scale

RATES, SIZES = (0.1, 0.2, 0.4), (1, 2, 4, 8, 16, 32)


def peaked(best: tuple[float, ...]) -> list[list[list[float]]]:
    """Accuracies whose maximum is at these batch sizes, for one seed of each rate at twice that."""
    return [
        [[1 - 0.01 * abs(math.log2(size / top) - ((seed + place) % 5 == 0)) for seed in range(5)] for size in SIZES]
        for place, top in enumerate(best)
    ]


def test_the_best_batch_has_to_be_proportional_to_the_rate() -> None:
    assert noise_verdict(RATES, SIZES, peaked((2, 4, 8))).holds
    assert not noise_verdict(RATES, SIZES, peaked((4, 4, 4))).holds
    assert not noise_verdict(RATES, SIZES, peaked((2, 8, 16))).holds
    assert not noise_verdict(RATES, SIZES, peaked((8, 4, 2))).holds


def test_what_is_best_at_the_end_of_the_range_is_not_counted() -> None:
    verdict = noise_verdict(RATES, SIZES, peaked((1, 32, 4)))
    assert not verdict.holds
    assert "of 3 learning rates 1 have their best batch inside the range" in verdict.because


def test_of_batches_that_are_equally_good_the_best_is_in_between() -> None:
    assert best_batches((1, 2, 4, 8), [[0.5], [0.9], [0.7], [0.9]]) == [pytest.approx(4.0)]


# evidence


def test_the_evidence_has_to_tell_true_labels_from_random_ones() -> None:
    good = {"true labels": [around(-0.1), around(-0.5)], "random labels": [around(0.9), around(0.2)]}
    assert evidence_verdict((0.1, 1.0), good).holds
    assert "λ = 1" in evidence_verdict((0.1, 1.0), good).because
    assert not evidence_verdict((0.1, 1.0), good | {"true labels": [around(0.3), around(0.1)]}).holds
    assert not evidence_verdict((0.1, 1.0), good | {"random labels": [around(0.9), around(-0.2)]}).holds
    assert not evidence_verdict((0.1, 1.0), good | {"random labels": [around(-0.9), around(0.2)]}).holds
    assert not evidence_verdict((0.1, 1.0), good | {"random labels": [around(0.9), list(JITTER)]}).holds


def test_the_minimum_is_that_of_scikit_learn() -> None:
    from sklearn.linear_model import LogisticRegression

    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(60, 4, generator=generator, dtype=torch.float64)
    targets = torch.randint(3, (60,), generator=generator)
    model = nn.Linear(4, 3, bias=False, dtype=torch.float64)
    _minimize(model, inputs, targets, 2.0)
    expected = LogisticRegression(C=0.5, fit_intercept=False, tol=1e-10, max_iter=1000).fit(inputs, targets)
    np.testing.assert_allclose(model.weight.detach().numpy(), expected.coef_, atol=1e-5)


# sharp-flat


def pair(small: float, large: float, rescaled: float, filtered: float, seed: int) -> Pair:
    def minimum(value: float) -> Minimum:
        return Minimum(value * (1 + JITTER[seed]), 1.0, 1.0, 0.02, 0.9, 10)

    return Pair(minimum(small), minimum(large), (1.0, 10.0), (small, rescaled), (1.0, filtered))


@pytest.mark.parametrize(
    ("small", "large", "rescaled", "filtered", "holds"),
    [
        (1.0, 2.0, 5.0, 1.0, True),
        (2.0, 1.0, 5.0, 1.0, False),  # the small batch's minimum is the sharper
        (1.0, 2.0, 1.5, 1.0, False),  # the ranking stays
        (1.0, 2.0, 5.0, 1.1, False),  # the other measure changes as well
    ],
)
def test_the_ranking_has_to_turn_round_by_one_measure_alone(
    small: float, large: float, rescaled: float, filtered: float, holds: bool
) -> None:
    assert sharp_verdict([pair(small, large, rescaled, filtered, seed) for seed in range(5)]).holds == holds


# lazy-training


def descent(error: float, moved: float, least: float, seed: int, above: float = 0.0) -> Training:
    predicted = (1.0, 0.5, 0.2)
    measured = tuple(value * math.exp(error * (1 + JITTER[seed])) for value in predicted)
    return Training(measured, predicted, (3.0, 2.0, 1.0 - above), least * (1 + JITTER[seed]), moved, moved)


def lazy(narrow: tuple[float, float, float], wide: tuple[float, float, float], above: float = 0.0) -> bool:
    runs = [[descent(*narrow, seed) for seed in range(5)], [descent(*wide, seed, above) for seed in range(5)]]
    return lazy_verdict((16, 1024), runs).holds


def test_wide_networks_have_to_be_predicted_better_to_move_less_and_to_have_a_larger_least_eigenvalue() -> None:
    assert lazy((0.5, 0.3, 0.1), (0.1, 0.03, 0.2))
    assert not lazy((0.1, 0.3, 0.1), (0.5, 0.03, 0.2))
    assert not lazy((0.5, 0.03, 0.1), (0.1, 0.3, 0.2))
    assert not lazy((0.5, 0.3, 0.2), (0.1, 0.03, 0.1))
    assert not lazy((0.5, 0.3, 0.1), (0.1, 0.03, 0.2), above=0.9)


def test_the_error_of_the_prediction_is_of_what_is_not_yet_learned() -> None:
    assert Training((1.0, 0.6, 0.5), (1.0, 0.3, 0.001), (), 0, 0, 0).error == pytest.approx(math.log(2))


# What they share


def test_work_is_ordered_by_setting_and_seed() -> None:
    assert side_by_side(pow, [2, 3], 3, jobs=1) == [[1, 2, 4], [1, 3, 9]]
    with pytest.raises(ValueError, match="at least one seed and one setting; got 0 and 1"):
        side_by_side(pow, [2], 0)


def test_examples_are_divided_by_the_seed() -> None:
    part, again, other = (examples("digits", None, seed, train_share=0.2) for seed in (0, 0, 1))
    assert (len(part.targets), len(part.test_targets), part.classes, part.features) == (359, 1438, 10, 64)
    assert torch.equal(part.inputs, again.inputs)
    assert not torch.equal(part.inputs, other.inputs)
    assert part.inputs.mean().abs() < 0.01
    with pytest.raises(ValueError, match=r"train_share is a share of the examples, above 0 and below 1; got 1.0"):
        examples("digits", None, 0, train_share=1.0)


def test_numbers_are_no_classes(tmp_path_factory: pytest.TempPathFactory) -> None:
    table = tmp_path_factory.mktemp("data") / "table.csv"
    table.write_text("a,b\n" + "\n".join(f"{n},{n / 7 + 0.01}" for n in range(50)))
    with pytest.raises(ValueError, match=r"needs classes to tell apart, but the targets of csv:.* are numbers"):
        examples(f"csv:{table}", "b", 0, train_share=0.5)


@limits(max_examples=10, deadline=None)
@given(batch_size=st.integers(1, 12), seed=st.integers(0, 100))
def test_a_pass_sees_every_example_at_most_once(batch_size: int, seed: int) -> None:
    inputs, targets = torch.eye(12), torch.zeros(12, dtype=torch.long)
    model = nn.Linear(12, 2, bias=False)
    before = model.weight.detach().clone()
    for step in descend(model, inputs, targets, learning_rate=1.0, batch_size=batch_size, seed=seed):
        if step == 12 // batch_size:
            break
    # An example moves a column of its own, so that the columns that moved are the examples that were seen.
    moved = (model.weight != before).any(dim=0)
    assert int(moved.sum()) == 12 // batch_size * batch_size


def test_one_step_on_all_examples_is_gradient_descent() -> None:
    inputs, targets = torch.randn(6, 3, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1, 0, 1, 1, 0])
    model = seeded_mlp(3, 2, 4, 1, seed=7)
    expected = seeded_mlp(3, 2, 4, 1, seed=7)
    F.cross_entropy(expected(inputs), targets).backward()  # type: ignore[no-untyped-call]
    next(descend(model, inputs, targets, learning_rate=0.5, batch_size=6, seed=0))
    for moved, start in zip(model.parameters(), expected.parameters(), strict=True):
        assert start.grad is not None
        torch.testing.assert_close(moved, start - 0.5 * start.grad)
    with pytest.raises(ValueError, match="between 1 and all 6 training examples; got 7"):
        next(descend(model, inputs, targets, learning_rate=0.5, batch_size=7, seed=0))


# The studies, made small

SMALL: dict[str, Callable[[], Outcome]] = {
    "random-labels": lambda: random_labels(epochs=1, fitted_at=0.1, seeds=1, jobs=1),
    "generalization-gap": lambda: generalization_gap(
        widths=(1, 8, 16), epochs=2, features=(60, 80), training_sets=2, seeds=2, jobs=1
    ),
    "noise-scale": lambda: noise_scale(
        learning_rates=(0.1, 0.2), batch_sizes=(4, 8, 16), width=8, steps=10, seeds=2, jobs=1
    ),
    "evidence": lambda: evidence(train_share=0.1, precisions=(1.0, 100.0), seeds=2, jobs=1),
    "sharp-flat": lambda: sharp_flat(train_share=0.1, width=8, max_epochs=3, factors=(1.0, 10.0), seeds=2, jobs=1),
    "lazy-training": lambda: lazy_training(widths=(8, 32), examples=6, features=4, steps=10, seeds=2, jobs=1),
}


@pytest.mark.parametrize("name", SMALL)
def test_a_study_made_small_has_numbers_a_picture_and_a_verdict(name: str, tmp_path: Path) -> None:
    outcome = SMALL[name]()
    text = str(outcome)
    assert outcome.claim in text
    assert re.search(r"^(holds|does not hold): .*\d", text, re.MULTILINE)
    assert outcome.save(tmp_path).stat().st_size > 10_000
    assert json.loads((tmp_path / "numbers.json").read_text())["verdict"]["holds"] is outcome.verdict.holds


def test_options_that_leave_nothing_to_compare_are_refused() -> None:
    with pytest.raises(ValueError, match=r"at least two learning rates and three batch sizes; got \(0.1,\)"):
        noise_scale(learning_rates=(0.1,))
    with pytest.raises(ValueError, match=r"widths have to rise; got \(64, 16\)"):
        lazy_training(widths=(64, 16))
    with pytest.raises(ValueError, match=r"positive factors that begin with 1; got 2 and \(3.0, 10.0\)"):
        sharp_flat(factors=(3.0, 10.0))
    with pytest.raises(
        ValueError, match="at least two networks must have more weights than the 36 examples; got 85: add widths"
    ):
        generalization_gap(train_share=0.02, widths=(1,), epochs=1, features=(60, 80), training_sets=2, seeds=1, jobs=1)
