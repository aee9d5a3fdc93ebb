"""The randomization test on data where what can be fitted is known."""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

import shinso
from shinso.recipe import SGD, Augment, Recipe, Split
from shinso.training._draw_randomization import draw_randomization
from shinso.training._randomization import (
    CORRUPTIONS,
    Corruption,
    RandomizationTest,
    RandomizedTraining,
    label_corruptions,
    randomization_test,
)

RECIPE = Recipe(
    model="mlp", model_options={"width": 64}, epochs=25, batch_size=16, device="cpu", split=Split(valid=0.0, test=0.5)
)


def separable() -> tuple[Tensor, Tensor]:
    """Two classes by the sign of one feature, and seven features of noise."""
    inputs = torch.randn(160, 8, generator=torch.Generator().manual_seed(0))
    return inputs, (inputs[:, 3] > 0).long()


def test_true_labels_carry_over_and_random_ones_are_fitted_later_and_do_not() -> None:
    chosen = {name: CORRUPTIONS[name] for name in ("true labels", "random labels", "shuffled pixels", "random pixels")}
    found = randomization_test(RECIPE, separable(), corruptions=chosen, seeds=2, progress=False).by_corruption()
    assert list(found) == list(chosen)
    assert [training.seed for training in found["true labels"]] == [0, 1]
    mean = {name: np.mean([training.test_accuracy for training in trainings]) for name, trainings in found.items()}
    assert min(mean["true labels"], mean["shuffled pixels"]) > 0.8
    assert abs(mean["random labels"] - 0.5) < 0.17
    assert mean["random pixels"] < 0.7
    for true, random in zip(found["true labels"], found["random labels"], strict=True):
        assert true.final_accuracy > 0.99
        assert random.final_accuracy > 0.95
        assert true.steps_to_fit is not None
        assert random.steps_to_fit is None or random.steps_to_fit > true.steps_to_fit
        assert true.steps_to_fit == true.steps[np.flatnonzero(true.train_accuracy >= 0.99)[0]]
        assert len(true.steps) == len(true.train_loss) == 25
        assert true.train_loss[-1] < random.train_loss[-1]


def test_the_trainings_are_those_of_the_recipe_on_the_corrupted_part(tmp_path: Path) -> None:
    seen: list[tuple[Tensor, Tensor]] = []

    def note(inputs: Tensor, generator: torch.Generator) -> Tensor:
        seen.append((inputs, generator.get_state()))
        return inputs

    recipe = dataclasses.replace(RECIPE, epochs=2, augment=Augment(mixup=0.3), patience=3, seed=5)
    found = randomization_test(
        recipe, separable(), corruptions={"noted": Corruption(inputs=note)}, to=tmp_path, progress=False
    )
    (train, first), (test, second) = seen
    assert len(train) == len(test) == 80
    assert torch.equal(first, second)
    run = shinso.load_run(tmp_path / "noted, seed 5")
    assert run.recipe.augment == Augment(crop=0, flip=False, warp=0.0, mixup=0.3)
    assert run.recipe.seed == 5
    assert run.summary["test/accuracy"] == found.trainings[0].test_accuracy
    model = run.model()
    with torch.no_grad():
        accuracy = (model(train).argmax(1) == (train[:, 3] > 0).long()).double().mean()
    assert found.trainings[0].final_accuracy == pytest.approx(accuracy.item())


def test_label_corruptions_by_share_and_a_network_of_ones_own() -> None:
    made = []

    def build() -> nn.Module:
        made.append(nn.Linear(8, 2))
        return made[-1]

    random = torch.get_rng_state()
    with torch.random.fork_rng():
        found = randomization_test(
            dataclasses.replace(RECIPE, epochs=1),
            separable(),
            build=build,
            corruptions=label_corruptions(0.0, 0.4, 1.0),
            progress=False,
        )
    assert torch.equal(random, torch.get_rng_state())
    names = [f"{share} % of the labels random" for share in (0, 40, 100)]
    assert [training.corruption for training in found.trainings] == names
    assert len(made) == 3


def test_a_training_that_diverges_did_not_fit() -> None:
    recipe = dataclasses.replace(RECIPE, epochs=2, optimizer=SGD(learning_rate=1e30), clip_norm=math.inf)
    found = randomization_test(recipe, separable(), corruptions={"true": Corruption()}, progress=False)
    assert found.trainings[0].steps_to_fit is None
    assert math.isnan(found.trainings[0].test_accuracy)
    assert "never" in str(found)


def training(corruption: str, seed: int, steps_to_fit: int | None) -> RandomizedTraining:
    curve = np.array([1.0, 0.5])
    return RandomizedTraining(corruption, seed, np.array([5, 10]), curve, 1 - curve / 2, 0.75, 0.5, steps_to_fit)


FOUND = RandomizationTest(
    (training("true labels", 0, 5), training("true labels", 1, None), training("x", 0, None)), 0.7
)


def test_the_table() -> None:
    assert str(FOUND).splitlines() == [
        "corruption   train accuracy  test accuracy  steps to fit",
        "true labels            75.0           50.0    5 (1 of 2)",
        "x                      75.0           50.0         never",
    ]


def test_the_picture_has_a_curve_and_a_bar_for_each_corruption() -> None:
    figure = Figure()
    draw_randomization(FOUND, figure)
    curves, bars = figure.axes
    assert [text.get_text() for text in curves.get_legend().get_texts()] == ["true labels", "x"]
    assert [label.get_text() for label in bars.get_yticklabels()] == ["true labels", "x"]
    np.testing.assert_allclose(curves.lines[0].get_ydata(), [1.0, 0.5])


def test_what_cannot_be_corrupted_is_refused() -> None:
    inputs, targets = separable()
    with pytest.raises(ValueError, match="an iterable of batches cannot be corrupted"):
        randomization_test(RECIPE, [(inputs, targets)], progress=False)
    with pytest.raises(ValueError, match="draws labels among classes, but the targets of python are numbers"):
        randomization_test(RECIPE, (inputs, inputs[:, 0]), progress=False)
    with pytest.raises(ValueError, match=r"python leaves no test examples; give --split.test a share"):
        randomization_test(dataclasses.replace(RECIPE, split=Split(test=0.0)), (inputs, targets), progress=False)
    with pytest.raises(ValueError, match="got seeds=0 and 6 corruptions"):
        randomization_test(RECIPE, (inputs, targets), seeds=0)
    with pytest.raises(ValueError, match="fitted_at is a training accuracy above 0 and up to 1; got 99"):
        randomization_test(RECIPE, (inputs, targets), fitted_at=99)
