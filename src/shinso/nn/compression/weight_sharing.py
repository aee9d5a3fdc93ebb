"""Weights that share a few values, and the training of these (Han et al., 2016, "Deep Compression", arXiv 1510.00149,
section 3; lecture 003, figure 16, weight compression).
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from shinso.nn.compression.k_means import cluster, nearest
from shinso.nn.compression.stored_weights import with_stored_weights

_MOST_BITS = 8


class SharedWeight(nn.Module):
    """A weight with at most 2^bits values beside 0: a parametrization.

    Stored are these values, which take the place of the weight as a parameter, and for each entry the number of its
    value, a buffer. The derivative by a value is the sum of those by the entries that have it (equation 3), so training
    goes on as before. Zeros, as pruning leaves them, stay 0.
    """

    numbers: Tensor

    def __init__(self, bits: int) -> None:
        super().__init__()
        check_bits(bits)
        self.bits = bits

    def forward(self, values: Float[Tensor, "values"]) -> Float[Tensor, "*shape"]:
        return torch.cat([values.new_zeros(1), values])[self.numbers.long()]

    def right_inverse(self, weight: Float[Tensor, "*shape"]) -> Float[Tensor, "values"]:
        values, numbers = shared_values(weight, self.bits)
        self.register_buffer("numbers", numbers)
        return values


def share_weights(network: nn.Module, bits: int) -> nn.Module:
    """A copy in which the nonzero weights of each linear layer and convolution have at most 2^bits values (k-means).

    Raises ValueError for bits other than 1 to 8 and for weights that are not finite.
    """
    return with_stored_weights(network, lambda _: SharedWeight(bits))


def shared_values(weight: Float[Tensor, "*shape"], bits: int) -> tuple[Float[Tensor, "values"], Tensor]:
    """The at most 2^bits centres of the nonzero entries, and for each entry 0 if it is 0, else 1 + that of its centre.

    A weight with so few values has them as centres. The numbers are uint8, of 256 centres int16.
    """
    check_bits(bits)
    flat = weight.detach().double().cpu().flatten().numpy()
    if not np.isfinite(flat).all():
        raise ValueError("a weight is not finite; its values cannot be shared")
    used = flat != 0
    centres = cluster(flat[used], 2**bits)
    numbers = np.zeros(flat.shape, np.int16)
    numbers[used] = 1 + nearest(flat[used], centres)
    dtype = torch.uint8 if len(centres) < 256 else torch.int16
    given = torch.from_numpy(numbers).to(dtype).reshape(weight.shape)
    return torch.from_numpy(centres).to(weight), given.to(weight.device)


def check_bits(bits: int) -> None:
    """Raises ValueError unless that many bits will do."""
    if not 1 <= bits <= _MOST_BITS:
        raise ValueError(f"bits must be from 1 to {_MOST_BITS}; got {bits}")
