"""Lengths of ways through the layers against closed forms, and the lenses of regions in training."""

import math

import pytest
import torch
from lens_cases import CASES
from torch import nn
from torch.nn import functional as F  # noqa: N812
from torch.optim import SGD

from shinso.lens import Lens, Probe, inspect, watch
from shinso.lens.regions import LinearRegions, TrajectoryLength, arc, path_length, trajectory_lengths


def test_an_arc_is_a_quarter_of_a_circle() -> None:
    start, end = 2 * torch.eye(5, dtype=torch.float64)[:2]
    points = arc(start, end, points=2000)
    assert path_length(points).item() == pytest.approx(math.pi, rel=1e-6)
    torch.testing.assert_close(points[0], start)
    torch.testing.assert_close(points[-1], end)


def test_linear_layers_stretch_by_their_factor_and_absolute_values_keep_the_length() -> None:
    class Absolute(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.abs()

    model = nn.Sequential(nn.Linear(4, 4, bias=False), Absolute(), nn.Linear(4, 4, bias=False)).double()
    nn.init.orthogonal_(model[0].weight, gain=3.0)
    nn.init.orthogonal_(model[2].weight, gain=0.5)
    points = arc(*torch.randn(2, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)), points=4001)
    found = trajectory_lengths(Probe(model, F.mse_loss, points, points), points)
    assert list(found) == ["0", "1", "2"]
    assert [length.item() for length in found.values()] == pytest.approx([3, 3, 1.5], rel=1e-3)


def test_it_grows_exponentially_with_depth_in_a_chaotic_network() -> None:
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for _ in range(6):
        layers += [nn.Linear(200, 200), nn.Hardtanh()]
        nn.init.normal_(layers[-2].weight, std=math.sqrt(8 / 200))  # type: ignore[arg-type]
    inputs = torch.randn(2, 200)
    readings = inspect(nn.Sequential(*layers), F.mse_loss, inputs, inputs, [TrajectoryLength(points=2000)])
    lengths = readings["trajectory_length"].values[1::2]
    assert (lengths[1:] / lengths[:-1] > 1.3).all()  # Raghu et al. 2017, theorem 1


def test_what_has_no_length_is_said() -> None:
    model = nn.Linear(2, 1)
    probe = Probe(model, F.mse_loss, torch.ones(2, 2), torch.ones(2, 1))
    with pytest.raises(ValueError, match="the way has length 0: take two inputs that differ"):
        trajectory_lengths(probe, torch.ones(3, 2))
    with pytest.raises(ValueError, match="a way has at least 2 points; got 1"):
        arc(torch.ones(2), torch.zeros(2), points=1)


def trained(lenses: list[Lens]) -> tuple[list[torch.Tensor], torch.Tensor]:
    torch.manual_seed(5)
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Flatten(), nn.Linear(8, 2)
    )
    optimizer = SGD(model.parameters(), lr=0.1)
    inputs, targets = torch.randn(6, 1, 4, 4), torch.arange(6) % 2
    watching = watch(model, optimizer, lenses, every=1, loss=F.cross_entropy)
    for _ in range(3):
        with watching.step(inputs, targets):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
    watching.close()
    assert len(watching.record.names()) == (3 if lenses else 0)
    return [*model.state_dict().values(), *(p.grad for p in model.parameters())], torch.get_rng_state()  # type: ignore[misc]


def test_training_stays_as_it_is() -> None:
    (state, random_state), (alone, random_alone) = trained([LinearRegions(), TrajectoryLength()]), trained([])
    assert all(torch.equal(a, b) for a, b in zip(state, alone, strict=True))
    assert torch.equal(random_state, random_alone)


@pytest.mark.parametrize("case", CASES[:2], ids=lambda case: case.name)
def test_on_every_kind_of_network_with_real_inputs(case: object) -> None:
    readings = inspect(case.build(), F.cross_entropy, case.inputs(), torch.arange(6) % 4, [TrajectoryLength()])  # type: ignore[attr-defined]
    assert readings["trajectory_length"].values.isfinite().all()
