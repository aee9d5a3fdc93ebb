"""A check at the door of networks that halve their images too often for small ones."""

from jaxtyping import Float
from torch import Tensor, nn


class LeastSize(nn.Module):
    """Passes images on; raises ValueError for images with a side of fewer than ``size`` pixels."""

    def __init__(self, size: int, *, instead: str) -> None:
        super().__init__()
        self.size = size
        self.instead = instead

    def forward(self, x: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch channel height width"]:
        height, width = x.shape[-2:]
        if height < self.size or width < self.size:
            raise ValueError(
                f"this network needs images of at least {self.size}×{self.size} pixels; got {height}×{width}: "
                f"enlarge them or use {self.instead}"
            )
        return x

    def extra_repr(self) -> str:
        return f"{self.size}"
