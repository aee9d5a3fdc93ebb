"""Local response normalisation as published (Krizhevsky, Sutskever and Hinton, 2012, "ImageNet Classification with Deep
Convolutional Neural Networks", section 3.3; lecture 000, the pages on AlexNet).
"""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812


class LocalResponseNormalization(nn.Module):
    """b = a/(k + α Σ a²)^β, the sum over the ``size`` channels around each one at the same position, fewer at the ends.

    Maps ``[batch, channel, *]`` to the same shape. The defaults are the paper's n = 5, α = 10⁻⁴, β = 0.75 and k = 2.
    torch.nn.LocalResponseNorm divides its α by ``size``, so this is torch's with alpha = size · α. Raises ValueError
    for an even size, which no channel is in the middle of.
    """

    def __init__(self, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 2.0) -> None:
        super().__init__()
        if size < 1 or size % 2 == 0:
            raise ValueError(f"size must be odd, a channel and as many on either side of it; got {size}")
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, x: Float[Tensor, "batch channel *shape"]) -> Float[Tensor, "batch channel *shape"]:
        return F.local_response_norm(x, self.size, self.size * self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
