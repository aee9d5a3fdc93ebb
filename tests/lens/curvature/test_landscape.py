"""Slices and planes of losses that are known, and planes that trajectories lie in."""

import pytest
import torch
from curvature_cases import BY_NAME
from sklearn.decomposition import PCA
from torch import nn
from torch.nn import functional as F  # noqa: N812

from shinso.lens import Probe
from shinso.lens.curvature import loss_plane, loss_slice, principal_plane, random_direction


def test_a_slice_is_the_loss_of_moved_models() -> None:
    probe = BY_NAME["perceptron"].probe()
    direction = random_direction(probe, 2)
    before = {name: value.clone() for name, value in probe.parameters.items()}
    found = loss_slice(probe, direction, [-0.5, 0.0, 2.0])
    assert all(torch.equal(value, before[name]) for name, value in probe.parameters.items())
    for distance, loss in zip(found.distances.tolist(), found.losses, strict=True):
        with torch.no_grad():
            for name, parameter in probe.model.named_parameters():
                parameter.copy_(before[name] + distance * direction[name])
            torch.testing.assert_close(loss, F.cross_entropy(probe.model(probe.inputs), probe.targets))
    assert loss_slice(probe, direction).distances[[0, 25, 50]].tolist() == [-1.0, 0.0, 1.0]


def test_a_direction_of_some_parameters_moves_those_alone() -> None:
    probe = BY_NAME["perceptron"].probe()
    shift = {"2.bias": torch.ones(3).double()}  # the same for all classes: cross entropy does not notice
    losses = loss_slice(probe, shift, [-3.0, 0.0, 3.0]).losses
    torch.testing.assert_close(losses, losses[1].expand(3))


def test_a_plane_has_a_row_for_each_second_distance() -> None:
    model = nn.Linear(1, 1).double()
    with torch.no_grad():
        model.weight.fill_(2.0)
        model.bias.fill_(1.0)
    inputs, targets = torch.tensor([[1.0], [3.0]]).double(), torch.tensor([[0.0], [0.0]]).double()
    weight, bias = {"weight": torch.ones(1, 1).double()}, {"bias": torch.ones(1).double()}
    found = loss_plane(Probe(model, F.mse_loss, inputs, targets), weight, bias, [-1.0, 0.0, 1.0], [0.0, 5.0])
    expected = [[((w + b) ** 2 + (3 * w + b) ** 2) / 2 for w in (1, 2, 3)] for b in (1, 6)]
    torch.testing.assert_close(found.losses, torch.tensor(expected).double())
    assert loss_plane(Probe(model, F.mse_loss, inputs, targets), weight, bias).losses.shape == (21, 21)


def test_the_plane_of_a_trajectory_is_that_of_principal_components() -> None:
    generator = torch.Generator().manual_seed(0)
    walk = torch.randn(12, 7, generator=generator).double().cumsum(0)
    points = [{"a": row[:4].view(2, 2), "b": row[4:]} for row in walk]
    found = principal_plane(points)
    expected = PCA(2).fit((walk - walk[-1]).numpy())
    directions = torch.stack([torch.cat([d["a"].flatten(), d["b"]]) for d in (found.first, found.second)])
    for direction, component in zip(directions, torch.from_numpy(expected.components_), strict=True):
        assert abs(float(direction @ component)) == pytest.approx(1, abs=1e-9)
    assert found.explained == pytest.approx(expected.explained_variance_ratio_)
    torch.testing.assert_close(found.coordinates, (walk - walk[-1]) @ directions.T)
    assert found.coordinates[-1].tolist() == [0.0, 0.0]


def test_a_trajectory_within_a_plane_is_found_whole() -> None:
    across, up = torch.tensor([3.0, 0.0, 4.0]).double() / 5, torch.tensor([0.0, 1.0, 0.0]).double()
    points = [{"w": x * across + y * up} for x, y in ((0, 0), (4, 1), (5, -1), (9, 0.5))]
    found = principal_plane(points)
    assert sum(found.explained) == pytest.approx(1)
    for point, (x, y) in zip(points, found.coordinates, strict=True):
        torch.testing.assert_close(points[-1]["w"] + x * found.first["w"] + y * found.second["w"], point["w"])


def test_two_points_have_no_plane() -> None:
    with pytest.raises(ValueError, match="at least three points of the trajectory; got 2"):
        principal_plane([{"w": torch.zeros(2)}, {"w": torch.ones(2)}])


def test_a_straight_way_has_a_second_direction_orthogonal_to_it() -> None:
    plane = principal_plane([{"w": factor * torch.tensor([1.0, 2.0, 3.0, 4.0])} for factor in range(5)])
    assert plane.explained == pytest.approx((1.0, 0.0))
    assert float(plane.second["w"].norm()) == pytest.approx(1.0)
    assert abs(float(plane.first["w"] @ plane.second["w"])) < 1e-6
