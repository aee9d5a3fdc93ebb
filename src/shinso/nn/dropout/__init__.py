"""Dropout in both conventions of scaling, and DropConnect."""

from torch import nn

from shinso.nn._part import Part
from shinso.nn.dropout.drop_connect import DropConnectLinear, DropConnectSampling, Moments, drop_connect_moments
from shinso.nn.dropout.original_dropout import OriginalDropout

__all__ = [
    "PARTS",
    "DropConnectLinear",
    "DropConnectSampling",
    "Moments",
    "OriginalDropout",
    "drop_connect_moments",
]

_SRIVASTAVA = "Srivastava et al., 2014; lecture 002 dropout slides"
_WAN = "Wan et al., 2013; lecture 003 figure 16"

PARTS: dict[str, Part] = {
    "dropout": Part(nn.Dropout, "dropout", f"{_SRIVASTAVA}, scaled in training (inverted)"),
    "original_dropout": Part(OriginalDropout, "dropout", f"{_SRIVASTAVA}, scaled in evaluation"),
    "channel_dropout": Part(nn.Dropout2d, "dropout", "Tompson et al., 2015"),
    "drop_connect": Part(DropConnectLinear, "dropout", _WAN),
    "drop_connect_sampling": Part(DropConnectSampling, "dropout", f"{_WAN}, evaluated as published"),
}
