"""Residual attention networks (Wang et al., 2017, "Residual Attention Network for Image Classification", arXiv
1704.06904, table 2; lecture 001 "Residual Attention Network").

They map ``[batch, 3, 224, 224]`` to ``[batch, 1000]`` and need 31×31 pixels. An attention module is a pre-activated
residual unit, then a trunk of two units times one plus a mask, then another unit; masks pool three times in the first
stage, twice in the second, once in the third. The layers are those of the first author's release; the mask ends in
the sigmoid of the paper (in that release: hyperbolic tangent). Initialised after He et al. (2015), as the paper says.
"""

from collections import OrderedDict
from collections.abc import Sequence

from torch import nn

from shinso.models._least_size import LeastSize
from shinso.models._network import Network
from shinso.models._parts import ConvNorm
from shinso.models._pooled_classifier import pooled_classifier
from shinso.models._preactivation_resnet import preactivated_bottleneck
from shinso.models._residual_blocks import chained
from shinso.nn.residual_attention import ResidualAttention, attention_mask

# Channels of a stage and how often its masks pool.
_STAGES = ((256, 3), (512, 2), (1024, 1))
_SMALL = ((16, 3), (64, 2), (128, 1))


def attention56(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """Attention-56: one attention module a stage, 31,810,728 parameters (and 72,704 statistics: the paper's 31.9 M)."""
    return _for_photographs((1, 1, 1), num_classes, in_channels, dropout)


def attention92(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """Attention-92: one, two and three attention modules, 52,466,344 parameters (2.3 % more than the paper says)."""
    return _for_photographs((1, 2, 3), num_classes, in_channels, dropout)


def attention_small(*, num_classes: int = 10, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """For images of 32×32 or 28×28 pixels: a 3×3 stem of stride 1, then narrower stages of one attention module."""
    return chained(
        {"least_size": LeastSize(8, instead="another network"), "stem": ConvNorm(in_channels, 16)},
        _attention_stages(16, _SMALL, (1, 1, 1)),
        {"stage4": _residual_stage(128, 256, 1)},
        _classifier(256, num_classes, dropout),
    )


def attention_module(channels: int, poolings: int) -> nn.Module:
    """A unit, residual attention over a trunk of two units, a unit; the mask pools ``poolings`` times."""
    layers = OrderedDict(
        first=_unit(channels),
        attention=ResidualAttention(
            trunk=nn.Sequential(_unit(channels), _unit(channels)), mask=attention_mask(channels, _unit, poolings)
        ),
        last=_unit(channels),
    )
    return nn.Sequential(layers)


def _unit(channels: int) -> nn.Module:
    return preactivated_bottleneck(channels, channels, 1)


def _for_photographs(modules: tuple[int, int, int], num_classes: int, in_channels: int, dropout: float) -> nn.Module:
    stem = {
        "least_size": LeastSize(31, instead="attention_small"),
        "stem": ConvNorm(in_channels, 64, 7, 2),
        "max_pool": nn.MaxPool2d(3, 2, ceil_mode=True),
    }
    return chained(
        stem,
        _attention_stages(64, _STAGES, modules),
        {"stage4": _residual_stage(1024, 2048, 3)},
        _classifier(2048, num_classes, dropout),
    )


def _attention_stages(
    in_channels: int, table: Sequence[tuple[int, int]], modules: Sequence[int]
) -> dict[str, nn.Module]:
    """``stage1``, …: a unit that changes the channels and, from the second stage on, halves the size; the modules."""
    result: dict[str, nn.Module] = {}
    for number, ((channels, poolings), count) in enumerate(zip(table, modules, strict=True), start=1):
        first = preactivated_bottleneck(in_channels, channels, 1 if number == 1 else 2)
        result[f"stage{number}"] = nn.Sequential(first, *(attention_module(channels, poolings) for _ in range(count)))
        in_channels = channels
    return result


def _residual_stage(in_channels: int, out_channels: int, units: int) -> nn.Module:
    first = preactivated_bottleneck(in_channels, out_channels, 2)
    return nn.Sequential(first, *(_unit(out_channels) for _ in range(units - 1)))


def _classifier(channels: int, num_classes: int, dropout: float) -> dict[str, nn.Module]:
    activation: dict[str, nn.Module] = {"norm": nn.BatchNorm2d(channels), "relu": nn.ReLU(inplace=True)}
    return activation | pooled_classifier(channels, num_classes, dropout)


_PAPER = "Residual Attention Network for Image Classification, arXiv 1704.06904"

NETWORKS = {
    "attention56": Network(attention56, year=2017, input_shape=(3, 224, 224), paper=_PAPER),
    "attention92": Network(attention92, year=2017, input_shape=(3, 224, 224), paper=_PAPER),
    "attention_small": Network(attention_small, year=2017, input_shape=(3, 32, 32), paper=_PAPER),
}
