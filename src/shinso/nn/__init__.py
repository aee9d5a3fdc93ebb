"""The parts that networks are built from: what the lectures name and torch does not have.

``PARTS`` is the catalogue of all of them, torch's own included; what belongs together is in one package each.
"""

from shinso.nn import (
    activations,
    compression,
    convolution,
    dropout,
    edges,
    initialization,
    losses,
    neocognitron,
    normalization,
    outputs,
    pooling,
)
from shinso.nn._catalogue import PARTS
from shinso.nn._part import Part
from shinso.nn.residual_attention import ResidualAttention, attention_mask, hourglass
from shinso.nn.squeeze_excitation import SqueezeExcitation

__all__ = [
    "PARTS",
    "Part",
    "ResidualAttention",
    "SqueezeExcitation",
    "activations",
    "attention_mask",
    "compression",
    "convolution",
    "dropout",
    "edges",
    "hourglass",
    "initialization",
    "losses",
    "neocognitron",
    "normalization",
    "outputs",
    "pooling",
]
