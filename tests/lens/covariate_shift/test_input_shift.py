"""How far a step moves the layers' inputs, against copies of the model from before and after it."""

import copy

import numpy as np
import pytest
import torch
from lens_cases import CASES, Case
from scipy import stats
from test_nothing_changes import assert_same, plain, sgd, trained
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.optim import SGD

from shinso.lens import Probe, inspect, watch
from shinso.lens.covariate_shift import InputDrift, InputShift, input_shift, layer_inputs


def convolutional() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(inplace=True), nn.Conv2d(3, 4, 2), nn.Flatten(), nn.Linear(36, 2)
    ).double()


def images(count: int = 5) -> Tensor:
    return torch.randn(count, 2, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def by_hand(model: nn.Sequential, inputs: Tensor) -> dict[str, np.ndarray]:
    """The values of each unit of what enters each layer with parameters."""
    entered = {}
    for path, layer in model.named_children():
        if next(layer.parameters(), None) is not None:
            entered[path] = inputs.detach().numpy().copy()
        inputs = layer(inputs)
    return {p: np.moveaxis(v, 1, -1).reshape(-1, v.shape[1]) for p, v in entered.items()}


def test_what_enters_each_layer_is_seen_before_it_is_overwritten() -> None:
    model, inputs = convolutional(), images()
    seen = layer_inputs(Probe(model, F.mse_loss, inputs, None))
    expected = by_hand(model, inputs)
    assert list(seen) == list(expected) == ["0", "1", "3", "5"]
    for layer, values in seen.items():
        np.testing.assert_allclose(values.numpy(), expected[layer], atol=1e-12)


def test_inputs_that_are_overwritten_afterwards_are_seen_as_they_were() -> None:
    class Overwriting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(2, 2)

        def forward(self, inputs: Tensor) -> Tensor:
            hidden = inputs + 1
            return self.layer(hidden) + hidden.zero_()

    seen = layer_inputs(Probe(Overwriting(), F.mse_loss, torch.ones(3, 2), None))
    assert seen["layer"].tolist() == [[2, 2]] * 3


def test_of_many_values_the_same_are_kept_each_time() -> None:
    model, inputs = convolutional(), images()
    probe = Probe(model, F.mse_loss, inputs, None)
    kept, again = layer_inputs(probe, samples=50), layer_inputs(probe, samples=50)
    for layer, values in by_hand(model, inputs).items():
        assert len(kept[layer]) == min(50, len(values))
        assert torch.equal(kept[layer], again[layer])
        rows = {tuple(row) for row in values.round(9)}
        assert all(tuple(row) in rows for row in kept[layer].numpy().round(9))


def test_all_calls_of_a_shared_layer_count_and_tokens_do_not() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding, self.layer, self.scale = nn.Embedding(5, 2), nn.Linear(2, 2), nn.PReLU()

        def forward(self, *, tokens: Tensor) -> Tensor:
            hidden = self.layer(self.layer(input=self.embedding(tokens)))
            return self.scale(hidden) + self.scale(hidden.sum(1, keepdim=True))

    model, tokens = Twice(), torch.tensor([0, 3, 4])
    seen = layer_inputs(Probe(model, F.mse_loss, {"tokens": tokens}, None))
    assert {layer: tuple(values.shape) for layer, values in seen.items()} == {
        "layer": (6, 2), "scale (2 units)": (3, 2), "scale (1 units)": (3, 1),
    }  # fmt: skip
    first = model.embedding(tokens)
    torch.testing.assert_close(seen["layer"], torch.cat([first, model.layer(first)]).detach())


def test_a_bias_below_moves_the_inputs_by_itself() -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1)).double()
    moved = copy.deepcopy(model)
    by = torch.tensor([0.25, -2.0], dtype=torch.float64)
    with torch.no_grad():
        moved[0].bias += by
    inputs = torch.randn(20, 3, dtype=torch.float64)
    before, after = (layer_inputs(Probe(m, F.mse_loss, inputs, None)) for m in (model, moved))
    shift = input_shift(before, after)
    torch.testing.assert_close(shift["1"].mean_moved, by)
    torch.testing.assert_close(shift["1"].wasserstein, by.abs())
    torch.testing.assert_close(shift["1"].deviation_moved, torch.zeros(2, dtype=torch.float64))
    torch.testing.assert_close(shift["1"].mean, model[0](inputs).mean(0).detach() + by)
    assert not shift["0"].wasserstein.any()


