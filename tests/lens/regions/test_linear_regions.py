"""Regions against arrangements of lines, brute-force activation patterns, and finite root finding."""

from collections.abc import Callable
from itertools import combinations
from math import comb

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from scipy.optimize import brentq
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from shinso.lens import inspect
from shinso.lens.regions import (
    LinearRegions,
    Plane,
    TooManyRegions,
    draw_linear_regions,
    grid_regions,
    line_regions,
    linear_regions,
    plane_through,
    trajectory_regions,
)


def window(size: float) -> Plane:
    """The square from -size to size."""
    corner = torch.tensor([-size, -size], dtype=torch.float64)
    edges = 2 * size * torch.eye(2, dtype=torch.float64)
    return Plane(corner, edges[0], edges[1])


def regions_of_an_arrangement(lines: Tensor, size: float) -> int:
    """One more than the lines that cross the square and the points in it where two of them meet (Euler)."""
    corners = size * torch.tensor([[-1.0, -1], [-1, 1], [1, -1], [1, 1]], dtype=torch.float64)
    sides = corners @ lines[:, :2].T + lines[:, 2] > 0
    crossing = lines[sides.any(dim=0) & ~sides.all(dim=0)]
    pairs = [torch.stack(pair) for pair in combinations(crossing, 2)]
    meetings = [torch.linalg.solve(pair[:, :2], -pair[:, 2]) for pair in pairs]
    return 1 + len(crossing) + sum(bool((point.abs() < size).all()) for point in meetings)


