"""Weights at random, by the papers' rules for their spread (lecture 004 sections 6.2 and 6.3.1; lecture 003 figure 16).

Each fills the weight of one layer in place; ``initialize`` lays one over a network.
"""

import math

import torch
from torch import nn

from shinso.nn.initialization._layers import Layer, fans


def small_random(layer: Layer, *, std: float = 0.01, generator: torch.Generator | None = None) -> None:
    """Normal of standard deviation ``std``, whatever the layer's size (Krizhevsky et al., 2012, section 5).

    The lecture asks for small random values (section 6.2). Deep networks vanish with them: see
    ``activation_variance_by_depth``.
    """
    _normal(layer, std, generator)


def xavier_normal(layer: Layer, *, gain: float = 1.0, generator: torch.Generator | None = None) -> None:
    """Normal of variance gain²·2/(fan_in + fan_out) (Glorot & Bengio, 2010, equation 12).

    A compromise between keeping the variance of outputs and that of gradients, for units that are linear near 0; a gain
    of 5/3 makes up for what tanh takes off larger values (``torch.nn.init.calculate_gain``).
    """
    _normal(layer, gain * _xavier_std(layer), generator)


def xavier_uniform(layer: Layer, *, gain: float = 1.0, generator: torch.Generator | None = None) -> None:
    """Uniform with the same variance as ``xavier_normal``: ±gain·√(6/(fan_in + fan_out)) (equation 16)."""
    _uniform(layer, gain * _xavier_std(layer), generator)


def he_normal(layer: Layer, *, negative_slope: float = 0.0, generator: torch.Generator | None = None) -> None:
    """Normal of variance 2/((1 + a²)·fan_in) (He et al., 2015, arXiv 1502.01852, equations 10 and 15).

    Keeps the variance through layers of ReLUs, or of leaky ReLUs whose slope a is ``negative_slope``.
    """
    _normal(layer, _he_gain(negative_slope) / math.sqrt(fans(layer).fan_in), generator)


def he_uniform(layer: Layer, *, negative_slope: float = 0.0, generator: torch.Generator | None = None) -> None:
    """Uniform with the same variance as ``he_normal``."""
    _uniform(layer, _he_gain(negative_slope) / math.sqrt(fans(layer).fan_in), generator)


def he_normal_by_fan_out(
    layer: Layer, *, negative_slope: float = 0.0, generator: torch.Generator | None = None
) -> None:
    """Normal of variance 2/((1 + a²)·fan_out), which keeps the variance of gradients (He et al., 2015, equation 14).

    What ResNets use for their convolutions.
    """
    _normal(layer, _he_gain(negative_slope) / math.sqrt(fans(layer).fan_out), generator)


def lecun_normal(layer: Layer, *, generator: torch.Generator | None = None) -> None:
    """Normal of variance 1/fan_in (LeCun et al., 1998, "Efficient BackProp", section 4.6)."""
    _normal(layer, 1 / math.sqrt(fans(layer).fan_in), generator)


def lecun_uniform(layer: Layer, *, generator: torch.Generator | None = None) -> None:
    """Uniform with the same variance as ``lecun_normal``; Caffe's ``xavier``."""
    _uniform(layer, 1 / math.sqrt(fans(layer).fan_in), generator)


def _xavier_std(layer: Layer) -> float:
    return math.sqrt(2 / sum(fans(layer)))


def _he_gain(negative_slope: float) -> float:
    return math.sqrt(2 / (1 + negative_slope**2))


def _normal(layer: Layer, std: float, generator: torch.Generator | None) -> None:
    nn.init.normal_(layer.weight, std=std, generator=generator)


def _uniform(layer: Layer, std: float, generator: torch.Generator | None) -> None:
    bound = math.sqrt(3) * std
    nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
