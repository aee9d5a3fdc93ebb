"""One formula for all: against torch's layers, and against loops over the sets of the paper."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from shinso.nn.normalization import normalize, normalize_groups

SHAPE = (3, 4, 5, 2)


def example() -> Tensor:
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 3 + 7


def loop(x: Tensor, in_one_set: Callable[[list[int], list[int]], bool]) -> Tensor:
    """Equations 1 and 2, the set of each value found by comparing its index with all others."""
    result = torch.empty_like(x)
    cells = list(torch.cartesian_prod(*(torch.arange(size) for size in x.shape)).tolist())
    for i in cells:
        values = torch.stack([x[tuple(k)] for k in cells if in_one_set(i, k)])
        mean = values.sum() / len(values)
        variance = (values - mean).square().sum() / len(values)
        result[tuple(i)] = (x[tuple(i)] - mean) / (variance + 1e-5).sqrt()
    return result


@pytest.mark.parametrize(
    ("dim", "layer", "in_one_set"),
    [
        ((0, 2, 3), nn.BatchNorm2d(4), lambda i, k: i[1] == k[1]),
        ((1, 2, 3), nn.LayerNorm(SHAPE[1:]), lambda i, k: i[0] == k[0]),
        ((2, 3), nn.InstanceNorm2d(4), lambda i, k: i[:2] == k[:2]),
    ],
    ids=["batch", "layer", "instance"],
)
def test_the_axes_make_the_normalisation(
    dim: tuple[int, ...], layer: nn.Module, in_one_set: Callable[..., bool]
) -> None:
    x = example()
    torch.testing.assert_close(normalize(x, dim), loop(x, in_one_set), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(normalize(x, dim), layer.double()(x), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_groups(groups: int) -> None:
    x = example()
    per_group = 4 // groups
    expected = loop(x, lambda i, k: i[0] == k[0] and i[1] // per_group == k[1] // per_group)
    torch.testing.assert_close(normalize_groups(x, groups), expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(normalize_groups(x, groups), nn.functional.group_norm(x, groups), rtol=1e-10, atol=1e-10)


def test_one_group_is_layer_and_a_group_a_channel_is_instance_normalisation() -> None:
    x = example()
    torch.testing.assert_close(normalize_groups(x, 1), normalize(x, (1, 2, 3)))
    torch.testing.assert_close(normalize_groups(x, 4), normalize(x, (2, 3)))


def test_derivatives() -> None:
    x = example().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: normalize(x, (0, 2)), x)
    assert torch.autograd.gradcheck(lambda x: normalize_groups(x, 2), x)


def test_a_large_mean_does_not_swallow_the_variance() -> None:
    x = torch.randn(4096, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(normalize(x + 1e4, (0,)), normalize(x, (0,)), rtol=0, atol=2e-3)


@pytest.mark.parametrize("groups", [0, 3])
def test_groups_that_do_not_divide_the_channels_are_refused(groups: int) -> None:
    with pytest.raises(ValueError, match=f"num_groups must divide the 4 channels; got {groups}"):
        normalize_groups(example(), groups)
