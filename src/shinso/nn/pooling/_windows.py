"""The windows that pooling looks through."""

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from shinso.nn._pair import IntPair, pair, positive_pair


def windows(
    x: Float[Tensor, "*batch height width"], kernel_size: IntPair, stride: IntPair
) -> Float[Tensor, "*batch h w kernel"]:
    """The cells of each window that lies wholly on the map, in reading order; raises ValueError where none does."""
    (height, width), (down, right) = positive_pair("kernel_size", kernel_size), positive_pair("stride", stride)
    if height > x.shape[-2] or width > x.shape[-1]:
        raise ValueError(
            f"a window of {height} × {width} cells does not fit into a map of {x.shape[-2]} × {x.shape[-1]}"
        )
    *batch, rows, columns = x.shape
    # Tensor.unfold would do, but its backward is several times slower and cannot be batched per example.
    cells = F.unfold(x.reshape(-1, 1, rows, columns), (height, width), stride=(down, right))
    return cells.mT.reshape(*batch, (rows - height) // down + 1, (columns - width) // right + 1, height * width)


def described(kernel_size: IntPair, stride: IntPair) -> str:
    """For the extra_repr of a pooling layer, in torch's words."""
    return f"kernel_size={pair(kernel_size)}, stride={pair(stride)}"
