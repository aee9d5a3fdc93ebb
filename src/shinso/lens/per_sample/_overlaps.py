"""The squared norms of single examples' gradients of a convolution, from how its positions overlap."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

_ENTRIES_AT_ONCE = 1 << 20


def overlaps_are_cheaper(
    padded: Sequence[int], positions: Sequence[int], channels: int, out_channels: int, kernel: Sequence[int]
) -> bool:
    """Whether ``squared_norms_from_overlaps`` takes less work than writing the gradients out.

    It does where there are many channels at few positions, as in the late layers of image networks.
    """
    pairs_of_inputs, pairs_of_outputs = math.prod(padded) ** 2, math.prod(positions) ** 2
    products = pairs_of_inputs * channels + pairs_of_outputs * out_channels
    sums = pairs_of_inputs * sum(kernel)
    return 2 * (products + sums) < math.prod(positions) * channels * out_channels * math.prod(kernel)


def squared_norms_from_overlaps(
    padded: Float[Tensor, "batch in *space"],
    output_gradients: Float[Tensor, "batch out *positions"],
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
) -> Float[Tensor, " batch"]:
    """|Σ_p δ_p ⊗ window_p|² of each example, as Σ_pq (δ_p·δ_q)(window_p·window_q), from the padded inputs.

    The products of windows are those of single positions, added up along the kernel axis by axis, which takes the
    size of the kernel and not its volume. Source: Rochette et al. 2019, arXiv 1912.06015, for layers that are
    applied at several positions; the adding up is ours.
    """
    at_once = max(1, _ENTRIES_AT_ONCE // math.prod(padded.shape[2:]) ** 2)
    found = []
    for start in range(0, len(padded), at_once):
        at_inputs, at_outputs = (tensor[start : start + at_once] for tensor in (padded, output_gradients))
        of_windows = _of_positions(at_inputs)
        for axis, size in enumerate(at_outputs.shape[2:]):
            of_windows = _added_along(of_windows, axis, size, kernel[axis], stride[axis], dilation[axis])
        found.append(torch.linalg.vecdot(of_windows.flatten(1), _of_positions(at_outputs).flatten(1)))
    return torch.cat(found)


def _of_positions(tensor: Float[Tensor, "batch channels *space"]) -> Float[Tensor, "batch *space_and_again"]:
    rows = tensor.flatten(2)
    return torch.bmm(rows.transpose(1, 2), rows).view(len(tensor), *tensor.shape[2:], *tensor.shape[2:])


def _added_along(products: Tensor, axis: int, size: int, kernel: int, stride: int, dilation: int) -> Tensor:
    dims = (products.dim() - 1) // 2

    def shifted(offset: int) -> Tensor:
        places = slice(offset * dilation, offset * dilation + (size - 1) * stride + 1, stride)
        along = [slice(None)] * products.dim()
        along[1 + axis] = along[1 + dims + axis] = places
        return products[tuple(along)]

    total = shifted(0).clone() if kernel > 1 else shifted(0)
    for offset in range(1, kernel):
        total += shifted(offset)
    return total
