"""Initial weights, and what they do to the variance of activations."""

from shinso.nn._part import Part
from shinso.nn.initialization._activation_variance import activation_variance_by_depth
from shinso.nn.initialization._initialize import constant_biases, initialize
from shinso.nn.initialization._layers import Fans, Layer, fans
from shinso.nn.initialization._schemes import (
    he_normal,
    he_normal_by_fan_out,
    he_uniform,
    lecun_normal,
    lecun_uniform,
    small_random,
    xavier_normal,
    xavier_uniform,
)

__all__ = [
    "PARTS",
    "Fans",
    "Layer",
    "activation_variance_by_depth",
    "constant_biases",
    "fans",
    "he_normal",
    "he_normal_by_fan_out",
    "he_uniform",
    "initialize",
    "lecun_normal",
    "lecun_uniform",
    "small_random",
    "xavier_normal",
    "xavier_uniform",
]

_HE = "He et al., 2015; lecture 003 figure 16"
_XAVIER = "Glorot & Bengio, 2010; lecture 003 figure 16"
_LECUN = "LeCun et al., 1998; lecture 003 figure 16"

PARTS: dict[str, Part] = {
    "small_random": Part(small_random, "initialization", "Krizhevsky et al., 2012; lecture 004 section 6.2"),
    "xavier_normal": Part(xavier_normal, "initialization", _XAVIER),
    "xavier_uniform": Part(xavier_uniform, "initialization", _XAVIER),
    "he_normal": Part(he_normal, "initialization", _HE),
    "he_uniform": Part(he_uniform, "initialization", _HE),
    "he_normal_by_fan_out": Part(he_normal_by_fan_out, "initialization", _HE),
    "lecun_normal": Part(lecun_normal, "initialization", _LECUN),
    "lecun_uniform": Part(lecun_uniform, "initialization", _LECUN),
    "constant_biases": Part(constant_biases, "initialization", "lecture 004 section 6.3.1"),
}
