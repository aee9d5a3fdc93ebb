"""Residual attention against its equations."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from shinso.nn.residual_attention import ResidualAttention, attention_mask, hourglass


def unit(channels: int) -> nn.Module:
    return nn.Conv2d(channels, channels, 3, padding=1)


def test_the_mask_adds_to_the_trunk() -> None:
    x = torch.randn(2, 3, 5, 5)
    attention = ResidualAttention(trunk=nn.Tanh(), mask=nn.Sigmoid())
    torch.testing.assert_close(attention(x), (1 + x.sigmoid()) * x.tanh())


def test_a_mask_of_one_channel_broadcasts() -> None:
    x = torch.randn(2, 3, 5, 5)
    mask = nn.Sequential(nn.Conv2d(3, 1, 1), nn.Sigmoid())
    torch.testing.assert_close(ResidualAttention(nn.Identity(), mask)(x), (1 + mask(x)) * x)


def test_an_hourglass_within_an_hourglass_is_added_to_its_skip() -> None:
    torch.manual_seed(0)
    outer = hourglass(3, unit, 2)
    inner = outer.inner
    assert inner is not None

    def up(y: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
        return F.interpolate(y, size=like.shape[2:], mode="bilinear", align_corners=True)

    def down(y: torch.Tensor) -> torch.Tensor:
        return F.max_pool2d(y, 3, 2, ceil_mode=True)

    x = torch.randn(2, 3, 9, 8)
    y = outer.first(down(x))
    within = up(inner.last(inner.first(down(y))), y)
    torch.testing.assert_close(outer(x), up(outer.last(outer.skip(y) + within), x))


@pytest.mark.parametrize(("poolings", "units", "least"), [(1, 2, 2), (2, 5, 4), (3, 8, 8)])
def test_a_mask_keeps_the_shape_and_is_between_0_and_1(poolings: int, units: int, least: int) -> None:
    mask = attention_mask(3, unit, poolings)
    x = 10 * torch.randn(2, 3, least, least + 1)
    values = mask(x)
    assert values.shape == x.shape
    assert ((values >= 0) & (values <= 1)).all()
    assert sum(isinstance(m, nn.Conv2d) for m in mask.modules()) == units + 2


def test_an_hourglass_without_pooling_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 pooling; got 0"):
        hourglass(3, unit, 0)
