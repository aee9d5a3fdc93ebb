"""Numbers from wherever a model's parts live, as one vector."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor


def stacked(numbers: Sequence[Float[Tensor, ""]]) -> Float[Tensor, " numbers"]:
    """The numbers as a vector on the device of the first: a model may be spread over several."""
    return torch.stack([number.to(numbers[0].device) for number in numbers])
