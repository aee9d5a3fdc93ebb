"""Normalisation: batch normalisation as published, its relatives, and what follows from their formulas."""

from torch import nn

from shinso.nn._part import Part
from shinso.nn.normalization.batch_norm_map import AffineMap, batch_norm_map
from shinso.nn.normalization.batch_normalization import BatchNormalization
from shinso.nn.normalization.batch_normalize import BatchNormGradients, batch_normalize, batch_normalize_backward
from shinso.nn.normalization.batch_size_error import batch_size_error
from shinso.nn.normalization.fold_batch_norm import Folded, fold_batch_norm
from shinso.nn.normalization.local_response_normalization import LocalResponseNormalization
from shinso.nn.normalization.normalization_sets import normalization_sets, normalized_axes, shares_statistics
from shinso.nn.normalization.normalize import normalize, normalize_groups
from shinso.nn.normalization.population_statistics import (
    PopulationStatistics,
    population_statistics,
    set_population_statistics,
)

__all__ = [
    "PARTS",
    "AffineMap",
    "BatchNormGradients",
    "BatchNormalization",
    "Folded",
    "LocalResponseNormalization",
    "PopulationStatistics",
    "batch_norm_map",
    "batch_normalize",
    "batch_normalize_backward",
    "batch_size_error",
    "fold_batch_norm",
    "normalization_sets",
    "normalize",
    "normalize_groups",
    "normalized_axes",
    "population_statistics",
    "set_population_statistics",
    "shares_statistics",
]

_IOFFE = "Ioffe and Szegedy, 2015, algorithms 1 and 2; lecture 000, batch normalization pages; lectures 001 and 002"
_KRIZHEVSKY = "Krizhevsky et al., 2012, section 3.3; lecture 000, AlexNet pages"

PARTS: dict[str, Part] = {
    "batch_norm": Part(nn.BatchNorm2d, "normalization", _IOFFE),
    "batch_norm_1d": Part(nn.BatchNorm1d, "normalization", _IOFFE),
    "batch_norm_3d": Part(nn.BatchNorm3d, "normalization", _IOFFE),
    "batch_norm_as_published": Part(BatchNormalization, "normalization", _IOFFE),
    "layer_norm": Part(nn.LayerNorm, "normalization", "Ba et al., 2016; lecture 002 figure 2"),
    "instance_norm": Part(nn.InstanceNorm2d, "normalization", "Ulyanov et al., 2016; lecture 002 figure 2"),
    "group_norm": Part(nn.GroupNorm, "normalization", "Wu and He, 2018; lecture 002 figures 2 and 5"),
    "local_response_norm": Part(nn.LocalResponseNorm, "normalization", _KRIZHEVSKY),
    "local_response_norm_as_published": Part(LocalResponseNormalization, "normalization", _KRIZHEVSKY),
}
