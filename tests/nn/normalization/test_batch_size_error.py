"""The error of batch statistics against its formula; that of group normalisation is none."""

import math

import pytest
import torch
from torch import nn

from shinso.nn.normalization import batch_size_error

SIZES = (2, 4, 16, 64)


def test_batch_norm_errs_with_one_over_the_root_of_the_batch_size() -> None:
    x = torch.randn(4096, 32, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 3 + 5
    errors = batch_size_error(nn.BatchNorm1d(32).double(), x, SIZES, torch.Generator().manual_seed(1))
    assert list(errors) == list(SIZES)
    assert errors[16] == pytest.approx(math.sqrt(1.5 / 16), rel=0.1)
    assert errors[64] == pytest.approx(math.sqrt(1.5 / 64), rel=0.05)
    assert errors[2] > errors[4] > errors[16] > errors[64]


@pytest.mark.parametrize(
    "layer", [nn.GroupNorm(4, 8), nn.InstanceNorm2d(8), nn.LayerNorm((8, 5, 5))], ids=["group", "instance", "layer"]
)
def test_the_others_do_not_depend_on_the_batch(layer: nn.Module) -> None:
    x = torch.randn(128, 8, 5, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 3 + 5
    errors = batch_size_error(layer.double(), x, (1, *SIZES))
    assert max(errors.values()) < 1e-12
    assert batch_size_error(nn.BatchNorm2d(8).double(), x, (1,))[1] > 0.1


def test_the_layer_stays_as_it_is() -> None:
    layer = nn.BatchNorm1d(3).eval()
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    batch_size_error(layer, torch.randn(8, 3), (2,))
    assert not layer.training
    assert all(torch.equal(value, layer.state_dict()[name]) for name, value in before.items())


def test_the_generator_decides() -> None:
    x = torch.randn(64, 3)
    one, same, other = (
        batch_size_error(nn.BatchNorm1d(3), x, (4,), torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)
    )
    assert one == same
    assert one != other


@pytest.mark.parametrize("size", [0, 5])
def test_sizes_that_do_not_fit_twice_are_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"from 1 to half of the 8 examples; got {size}"):
        batch_size_error(nn.BatchNorm1d(3), torch.randn(8, 3), (2, size))