@given(st.integers(1, 14), st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_one_layer_is_an_arrangement_of_lines(units: int, seed: int) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = nn.Sequential(nn.Linear(2, units), nn.ReLU(), nn.Linear(units, 3))
    lines = torch.cat([model[0].weight, model[0].bias[:, None]], dim=1).detach().double()
    found = linear_regions(model, window(2.0))
    assert found.count == regions_of_an_arrangement(lines, 2.0)
    assert found.count_by_layer == (found.count,)
    assert found.areas.sum().item() == pytest.approx(1)


def test_a_layer_in_two_places_keeps_its_parameters() -> None:
    layer = nn.Linear(2, 2)
    model = nn.Sequential(layer, nn.ReLU(), layer)
    linear_regions(model, window(2.0))
    grid_regions(model, window(2.0), 8)
    assert isinstance(layer.weight, nn.Parameter)
    assert layer.weight.dtype == torch.float32


def test_lines_in_general_position_that_all_meet_reach_the_bound() -> None:
    units = 12
    model = nn.Sequential(nn.Linear(2, units), nn.ReLU(), nn.Linear(units, 1))
    angles = torch.arange(units) * torch.pi / units
    with torch.no_grad():
        model[0].weight.copy_(torch.stack([angles.cos(), angles.sin()], dim=1))
        model[0].bias.copy_(torch.arange(units) ** 2 / 40)
    # Montúfar et al. 2014, section 2.1: Σ over j up to 2 of (units over j).
    assert linear_regions(model, window(200.0)).count == 1 + units + comb(units, 2)


def test_lines_through_one_point_and_parallel_ones_are_counted_once() -> None:
    model = nn.Sequential(nn.Linear(2, 6), nn.ReLU(), nn.Linear(6, 1))
    with torch.no_grad():
        # Three lines through the origin, one of them twice, and two parallel to the first, one of them the other way.
        model[0].weight.copy_(torch.tensor([[1.0, 0], [0, 1], [1, 1], [2, 2], [1, 0], [-1, 0]]))
        model[0].bias.copy_(torch.tensor([0.0, 0, 0, 0, 1, 2]))
    assert linear_regions(model, window(10.0)).count == 6 + 3 + 3


class Shapes(nn.Module):
    """Convolution, normalization, in-place and functional rectification, pooling, residual sums, a part used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.again = nn.Conv2d(1, 2, 3, padding=1), nn.Conv2d(2, 2, 3, padding=1)
        self.norm, self.relu = nn.BatchNorm2d(2), nn.ReLU(inplace=True)
        self.head = nn.Linear(8, 3)

    def forward(self, images: Tensor) -> Tensor:
        hidden = self.relu(self.norm(self.first(images)))
        hidden = F.leaky_relu(self.again(hidden), 0.2) + hidden
        hidden += F.relu(self.again(hidden))
        F.leaky_relu(hidden, 0.3, inplace=True)
        hidden.clamp_(max=2.0)
        return self.head(F.max_pool2d(hidden, 2, ceil_mode=True).flatten(1)).clamp(-0.1, 0.2)


def shapes() -> tuple[nn.Module, Tensor]:
    model, examples = Shapes(), torch.randn(3, 1, 3, 3)
    model(torch.randn(20, 1, 3, 3))  # running statistics that are not the ones it starts with
    return model, examples


def deep() -> tuple[nn.Module, Tensor]:
    parts: list[nn.Module] = []
    for activation in (
        nn.ReLU(),
        nn.LeakyReLU(),
        nn.PReLU(8),
        nn.RReLU(0.1, 0.9),
        nn.Hardtanh(),
        nn.ReLU6(),
        nn.Softshrink(0.1),
    ):
        parts += [nn.Linear(8, 8), activation]
    return nn.Sequential(*parts, nn.Linear(8, 2)), torch.randn(3, 8)


def extremes() -> tuple[nn.Module, Tensor]:
    class Extremes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(4, 12)

        def forward(self, x: Tensor) -> dict[str, Tensor]:
            pieces = self.linear(x).unflatten(1, (4, 3))
            return {"maxout": pieces.amax(dim=2), "least": torch.minimum(x, pieces.amin(dim=-1)).abs()}

    return Extremes(), torch.randn(3, 4)


MODELS: list[Callable[[], tuple[nn.Module, Tensor]]] = [shapes, deep, extremes]


def values(outputs: Tensor | dict[str, Tensor]) -> Tensor:
    leaves = [outputs] if isinstance(outputs, Tensor) else list(outputs.values())
    return torch.cat([leaf.flatten(1) for leaf in leaves], dim=1)


@pytest.mark.parametrize("build", MODELS, ids=lambda build: build.__name__)
def test_in_each_region_the_network_is_the_affine_function_that_is_given(
    build: Callable[[], tuple[nn.Module, Tensor]],
) -> None:
    torch.manual_seed(2)
    model, examples = build()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    found = linear_regions(model, plane_through(examples))
    assert model.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert found.areas.sum().item() == pytest.approx(1, abs=1e-9)
    assert len(found.layers) > 1
    model.double().eval()
    shares = torch.rand(found.polygons[-1].shape[:2], dtype=torch.float64)
    inside = (shares[..., None] * found.polygons[-1]).sum(dim=1) / shares.sum(dim=1, keepdim=True)
    predicted = found.outputs[:, 0] + (inside[..., None] * found.outputs[:, 1:]).sum(dim=1)
    torch.testing.assert_close(predicted, values(model(found.plane.points(inside))), rtol=1e-9, atol=1e-9)
    assert grid_regions(model, found.plane, points=90).count <= found.count


def test_every_activation_pattern_of_a_fine_grid_is_a_region_and_a_large_region_is_found_by_the_grid() -> None:
    torch.manual_seed(3)
    model = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 7), nn.ReLU(), nn.Linear(7, 2)).double()
    found = linear_regions(model, plane_through(torch.randn(3, 5)))
    along = (torch.arange(400, dtype=torch.float64) + 0.5) / 400
    points = found.plane.points(torch.cartesian_prod(along, along))
    hidden = model[:2](points)
    patterns = torch.cat([hidden > 0, model[2](hidden) > 0], dim=1).unique(dim=0)
    large = int((found.areas > 1e-4).sum())
    assert large <= len(patterns) <= found.count
    assert len(patterns) > 0.8 * found.count


def test_breakpoints_on_a_line_are_the_roots_of_its_units() -> None:
    torch.manual_seed(4)
    model = nn.Sequential(nn.Linear(3, 6), nn.ReLU(), nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 1)).double()
    start, end = torch.randn(3).double() * 3, torch.randn(3).double() * 3
    found = line_regions(model, start, end)

    def units(share: float) -> Tensor:
        hidden = model[0](start + share * (end - start))
        return torch.cat([hidden, model[2](hidden.relu())])

    grid = torch.linspace(0, 1, 2001).tolist()
    signs = torch.stack([units(share) for share in grid]) > 0
    roots = []
    for at, unit in (signs[1:] != signs[:-1]).nonzero().tolist():
        roots.append(brentq(lambda share, unit=unit: units(share)[unit].item(), grid[at], grid[at + 1], xtol=1e-13))
    torch.testing.assert_close(found.breakpoints, torch.tensor(sorted(roots), dtype=torch.float64), rtol=0, atol=1e-9)
    assert found.count == len(roots) + 1


@pytest.mark.parametrize("layers", [1, 2, 5])
def test_the_saw_tooth_of_the_lecture_doubles_its_pieces_with_each_layer(layers: int) -> None:
    class Tent(nn.Module):
        """2x up to 1/2, then 2(1 - x)."""

        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.tensor(2.0))

        def forward(self, x: Tensor) -> Tensor:
            return self.scale * F.relu(x) - 2 * self.scale * F.relu(x - 0.5)

    model = nn.Sequential(*(Tent() for _ in range(layers)))
    found = line_regions(model, torch.zeros(1), torch.ones(1))
    expected = torch.arange(1, 2**layers, dtype=torch.float64) / 2**layers
    torch.testing.assert_close(found.kinks, expected, rtol=0, atol=1e-12)
    halves = trajectory_regions(model, torch.tensor([[0.0], [0.3], [1.0]]))
    assert sum(len(part.kinks) for part in halves) == 2**layers - 1


def test_what_is_smooth_is_named() -> None:
    plane = plane_through(torch.randn(3, 4))
    for smooth, name in (
        (nn.Tanh(), "tanh in 1"),
        (nn.Softmax(1), "softmax in 1"),
        (nn.LayerNorm(5), "layer_norm in 1"),
    ):
        model = nn.Sequential(nn.Linear(4, 5), smooth)
        with pytest.raises(ValueError, match=f"{name} is neither affine nor a piecewise-linear function that is known"):
            linear_regions(model, plane)
    with pytest.raises(ValueError, match="is smooth and has no linear regions"):
        grid_regions(nn.Sequential(nn.Linear(4, 5), nn.Tanh()), plane, points=20)


def test_what_cannot_be_counted_is_said() -> None:
    model = nn.Sequential(nn.Linear(4, 50), nn.ReLU(), nn.Linear(50, 1))
    examples = torch.randn(3, 4)
    with pytest.raises(TooManyRegions, match=r"more than 100 regions by 1.relu: take a smaller plane"):
        linear_regions(model, plane_through(examples), most=100)
    with pytest.raises(ValueError, match="the three examples lie on one line"):
        plane_through(torch.tensor([[0.0], [1.0], [2.0]]) * torch.ones(4))
    with pytest.raises(ValueError, match="goes through 3 examples; got 2"):
        plane_through(examples[:2])
    nn.init.constant_(model[0].bias, float("nan"))
    with pytest.raises(ValueError, match="linear in 0 gives values that are not finite"):
        linear_regions(model, plane_through(examples))


class BentFarOff(nn.Module):
    """A piecewise-linear function of a name that is not known, which bends beyond the points that show it."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 1)
        nn.init.ones_(self.layer.weight)
        nn.init.constant_(self.layer.bias, -1.5)

    def forward(self, inputs: Tensor) -> Tensor:
        return F.threshold(self.layer(inputs), 0.0, 0.0)


class OverTwoAxes(nn.Linear):
    def forward(self, inputs: Tensor) -> Tensor:
        return super().forward(inputs).view(-1, 2, 2).amax((1, 2))


def test_a_maximum_over_two_axes_is_named() -> None:
    with pytest.raises(ValueError, match=r"maximum over the axes \(1, 2\).* flatten them first"):
        linear_regions(OverTwoAxes(3, 4), plane_through(torch.randn(3, 3)))


def test_a_bend_that_was_not_seen_on_the_way_is_seen_in_the_end() -> None:
    square = Plane(torch.zeros(2).double(), *torch.eye(2).double())
    with pytest.raises(ValueError, match="bends within what was found to be one region"):
        linear_regions(BentFarOff(), square)
    with pytest.raises(ValueError, match="inputs of one number lie on one line, in no plane"):
        plane_through(torch.tensor([[0.0], [1.0], [3.0]]))


def test_as_a_lens_it_counts_on_the_plane_and_line_of_the_first_examples() -> None:
    torch.manual_seed(6)
    model = nn.Sequential(nn.Linear(4, 9), nn.ReLU(), nn.Linear(9, 9), nn.ReLU(), nn.Linear(9, 2))
    inputs = torch.randn(5, 4)
    targets = torch.arange(5) % 2
    readings = inspect(model, F.cross_entropy, inputs, targets, [LinearRegions()])
    expected = linear_regions(model, plane_through(inputs[:3]))
    assert readings["linear_regions/plane"].values.tolist() == list(expected.count_by_layer)
    assert readings["linear_regions/plane"].labels == ("1.relu", "3.relu")
    assert readings["linear_regions/line"].values[-1] == line_regions(model, inputs[0], inputs[1]).count
    few = inspect(model, F.cross_entropy, inputs, targets, [LinearRegions(most=expected.count_by_layer[0])])
    assert few["linear_regions/plane"].values[0] == expected.count_by_layer[0]
    assert few["linear_regions/plane"].values[1].isnan()
    with pytest.raises(ValueError, match=r"needs them as one tensor of floating point; got torch.int64"):
        inspect(nn.Embedding(3, 2), lambda o, t: o.sum(), torch.arange(3), targets, [LinearRegions()])
    with pytest.raises(ValueError, match="at least 3 examples; got 2"):
        inspect(model, F.cross_entropy, inputs[:2], targets[:2], [LinearRegions()])


def test_the_picture_has_a_panel_for_each_layer() -> None:
    torch.manual_seed(7)
    model = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 5), nn.ReLU(), nn.Linear(5, 2))
    examples = torch.randn(3, 4)
    found = linear_regions(model, plane_through(examples))
    figure = Figure()
    draw_linear_regions(found, figure, examples)
    figure.draw_without_rendering()
    assert [axes.get_title() for axes in figure.axes] == [
        f"after {layer}: {count} regions" for layer, count in zip(found.layers, found.count_by_layer, strict=True)
    ]
    torch.testing.assert_close(found.plane.points(found.plane.coordinates(examples)), examples.double())
