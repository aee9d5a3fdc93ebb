"""Running a model again: the same function of the parameters each time, and nothing of it is left."""

import copy
import random

import numpy as np
import pytest
import torch
from lens_cases import CASES, Case
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.optim import SGD
from torch.utils.checkpoint import checkpoint

from shinso.lens import Need, Probe, Reading, Step, watch


def probe_of(case: Case) -> Probe:
    torch.manual_seed(0)
    model = case.build().double() if case.name != "recurrent" else case.build()
    inputs = case.inputs()
    return Probe(model, F.cross_entropy, inputs.double() if case.name != "recurrent" else inputs, torch.arange(6) % 4)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_loss_is_what_the_model_itself_gives(case: Case) -> None:
    probe = probe_of(case)
    probe.model.eval()
    assert torch.equal(probe.loss(), F.cross_entropy(probe.model(probe.inputs), probe.targets))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_gradient_is_what_backward_gives(case: Case) -> None:
    probe = probe_of(case)
    gradients = probe.gradient()
    torch.manual_seed(0)
    twin = probe_of(case)  # draws the same masks: its random state is the same
    F.cross_entropy(twin.model(twin.inputs), twin.targets).backward()
    assert gradients.keys() == dict(twin.model.named_parameters()).keys()
    for name, parameter in twin.model.named_parameters():
        torch.testing.assert_close(gradients[name], parameter.grad)
    assert all(parameter.grad is None for parameter in probe.model.parameters())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_changes_nothing_and_gives_the_same_each_time(case: Case) -> None:
    probe = probe_of(case)
    state = {name: tensor.clone() for name, tensor in probe.model.state_dict().items()}
    torch.rand(3)
    random_state = torch.get_rng_state()
    first, second = probe.loss_and_gradient(), probe.loss_and_gradient()
    assert torch.equal(first[0], second[0])
    assert all(torch.equal(first[1][name], second[1][name]) for name in first[1])
    assert torch.equal(torch.get_rng_state(), random_state)
    assert all(torch.equal(tensor, state[name]) for name, tensor in probe.model.state_dict().items())


def test_at_other_parameters_and_on_another_batch() -> None:
    model = nn.Linear(2, 1, bias=False)
    probe = Probe(model, F.mse_loss, torch.ones(3, 2), torch.zeros(3, 1))
    assert probe.loss({"weight": torch.tensor([[1.0, 2.0]])}).item() == 9
    assert probe.gradient({"weight": torch.tensor([[1.0, 2.0]])})["weight"].tolist() == [[6, 6]]
    other = probe.on(torch.zeros(3, 2), torch.ones(3, 1))
    assert other.loss().item() == 1
    with pytest.raises(KeyError, match="wieght"):
        probe.loss({"wieght": torch.ones(1, 2)})


