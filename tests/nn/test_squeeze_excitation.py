"""Squeeze-and-excitation against its equations."""

import pytest
import torch

from shinso.nn.squeeze_excitation import SqueezeExcitation


def test_each_channel_is_multiplied_by_its_excitation() -> None:
    torch.manual_seed(0)
    module = SqueezeExcitation(8, reduction=4).double()
    x = torch.randn(3, 8, 5, 4, dtype=torch.float64)
    reduce, expand = module.gate.reduce, module.gate.expand
    z = x.mean(dim=(2, 3))
    hidden = (z @ reduce.weight.flatten(1).T + reduce.bias).clamp(min=0)
    gate = 1 / (1 + (-(hidden @ expand.weight.flatten(1).T + expand.bias)).exp())
    assert hidden.shape == (3, 2)
    torch.testing.assert_close(module(x), x * gate[:, :, None, None])


@pytest.mark.parametrize("reduction", [0, 9])
def test_a_reduction_that_leaves_nothing_is_refused(reduction: int) -> None:
    with pytest.raises(ValueError, match=f"1 <= reduction <= channels; got reduction {reduction} and 8 channels"):
        SqueezeExcitation(8, reduction=reduction)
