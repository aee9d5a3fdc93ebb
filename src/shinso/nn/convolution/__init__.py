"""Convolution as lecture 003 defines it (section 3.3), its backward, and its variants (figure 16, section 4.1)."""

from functools import partial

from torch import nn

from shinso.nn._part import Part
from shinso.nn.convolution.definition import conv2d_by_definition
from shinso.nn.convolution.depthwise_separable import (
    DepthwiseSeparableConv2d,
    conv_weights,
    depthwise_conv2d,
    depthwise_separable_ratio,
    depthwise_separable_weights,
)
from shinso.nn.convolution.fft import FFTConv2d, fft_conv2d
from shinso.nn.convolution.matrix import convolution_matrix
from shinso.nn.convolution.output_size import conv_output_size, conv_transpose_output_size
from shinso.nn.convolution.sparse import SparseConv2d, prune_conv2d, sparse_conv2d
from shinso.nn.convolution.tiled import TiledConv2d, tiled_conv2d
from shinso.nn.convolution.transposed import (
    conv_transpose2d_as_backward,
    conv_transpose2d_by_zero_insertion,
    insert_zeros,
)
from shinso.nn.convolution.transposed_cases import TransposedCase, three_cases
from shinso.nn.convolution.true_convolution import true_conv2d

__all__ = [
    "PARTS",
    "DepthwiseSeparableConv2d",
    "FFTConv2d",
    "SparseConv2d",
    "TiledConv2d",
    "TransposedCase",
    "conv2d_by_definition",
    "conv_output_size",
    "conv_transpose2d_as_backward",
    "conv_transpose2d_by_zero_insertion",
    "conv_transpose_output_size",
    "conv_weights",
    "convolution_matrix",
    "depthwise_conv2d",
    "depthwise_separable_ratio",
    "depthwise_separable_weights",
    "fft_conv2d",
    "insert_zeros",
    "prune_conv2d",
    "sparse_conv2d",
    "three_cases",
    "tiled_conv2d",
    "true_conv2d",
]

PARTS: dict[str, Part] = {
    "convolution": Part(nn.Conv2d, "convolution", "LeCun et al., 1989; lecture 003 equation 54"),
    "pointwise_convolution": Part(
        partial(nn.Conv2d, kernel_size=1), "convolution", "Lin et al., 2013, arXiv 1312.4400; lecture 003 equation 55"
    ),
    "true_convolution": Part(true_conv2d, "convolution", "lecture 003 equation 49"),
    "transposed_convolution": Part(
        nn.ConvTranspose2d, "convolution", "Zeiler et al., 2010; lecture 003 figures 24 to 26"
    ),
    "dilated_convolution": Part(
        nn.Conv2d, "convolution", "with dilation > 1: Yu and Koltun, 2015, arXiv 1511.07122; lecture 003 figure 16"
    ),
    "grouped_convolution": Part(
        nn.Conv2d, "convolution", "with groups > 1: Krizhevsky et al., 2012; lecture 003 section 4.1"
    ),
    "depthwise_convolution": Part(depthwise_conv2d, "convolution", "Sifre, 2014; lecture 003 equation 59"),
    "depthwise_separable_convolution": Part(
        DepthwiseSeparableConv2d, "convolution", "Howard et al., 2017, arXiv 1704.04861; lecture 003 equations 60, 61"
    ),
    "tiled_convolution": Part(TiledConv2d, "convolution", "Le, Ngiam et al., 2010; lecture 003 figure 16"),
    "fft_convolution": Part(FFTConv2d, "convolution", "Mathieu et al., 2013, arXiv 1312.5851; lecture 003 figure 16"),
    "sparse_convolution": Part(prune_conv2d, "convolution", "Liu et al., 2015; lecture 003 figure 16"),
}
