"""The gap of a finished run and of a model in training."""

import numpy as np
import pytest
import torch
from generalization_cases import batch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from shinso.lens import inspect, watch
from shinso.lens.generalization import GeneralizationGap, generalization_gap
from shinso.record import Readings


def series(steps: list[int], values: list[float]) -> Readings:
    return Readings(np.array(steps), np.array(values))


def test_each_test_is_compared_with_the_steps_since_the_one_before() -> None:
    train = series([1, 2, 3, 4, 5, 6, 7], [8.0, 6.0, 4.0, 2.0, 2.0, 1.0, 100.0])
    found = generalization_gap(train, series([2, 5, 6], [9.0, 3.0, 3.5]))
    np.testing.assert_allclose(found.train, [7, 8 / 3, 1])
    np.testing.assert_allclose(found.gap, [2, 3 - 8 / 3, 2.5])
    assert found.steps.tolist() == [2, 5, 6]


def test_the_lens_reads_both_in_eval_mode() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Dropout(0.5)).double().train()
    (inputs, targets), held_out = batch(), batch(20, seed=5)
    readings = inspect(model, F.cross_entropy, inputs, targets, [GeneralizationGap(*held_out)])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    watching = watch(model, optimizer, [GeneralizationGap(*held_out)], every=1, loss=F.cross_entropy)
    with watching.step(inputs, targets):
        optimizer.step()  # without a forward pass, which would move the running statistics
    assert model.training
    model.eval()
    losses = [F.cross_entropy(model(x), y).item() for x, y in ((inputs, targets), held_out)]
    accuracies = [(model(x).argmax(1) == y).double().mean().item() for x, y in ((inputs, targets), held_out)]
    expected = {
        "gap/train_loss": losses[0],
        "gap/held_out_loss": losses[1],
        "gap/loss": losses[1] - losses[0],
        "gap/train_accuracy": accuracies[0],
        "gap/held_out_accuracy": accuracies[1],
        "gap/accuracy": accuracies[0] - accuracies[1],
    }
    assert {name: reading.values.item() for name, reading in readings.items()} == pytest.approx(expected)
    assert {name: watching.readings(name).values[0] for name in expected} == pytest.approx(expected)


def test_regression_has_a_loss_alone() -> None:
    inputs = torch.ones(4, 3)
    readings = inspect(nn.Linear(3, 1), F.mse_loss, inputs, inputs[:, :1], [GeneralizationGap(inputs, inputs[:, :1])])
    assert set(readings) == {"gap/loss", "gap/train_loss", "gap/held_out_loss"}
    assert readings["gap/loss"].values == 0


def test_series_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="no training loss was read before the test at step 5"):
        generalization_gap(series([1, 2, 8], [1.0, 1.0, 1.0]), series([2, 5], [1.0, 1.0]))
    with pytest.raises(ValueError, match=r"expected two series of numbers by step; got values of shape \(2, 3\)"):
        generalization_gap(Readings(np.arange(2), np.ones((2, 3))), series([1], [1.0]))
