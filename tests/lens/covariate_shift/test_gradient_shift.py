"""G and G′ against copies of the model whose lower layers have moved, and against the Hessian where it is constant."""

import copy

import numpy as np
import pytest
import torch
from lens_cases import CASES, Case
from test_nothing_changes import assert_same, plain, sgd, trained
from torch import Tensor, nn
from torch.autograd.functional import hessian
from torch.func import functional_call
from torch.nn import functional as F  # noqa: N812
from torch.optim import SGD

from shinso.lens import Probe, watch
from shinso.lens.covariate_shift import GradientShift, draw_gradient_shift, draw_input_shift, gradient_shift


class Sum(nn.Module):
    """Layers whose outputs add up: with the squared loss, quadratic in all parameters together."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(3, 2, bias=False) for _ in range(3))

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.stack([layer(inputs * (place + 1)) for place, layer in enumerate(self.layers)]).sum(0)


def moved(parameters: dict[str, Tensor], seed: int = 3) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        name: value + 0.3 * torch.randn(value.shape, dtype=value.dtype, generator=generator)
        for name, value in parameters.items()
    }


def test_where_the_loss_is_quadratic_it_is_the_hessian_times_the_movement() -> None:
    torch.manual_seed(0)
    model = Sum().double()
    probe = Probe(model, F.mse_loss, torch.randn(6, 3).double(), torch.randn(6, 2).double())
    before = {name: value.clone() for name, value in probe.parameters.items()}
    after = moved(before)

    def loss(*values: Tensor) -> Tensor:
        return F.mse_loss(functional_call(model, dict(zip(before, values, strict=True)), probe.inputs), probe.targets)

    blocks = hessian(loss, tuple(before.values()))
    movements = [(after[name] - before[name]).flatten() for name in before]
    pairs = gradient_shift(probe, before, after)
    assert list(pairs) == ["layers.0", "layers.1", "layers.2"]
    for k, pair in enumerate(pairs.values()):
        expected = sum((blocks[k][j].reshape(6, 6) @ movements[j] for j in range(k)), torch.zeros(6).double())
        torch.testing.assert_close(pair.gradient_below_moved - pair.gradient, expected)
        torch.testing.assert_close(pair.distance, expected.norm())


def brute_force(
    model: nn.Module, after: nn.Module, below: list[str], layer: str, batch: tuple[Tensor, Tensor]
) -> Tensor:
    """The gradient of one layer in a copy of the model whose layers below are those of another."""
    mixed = copy.deepcopy(model)
    for path in below:
        mixed.get_submodule(path).load_state_dict(after.get_submodule(path).state_dict())
    mixed.zero_grad()
    F.cross_entropy(mixed(batch[0]), batch[1]).backward()
    return torch.cat([p.grad.flatten() for p in mixed.get_submodule(layer).parameters() if p.grad is not None])


def test_in_training_it_is_the_published_definition() -> None:
    torch.manual_seed(1)
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(32, 5), nn.Tanh(),
        nn.Linear(5, 3),
    ).double()  # fmt: skip
    batch = torch.randn(8, 1, 6, 6).double(), torch.randint(3, (8,))
    optimizer = SGD(model.parameters(), lr=0.5, momentum=0.9)
    with watch(model, optimizer, [GradientShift()], loss=F.cross_entropy) as watching:
        before = copy.deepcopy(model)
        with watching.step(*batch):
            F.cross_entropy(model(batch[0]), batch[1]).backward()
            optimizer.step()
    layers = ["0", "1", "4", "6"]
    readings = {q: watching.readings(f"gradient_shift/{q}") for q in ("distance", "relative_distance", "cosine")}
    assert readings["cosine"].labels == tuple(layers)
    for place, layer in enumerate(layers):
        gradient = brute_force(before, model, [], layer, batch)
        shifted = brute_force(before, model, layers[:place], layer, batch)
        distance = (gradient - shifted).norm().item()
        np.testing.assert_allclose(readings["distance"].values[0, place], distance, atol=1e-12)
        np.testing.assert_allclose(readings["relative_distance"].values[0, place], distance / gradient.norm().item())
        cosine = F.cosine_similarity(gradient, shifted, dim=0).item()
        np.testing.assert_allclose(readings["cosine"].values[0, place], cosine, atol=1e-12)
    assert readings["distance"].values[0, 0] == 0
    assert readings["distance"].values[0, -1] > 1e-3


def test_a_subset_of_layers_reads_what_all_of_them_do() -> None:
    model = nn.Sequential(*(nn.Linear(4, 4) for _ in range(4))).double()
    probe = Probe(model, F.mse_loss, torch.randn(5, 4).double(), torch.randn(5, 4).double())
    before = {name: value.clone() for name, value in probe.parameters.items()}
    everything, some = (gradient_shift(probe, before, moved(before), layers) for layers in (None, ("3", "1")))
    assert list(some) == ["1", "3"]
    for layer, pair in some.items():
        torch.testing.assert_close(pair.gradient_below_moved, everything[layer].gradient_below_moved)
    assert gradient_shift(probe, before, moved(before), ()) == {}


def test_an_unknown_layer_is_named_with_the_known_ones() -> None:
    probe = Probe(nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1)), F.mse_loss, torch.ones(1, 2), torch.ones(1, 1))
    with pytest.raises(ValueError, match="'head' is no layer with trained parameters that runs; expected one of: 0, 1"):
        gradient_shift(probe, probe.parameters, probe.parameters, ["head"])


def test_of_a_gradient_of_zero_there_is_no_direction() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1))
    with torch.no_grad():
        model[0].bias.fill_(-1e6)
    probe = Probe(model, F.mse_loss, torch.ones(1, 2), torch.ones(1, 1))
    pairs = gradient_shift(probe, probe.parameters, probe.parameters)
    assert pairs["0"].cosine.isnan()
    assert pairs["0"].distance == 0
    assert pairs["2"].cosine == 1


def test_tiny_gradients_have_a_direction_too() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    probe = Probe(model, lambda outputs, _: 1e-30 * outputs.square().mean(), torch.ones(1, 2), None)
    assert gradient_shift(probe, probe.parameters, probe.parameters)["1"].cosine == pytest.approx(1)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_training_stays_the_same(case: Case) -> None:
    assert_same(trained(case, plain, sgd, [GradientShift()]), trained(case, plain, sgd, None))


def test_pictures_show_what_two_networks_share() -> None:
    from matplotlib.figure import Figure

    from shinso.lens.covariate_shift import InputShift

    records = {}
    for name in ("small", "large step"):
        model = nn.Sequential(*(nn.Linear(3, 3) for _ in range(3)))
        optimizer = SGD(model.parameters(), lr=0.1)
        with watch(model, optimizer, [GradientShift(), InputShift()], every=1, loss=F.mse_loss) as watching:
            for _ in range(3):
                with watching.step(torch.ones(2, 3), torch.zeros(2, 3)):
                    F.mse_loss(model(torch.ones(2, 3) + torch.randn(2, 3)), torch.zeros(2, 3)).backward()
                    optimizer.step()
        records[name] = watching.record
    figure = Figure(layout="constrained")
    draw_gradient_shift(records, figure)
    assert [axes.get_title(loc="center") for axes in figure.axes[:2]] == ["layer 1", "layer 2"]
    cosines = records["small"].readings("gradient_shift/cosine").values[:, 1]
    np.testing.assert_array_equal(figure.axes[0].lines[0].get_ydata(), cosines)
    figure = Figure(layout="constrained")
    draw_input_shift(records, figure)
    assert [axes.get_title() for axes in figure.axes] == list(records)
    from shinso.record import Record

    with pytest.raises(ValueError, match="the record 'empty' has no readings of GradientShift"):
        draw_gradient_shift({"empty": Record()}, figure)
    with pytest.raises(ValueError, match="the record 'empty' has no readings of InputShift"):
        draw_input_shift({"empty": Record()}, figure)