def test_in_training_it_is_the_movement_by_this_step_on_its_batch() -> None:
    model, inputs = convolutional(), images(8)
    targets = torch.randn(8, 2, dtype=torch.float64)
    optimizer = SGD(model.parameters(), lr=0.1)
    with watch(model, optimizer, [InputShift()], loss=F.mse_loss) as watching:
        before = copy.deepcopy(model)
        with watching.step(inputs, targets):
            F.mse_loss(model(inputs), targets).backward()
            optimizer.step()
    earlier, later = by_hand(before, inputs), by_hand(copy.deepcopy(model), inputs)
    readings = watching.readings("input_shift/wasserstein")
    assert readings.labels == ("0", "1", "3", "5")
    for place, layer in enumerate(readings.labels):
        units = range(earlier[layer].shape[1])
        distances = [stats.wasserstein_distance(earlier[layer][:, u], later[layer][:, u]) for u in units]
        by_unit = watching.readings(f"input_shift/{layer}/wasserstein").values[0]
        np.testing.assert_allclose(by_unit, distances, atol=1e-12)
        scale = earlier[layer].std(0).mean()
        np.testing.assert_allclose(readings.values[0, place], np.mean(distances) / scale, atol=1e-12)
        moved = np.abs(later[layer].mean(0) - earlier[layer].mean(0)).mean() / scale
        np.testing.assert_allclose(watching.readings("input_shift/mean_moved").values[0, place], moved, atol=1e-12)
        spread = np.abs(later[layer].std(0) - earlier[layer].std(0)).mean() / scale
        np.testing.assert_allclose(watching.readings("input_shift/deviation_moved").values[0, place], spread)
        np.testing.assert_allclose(
            watching.readings(f"input_shift/{layer}/deviation").values[0], later[layer].std(0), atol=1e-12
        )
    assert readings.values[0, 0] == 0
    assert (readings.values[0, 1:] > 1e-4).all()


def test_drift_is_the_movement_between_readings_on_one_batch() -> None:
    torch.manual_seed(2)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()
    optimizer = SGD(model.parameters(), lr=0.5)
    fixed = torch.randn(7, 3, dtype=torch.float64)
    copies = []
    with watch(model, optimizer, [InputDrift(fixed)], every=2, loss=F.mse_loss) as watching:
        for _ in range(3):
            inputs, targets = torch.randn(5, 3, dtype=torch.float64), torch.randn(5, 2, dtype=torch.float64)
            with watching.step(inputs, targets):
                optimizer.zero_grad()
                F.mse_loss(model(inputs), targets).backward()
                optimizer.step()
            copies.append(by_hand(copy.deepcopy(model), fixed)["2"])
    values = watching.readings("input_drift/2/wasserstein").values
    assert not values[0].any()
    expected = [stats.wasserstein_distance(copies[0][:, unit], copies[2][:, unit]) for unit in range(4)]
    np.testing.assert_allclose(values[1], expected, atol=1e-12)
    assert (values[1] > 1e-4).all()


def test_of_a_model_at_rest_drift_reads_the_moments() -> None:
    model, inputs = convolutional(), images()
    readings = inspect(model, F.mse_loss, inputs, torch.zeros(5, 2, dtype=torch.float64), [InputDrift()])
    np.testing.assert_allclose(readings["input_drift/0/mean"].values, inputs.mean((0, 2, 3)), atol=1e-12)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_training_stays_the_same(case: Case) -> None:
    assert_same(trained(case, plain, sgd, [InputShift(), InputDrift()]), trained(case, plain, sgd, None))


def test_nothing_is_kept_of_no_samples() -> None:
    with pytest.raises(ValueError, match="samples is how many values of each unit are kept, at least 1; got 0"):
        layer_inputs(Probe(convolutional(), F.mse_loss, images(), None), samples=0)


def test_drift_keeps_its_batch_when_the_training_writes_the_next_into_it() -> None:
    model, buffer = nn.Linear(3, 2), torch.empty(16, 3)
    with watch(model, lenses=[InputDrift()], every=1, loss=F.mse_loss) as watching:
        for shift in range(3):
            buffer.normal_().add_(shift)
            with watching.step(buffer, torch.zeros(16, 2)):
                F.mse_loss(model(buffer), torch.zeros(16, 2)).backward()
    assert not watching.readings("input_drift/wasserstein").values.any()
