import math

import numpy as np
import pytest

from shinso.lens import GradientFlow
from shinso.recipe import SGD, Recipe
from shinso.record import Readings
from shinso.studies import Trial
from shinso.studies._watched import Watched, watched

QUICK = Recipe(model="mlp", model_options={"width": 16}, epochs=1, lens_every=5)


def test_what_lenses_read_is_there_beside_what_training_records() -> None:
    ((first, second),) = watched([Trial(QUICK)], [GradientFlow()], seeds=2, jobs=1)
    assert first.readings["gradient_norm"].steps.tolist() == [1, 6, 11, 16]
    assert first.readings["gradient_norm"].labels[0] == "1.weight"
    assert first.summary["test/accuracy"] != second.summary["test/accuracy"]


def test_a_training_that_diverges_leaves_what_there_was() -> None:
    wild = Recipe(model="mlp", epochs=3, clip_norm=math.inf, optimizer=SGD(learning_rate=1e6))
    ((run,),) = watched([Trial(wild)], [GradientFlow()], seeds=1, jobs=1)
    assert "gradient_norm" in run.readings
    assert math.isfinite(run.mean_loss)


def made_up(losses: list[float]) -> Watched:
    steps = np.arange(1, len(losses) + 1)
    return Watched({}, {"train/loss": Readings(steps, np.array(losses)), "seen": Readings(steps[::2], steps[::2] * 10)})


def test_while_learning_is_between_a_tenth_and_nine_tenths_of_the_first_loss() -> None:
    assert made_up([2.0, 2.0, 1.5, 1.0, 0.5, 0.1, 0.1]).while_learning("seen").tolist() == [30, 50]
    assert made_up([2.0, 2.0, 1.9, 2.0, 2.0]).while_learning("seen").tolist() == [10, 30, 50]


def test_a_loss_that_is_not_finite_counts_as_the_greatest_before() -> None:
    assert made_up([1.0, 4.0, math.nan]).mean_loss == pytest.approx(3.0)


def test_numbers_by_step_go_into_a_record() -> None:
    record = made_up([2.0, 1.0, 0.5]).record("se")
    assert record.names() == ("seen",)
    assert record.readings("seen").values.tolist() == [10, 30]
