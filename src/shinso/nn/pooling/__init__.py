"""Pooling layers: those of lecture 003 (section 3.2, figures 16 and 18) that torch does not have, or has wrong."""

from functools import partial

from torch import nn

from shinso.nn._part import Part
from shinso.nn.pooling.lp import LpPool2d, lp_pool2d
from shinso.nn.pooling.mixed import MixedPool2d, expected_mixed_pool2d, mixed_pool2d
from shinso.nn.pooling.multi_scale_orderless import (
    MultiScaleOrderlessPool2d,
    fit_multi_scale_orderless_pool2d,
    patch_features,
)
from shinso.nn.pooling.spatial_pyramid import SpatialPyramidPool2d
from shinso.nn.pooling.spectral import SpectralPool2d, spectral_pool2d
from shinso.nn.pooling.stochastic import StochasticPool2d, expected_stochastic_pool2d, stochastic_pool2d
from shinso.nn.pooling.vlad import Vlad, fit_vlad

__all__ = [
    "PARTS",
    "LpPool2d",
    "MixedPool2d",
    "MultiScaleOrderlessPool2d",
    "SpatialPyramidPool2d",
    "SpectralPool2d",
    "StochasticPool2d",
    "Vlad",
    "expected_mixed_pool2d",
    "expected_stochastic_pool2d",
    "fit_multi_scale_orderless_pool2d",
    "fit_vlad",
    "lp_pool2d",
    "mixed_pool2d",
    "patch_features",
    "spectral_pool2d",
    "stochastic_pool2d",
]

PARTS: dict[str, Part] = {
    "max_pooling": Part(nn.MaxPool2d, "pooling", "Riesenhuber and Poggio, 1999; lecture 003 figure 18"),
    "average_pooling": Part(nn.AvgPool2d, "pooling", "LeCun et al., 1998; lecture 003 section 3.2"),
    "global_average_pooling": Part(
        partial(nn.AdaptiveAvgPool2d, 1), "pooling", "Lin et al., 2013, arXiv 1312.4400; lecture 003 section 3.2"
    ),
    "lp_pooling": Part(LpPool2d, "pooling", "Sermanet et al., 2012, arXiv 1204.3968; lecture 003 figure 16"),
    "mixed_pooling": Part(MixedPool2d, "pooling", "Yu et al., 2014; lecture 003 figure 16"),
    "stochastic_pooling": Part(
        StochasticPool2d, "pooling", "Zeiler and Fergus, 2013, arXiv 1301.3557; lecture 003 figure 16"
    ),
    "spectral_pooling": Part(SpectralPool2d, "pooling", "Rippel et al., 2015, arXiv 1506.03767; lecture 003 figure 16"),
    "spatial_pyramid_pooling": Part(
        SpatialPyramidPool2d, "pooling", "He et al., 2014, arXiv 1406.4729; lecture 003 figure 16"
    ),
    "multi_scale_orderless_pooling": Part(
        fit_multi_scale_orderless_pool2d, "pooling", "Gong et al., 2014, arXiv 1403.1840; lecture 003 figure 16"
    ),
}
