"""How strong the activity around each position is: the inhibitory V-cells (Fukushima, 1980, equation 3)."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F  # noqa: N812


def spread(kernel_size: int, decay: float) -> Float[Tensor, "height width"]:
    """Weights that fall off by the factor ``decay`` for each pixel of distance from the centre; their sum is 1.

    Raises ValueError for an even kernel, which has no centre, and for a decay outside 0 to 1.
    """
    if kernel_size < 1 or kernel_size % 2 == 0:
        raise ValueError(f"cells are centred on their receptive field: kernel_size must be odd; got {kernel_size}")
    if not 0 < decay <= 1:
        raise ValueError(f"decay is a factor for each pixel of distance, above 0 and up to 1; got {decay}")
    offsets = torch.arange(kernel_size) - kernel_size // 2
    distances = torch.hypot(offsets[:, None].to(torch.get_default_dtype()), offsets.to(torch.get_default_dtype()))
    weights = decay**distances
    return weights / weights.sum()


def v_cells(
    x: Float[Tensor, "batch plane height width"], weights: Float[Tensor, "kernel_height kernel_width"]
) -> Float[Tensor, "batch 1 height width"]:
    """The weighted root mean square of all planes around each position, √(Σ c·u²), equation 3.

    ``weights`` are those of one plane, from ``spread``; each plane gets the same, and together they sum to 1.
    """
    mean_square = x.square().mean(1, keepdim=True)
    padding = (weights.shape[0] // 2, weights.shape[1] // 2)
    mean_square = F.conv2d(mean_square, weights[None, None].to(x.dtype), padding=padding)
    # The root has no slope at 0; and a fast convolution may round a sum of squares to just below 0.
    active = mean_square > 0
    return torch.where(active, mean_square, 1).sqrt() * active
