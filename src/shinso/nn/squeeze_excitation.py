"""Squeeze-and-excitation (Hu et al., 2018, "Squeeze-and-Excitation Networks", arXiv 1709.01507; lecture 003,
figure 22).
"""

from collections import OrderedDict

from jaxtyping import Float
from torch import Tensor, nn


class SqueezeExcitation(nn.Module):
    """The feature maps, each multiplied by a number between 0 and 1 that depends on the means of all of them.

    Maps ``[batch, channels, height, width]`` to the same shape: squeeze is the mean over positions (equation 2),
    excitation σ(W₂ relu(W₁ z)) with ``channels // reduction`` units between (equation 3); both layers have biases. Goes
    after any layer of feature maps; in a residual block, at the end of the residual branch. Raises ValueError where no
    unit would be left between.
    """

    def __init__(self, channels: int, *, reduction: int = 16) -> None:
        super().__init__()
        if reduction < 1 or channels < reduction:
            raise ValueError(
                f"squeeze-and-excitation needs 1 <= reduction <= channels; got reduction {reduction} and {channels} "
                f"channels"
            )
        squeezed = channels // reduction
        self.gate = nn.Sequential(
            OrderedDict(
                squeeze=nn.AdaptiveAvgPool2d(1),
                reduce=nn.Conv2d(channels, squeezed, 1),
                relu=nn.ReLU(inplace=True),
                expand=nn.Conv2d(squeezed, channels, 1),
                sigmoid=nn.Sigmoid(),
            )
        )

    def forward(self, x: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch channel height width"]:
        output: Tensor = x * self.gate(x)
        return output
