"""Cells that say that a feature is near, wherever exactly: C-cells (Fukushima, 1980, section 2)."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from shinso.nn.neocognitron.v_cells import spread


class CCells(nn.Module):
    """ψ[(1 + Σ d·u) / (1 + v) − 1], each S-plane blurred, compared with the others and limited.

    Maps ``[batch, plane, height, width]`` to ``[batch, plane, ⌈height / stride⌉, ⌈width / stride⌉]``. The weights d
    fall off with distance by ``decay`` a pixel and sum to 1; v is the mean of Σ d·u over the planes, so that a plane
    that answers less than the others is silent; ψ[x] = φ[x] / (α + φ[x]) with φ = ReLU stays below 1 and comes to one
    half at α, ``saturation``. Raises ValueError for an even kernel, or where stride, saturation or decay is out of
    range.
    """

    weights: Tensor

    def __init__(self, kernel_size: int, stride: int = 1, *, decay: float = 0.9, saturation: float = 0.5) -> None:
        super().__init__()
        if stride < 1 or not saturation > 0:
            raise ValueError(f"C-cells need stride >= 1 and saturation > 0; got {stride} and {saturation}")
        self.stride = stride
        self.saturation = saturation
        self.register_buffer("weights", spread(kernel_size, decay))

    def forward(self, x: Float[Tensor, "batch plane height width"]) -> Float[Tensor, "batch plane h w"]:
        kernel = self.weights.to(x.dtype).expand(x.shape[1], 1, -1, -1)
        near = F.conv2d(x, kernel, stride=self.stride, padding=len(self.weights) // 2, groups=x.shape[1])
        active = F.relu((1 + near) / (1 + near.mean(1, keepdim=True)) - 1)
        return active / (self.saturation + active)

    def extra_repr(self) -> str:
        return f"kernel_size={len(self.weights)}, stride={self.stride}, saturation={self.saturation:g}"