def test_what_is_frozen_is_no_parameter_of_it_and_what_is_unused_has_gradient_zero() -> None:
    class Unused(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.unused = nn.Linear(2, 1), nn.Linear(2, 1)
            self.frozen = nn.Linear(1, 1).requires_grad_(False)

        def forward(self, *, inputs: Tensor) -> Tensor:
            return self.frozen(self.used(inputs))

    probe = Probe(Unused(), F.mse_loss, {"inputs": torch.ones(3, 2)}, torch.ones(3, 1))
    assert list(probe.parameters) == ["used.weight", "used.bias", "unused.weight", "unused.bias"]
    assert probe.gradient()["unused.weight"].tolist() == [[0, 0]]


class SeesTwice:
    """Runs the model again, and asks for activations: those of the step's own forward pass."""

    name = "sees_twice"
    needs = frozenset({Need.PROBE, Need.ACTIVATIONS, Need.PARAMETERS_AFTER, Need.PARAMETERS_BEFORE})

    def read(self, step: Step) -> dict[str, Reading]:
        at_start = step.probe.loss(step.parameters_before)
        (outputs,) = step.activations["0"]
        return {"start": Reading(at_start), "end": Reading(step.probe.loss()), "outputs": Reading(outputs.sum())}


def test_within_a_watch_it_sees_the_step_with_its_masks() -> None:
    model = nn.Sequential(nn.Linear(3, 50), nn.Dropout(0.5), nn.Linear(50, 1))
    optimizer = SGD(model.parameters(), lr=0.01)
    inputs, targets = torch.randn(4, 3), torch.randn(4, 1)
    with watch(model, optimizer, [SeesTwice()], loss=F.mse_loss) as watching:
        with watching.step(inputs, targets):
            loss = F.mse_loss(model(inputs), targets)
            loss.backward()
            optimizer.step()
        assert watching.readings("start").values == [loss.item()]
        assert watching.readings("end").values < loss.item()


class DrawsAndWrites(nn.Module):
    """Draws from the generators of Python and NumPy, and writes into what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 1)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.layer(inputs.sub_(1)) * (random.random() + np.random.rand())


def test_no_generator_moves_and_no_input_is_written() -> None:
    inputs = torch.ones(2, 3)
    probe = Probe(DrawsAndWrites(), F.mse_loss, inputs, torch.zeros(2, 1))
    next_numbers = random.random(), np.random.rand()
    states = random.getstate(), np.random.get_state()
    first = probe.loss()
    assert random.getstate() == states[0]
    assert (np.random.get_state()[1] == states[1][1]).all()
    assert probe.loss() == first
    assert inputs.eq(1).all()
    bias = probe.parameters["layer.bias"]
    assert torch.allclose(first, (bias * sum(next_numbers)).square(), rtol=1e-5)


def test_a_layer_in_two_places_keeps_its_parameters() -> None:
    layer = nn.Linear(2, 2)
    own = layer.weight
    model = nn.Sequential(layer, nn.ReLU(), layer)
    probe = Probe(model, F.mse_loss, torch.ones(1, 2), torch.zeros(1, 2))
    other = nn.Linear(2, 2)
    there = nn.Sequential(other, nn.ReLU(), other)
    outputs = probe.outputs({"0.weight": other.weight, "0.bias": other.bias})
    assert torch.equal(outputs, there(torch.ones(1, 2)))
    assert layer.weight is own


class Checkpointed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU())
        self.head = nn.Linear(4, 1)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(checkpoint(self.body, inputs, use_reentrant=False))


def test_checkpointed_activations_are_refused_and_training_goes_on_as_without() -> None:
    model, data = Checkpointed(), (torch.randn(6, 3), torch.randn(6, 1))
    with pytest.raises(ValueError, match=r"the model checkpoints activations .* inspect the trained model without it"):
        Probe(model, F.mse_loss, *data).loss_and_gradient()
    alone, looked_into = copy.deepcopy(model), copy.deepcopy(model)
    for network in (alone, looked_into):
        optimizer = SGD(network.parameters(), lr=0.1)
        lenses = "standard" if network is looked_into else []
        with watch(network, optimizer, lenses, every=1, loss=F.mse_loss) as watching:
            for _ in range(3):
                with watching.step(*data):
                    optimizer.zero_grad()
                    F.mse_loss(network(data[0]), data[1]).backward()
                    optimizer.step()
    assert all(torch.equal(one, looked_into.state_dict()[name]) for name, one in alone.state_dict().items())


def test_tensors_that_are_kept_elsewhere_are_no_checkpoints() -> None:
    probe = Probe(nn.Linear(3, 1), F.mse_loss, torch.ones(2, 3), torch.zeros(2, 1))
    with torch.autograd.graph.save_on_cpu():
        assert probe.loss_and_gradient()[0] == probe.loss()


def test_what_is_missing_is_said() -> None:
    model = nn.Linear(2, 1)
    with pytest.raises(ValueError, match=r"the lens 'sees_twice' runs the model again and needs its loss: watch"):
        watch(model, None, [SeesTwice()])

    class Probes:
        name = "probes"
        needs = frozenset({Need.PROBE})

        def read(self, step: Step) -> dict[str, Reading]:
            return {"loss": Reading(step.probe.loss())}

    watching = watch(model, None, [Probes()], loss=F.mse_loss)
    with (
        pytest.raises(ValueError, match=r"the step was given no batch: watch.step\(inputs, targets\)"),
        watching.step(),
    ):
        model(torch.ones(1, 2))
