"""Probabilistic maxout (Springenberg & Riedmiller, 2013, "Improving Deep Neural Networks with Probabilistic Maxout
Units", arXiv 1312.6116; lecture 003 figure 16).
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from shinso.nn.activations._pieces import check_pieces, in_pieces


def sampled_probout(
    x: Float[Tensor, "..."],
    pieces: int,
    dim: int = 1,
    inverse_temperature: float = 1.0,
    generator: torch.Generator | None = None,
) -> Float[Tensor, "..."]:
    """One of each group of ``pieces`` neighbours along ``dim``, zᵢ with probability softmax(λz)ᵢ.

    λ is the inverse temperature: at 0 each piece is as likely, and with λ → ∞ it becomes maxout. The gradient goes to
    the piece that was drawn. Raises ValueError where the axis cannot be divided.
    """
    groups = in_pieces(x, pieces, dim)
    # argmax of logits plus Gumbel noise is a draw from their softmax; half precision would make the noise too coarse.
    logits = inverse_temperature * groups.detach().float()
    noise = -torch.empty_like(logits).exponential_(generator=generator).log()
    drawn = (logits + noise).argmax(-1, keepdim=True)
    return groups.gather(-1, drawn).squeeze(-1)


def expected_probout(
    x: Float[Tensor, "..."], pieces: int, dim: int = 1, inverse_temperature: float = 1.0
) -> Float[Tensor, "..."]:
    """Σᵢ zᵢ softmax(λz)ᵢ over each group of ``pieces`` neighbours along ``dim``: the mean of ``sampled_probout``.

    Raises ValueError where the axis cannot be divided.
    """
    groups = in_pieces(x, pieces, dim)
    return (groups * (inverse_temperature * groups).softmax(-1)).sum(-1)


class Probout(nn.Module):
    """A random one of each group of channels in training, likelier the larger it is; their mean in evaluation.

    Maps ``[batch, pieces · units, ...]`` to ``[batch, units, ...]``, as ``Maxout``. In evaluation each unit takes its
    expected output, in one pass; to average predictions over samples instead, leave the module in training mode and
    average several passes. The paper makes dropout one more outcome of the draw; here put ``nn.Dropout`` after it.
    Raises ValueError for a negative inverse temperature.
    """

    def __init__(self, pieces: int, dim: int = 1, *, inverse_temperature: float = 1.0) -> None:
        super().__init__()
        check_pieces(pieces)
        if not inverse_temperature >= 0:
            raise ValueError(
                f"the inverse temperature of probout is 0 (any piece) or more (rather the largest); got "
                f"{inverse_temperature}"
            )
        self.pieces = pieces
        self.dim = dim
        self.inverse_temperature = inverse_temperature

    def forward(self, x: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        probout = sampled_probout if self.training else expected_probout
        return probout(x, self.pieces, self.dim, self.inverse_temperature)

    def extra_repr(self) -> str:
        return f"{self.pieces}, dim={self.dim}, inverse_temperature={self.inverse_temperature}"
