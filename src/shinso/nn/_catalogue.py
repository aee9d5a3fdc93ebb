"""All parts by name."""

from collections.abc import Mapping

from torch import nn

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
from shinso.nn._part import Part
from shinso.nn.residual_attention import ResidualAttention
from shinso.nn.squeeze_excitation import SqueezeExcitation

_ATTENTION = {
    "squeeze_excitation": Part(
        SqueezeExcitation, "attention", "Hu et al., 2018, arXiv 1709.01507; lecture 003 figure 22"
    ),
    "residual_attention": Part(ResidualAttention, "attention", "Wang et al., 2017, arXiv 1704.06904; lecture 001"),
    "linear": Part(nn.Linear, "linear", "Rosenblatt, 1958; lecture 004 equation 6.2"),
}

PARTS: Mapping[str, Part] = {
    **activations.PARTS,
    **convolution.PARTS,
    **pooling.PARTS,
    **normalization.PARTS,
    **dropout.PARTS,
    **outputs.PARTS,
    **losses.PARTS,
    **initialization.PARTS,
    **compression.PARTS,
    **edges.PARTS,
    **neocognitron.PARTS,
    **_ATTENTION,
}
