"""Measured signals against plain computation, next to theory, and as a lens."""

import math

import pytest
import torch
from lens_cases import CASES, Case
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.optim import SGD

from shinso.lens import Lens, Probe, inspect, watch
from shinso.lens.propagation import SignalPropagation, beside_mean_field, draw_propagation, measured_signals


def test_lengths_correlations_and_gradients_are_those_of_the_layers_outputs() -> None:
    torch.manual_seed(0)
    first, second, relu = nn.Linear(4, 6).double(), nn.Linear(6, 1).double(), nn.ReLU(inplace=True)
    inputs, targets = torch.randn(3, 4).double(), torch.randn(3, 1).double()
    found = measured_signals(Probe(nn.Sequential(first, relu, second), F.mse_loss, inputs, targets))
    hidden = first(inputs).detach().requires_grad_()
    active = hidden.relu()
    active.retain_grad()
    outputs = second(active)
    outputs.retain_grad()
    F.mse_loss(outputs, targets).backward()
    expected = [hidden, active, outputs]
    assert found.layers == ("0", "1", "2")
    for place, output in enumerate(expected):
        values, gradient = output.detach(), output.grad
        assert found.lengths[place].item() == pytest.approx(values.square().mean().item())
        assert gradient is not None
        assert found.gradient_norms[place].item() == pytest.approx(gradient.norm().item())
        pairs = [F.cosine_similarity(values[i], values[j], dim=0).item() for i, j in ((0, 1), (0, 2), (1, 2))]
        assert found.correlations[place].item() == pytest.approx(sum(pairs) / 3)


def chain(
    activation: nn.Module, weight_variance: float, bias_variance: float, depth: int = 12, width: int = 500
) -> nn.Module:
    layers: list[nn.Module] = []
    for _ in range(depth):
        linear = nn.Linear(width, width).double()
        nn.init.normal_(linear.weight, std=math.sqrt(weight_variance / width))
        nn.init.normal_(linear.bias, std=math.sqrt(bias_variance))
        layers += [linear, activation]
    return nn.Sequential(*layers[:-1])


@pytest.mark.parametrize(
    ("activation", "weights", "biases", "depth"),
    [(nn.ReLU(), 2.0, 0.0, 5), (nn.Tanh(), 2.5, 0.05, 12), (nn.Tanh(), 0.6, 0.1, 12)],
)
def test_a_wide_random_network_is_as_the_theory_has_it(
    activation: nn.Module, weights: float, biases: float, depth: int
) -> None:
    torch.manual_seed(1)
    model = chain(activation, weights, biases, depth)
    inputs, targets = torch.randn(10, 500).double(), torch.randn(10, 500).double()
    # The theory is of gradients that do not depend on the signals, as those of this loss.
    found = beside_mean_field(Probe(model, lambda o, t: (o * t).mean(), inputs, targets), activation)
    torch.testing.assert_close(found.weight_variances, torch.full((depth,), weights).double(), rtol=0.02, atol=0)
    torch.testing.assert_close(found.measured.lengths, found.predicted.lengths, rtol=0.25, atol=0)
    torch.testing.assert_close(found.measured.correlations, found.predicted.correlations, rtol=0, atol=0.08)
    torch.testing.assert_close(found.measured.gradient_norms, found.predicted.gradient_norms, rtol=0.25, atol=0)
    # The theory is not trivially there: gradients change by more than the tolerance where it says so.
    if weights == 0.6:
        assert found.measured.gradient_norms[0] < 0.2 * found.measured.gradient_norms[-1]


def test_a_mistake_in_one_layer_shows_as_a_step_in_both() -> None:
    torch.manual_seed(1)
    model = chain(nn.ReLU(), 2.0, 0.0, depth=6)
    with torch.no_grad():
        model[6].weight.mul_(10)
    inputs, targets = torch.randn(10, 500).double(), torch.randn(10, 500).double()
    found = beside_mean_field(Probe(model, F.mse_loss, inputs, targets), torch.relu)
    growth = found.measured.lengths[1:] / found.measured.lengths[:-1]
    assert growth.argmax() == 2
    torch.testing.assert_close(found.measured.lengths, found.predicted.lengths, rtol=0.4, atol=0)


def test_what_the_theory_does_not_know_is_refused() -> None:
    probe = Probe(CASES[1].build(), F.cross_entropy, CASES[1].inputs(), torch.arange(6) % 4)
    with pytest.raises(ValueError, match="knows no normalization, and 1 normalizes: look at measured_signals"):
        beside_mean_field(probe, torch.relu)
    with pytest.raises(ValueError, match="Linear has 1 linear or convolutional layers that ran once: at least 2"):
        beside_mean_field(Probe(nn.Linear(2, 1), F.mse_loss, torch.ones(2, 2), torch.ones(2, 1)), torch.relu)


def trained(case: Case, lenses: list[Lens]) -> tuple[list[Tensor], Tensor]:
    torch.manual_seed(5)
    model = case.build()
    optimizer = SGD(model.parameters(), lr=0.1)
    inputs, targets = case.inputs(), torch.arange(6) % 4
    watching = watch(model, optimizer, lenses, every=1, loss=F.cross_entropy)
    for _ in range(3):
        with watching.step(inputs, targets):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
    watching.close()
    assert len(watching.record.names()) == 3 * len(lenses)
    return [*model.state_dict().values(), *(p.grad for p in model.parameters())], torch.get_rng_state()  # type: ignore[misc]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_training_stays_as_it_is(case: Case) -> None:
    (state, random_state), (alone, random_alone) = trained(case, [SignalPropagation()]), trained(case, [])
    assert all(torch.equal(a, b) for a, b in zip(state, alone, strict=True))
    assert torch.equal(random_state, random_alone)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_kind_of_network_shows_its_layers(case: Case) -> None:
    readings = inspect(case.build(), F.cross_entropy, case.inputs(), torch.arange(6) % 4, [SignalPropagation()])
    assert set(readings) == {"propagation/length", "propagation/correlation", "propagation/gradient"}
    assert readings["propagation/gradient"].values.isfinite().all()
    assert len(readings["propagation/length"].labels) >= 3


def test_a_single_example_has_no_correlation_and_an_unused_layer_no_gradient() -> None:
    class Unused(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.unused = nn.Linear(2, 3), nn.Linear(2, 3)

        def forward(self, x: Tensor) -> Tensor:
            self.unused(x)
            return self.used(x)

    readings = inspect(Unused(), F.mse_loss, torch.ones(1, 2), torch.ones(1, 3), [SignalPropagation()])
    assert readings["propagation/correlation"].values.isnan().all()
    assert readings["propagation/gradient"].values.isnan().tolist() == [True, False]


def test_the_picture_has_three_panels() -> None:
    torch.manual_seed(0)
    probe = Probe(chain(nn.Tanh(), 1.5, 0.1, width=20), F.mse_loss, torch.randn(5, 20).double(), torch.zeros(5, 20))
    figure = Figure()
    draw_propagation(beside_mean_field(probe, torch.tanh), figure)
    figure.draw_without_rendering()
    assert [axes.get_ylabel().split()[0] for axes in figure.axes] == ["mean", "correlation", "norm"]
    assert all(len(axes.get_lines()) == 2 for axes in figure.axes)
