"""The pre-activated convolution (He et al., 2016, "Identity Mappings in Deep Residual Networks", arXiv 1603.05027)."""

from collections import OrderedDict

from torch import nn


class NormReluConv(nn.Sequential):
    """Batch normalisation, rectified units, then a convolution without bias, padded so that stride 1 keeps the size.

    Maps ``[batch, in_channels, height, width]`` to ``[batch, out_channels, height', width']``.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        *,
        groups: int = 1,
        eps: float = 1e-5,
    ) -> None:
        padding = kernel_size // 2
        conv = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, groups=groups, bias=False)
        super().__init__(OrderedDict(norm=nn.BatchNorm2d(in_channels, eps=eps), relu=nn.ReLU(inplace=True), conv=conv))
