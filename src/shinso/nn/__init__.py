"""The parts that networks are built from: what the lectures name and torch does not have."""

from shinso.nn.residual_attention import ResidualAttention, attention_mask, hourglass
from shinso.nn.squeeze_excitation import SqueezeExcitation

__all__ = ["ResidualAttention", "SqueezeExcitation", "attention_mask", "hourglass"]
