"""Hinge losses, of two classes and of several (lecture 003 figure 16)."""

import torch
from jaxtyping import Float, Int64, Num
from torch import Tensor, nn


def hinge_loss(
    scores: Float[Tensor, "*shape"], targets: Num[Tensor, "*shape"], margin: float = 1.0
) -> Float[Tensor, "*shape"]:
    """max(0, margin − y·score) of each score, with targets y of −1 and 1 (Cortes & Vapnik, 1995).

    0, without gradient, where the answer is right by the margin. torch's ``HingeEmbeddingLoss`` is another loss.
    """
    return (margin - targets * scores).clamp(min=0)


def multiclass_hinge_loss(
    scores: Float[Tensor, "batch classes"], targets: Int64[Tensor, " batch"], margin: float = 1.0
) -> Float[Tensor, " batch"]:
    """max(0, margin + max_{j≠y} score_j − score_y) of each example (Crammer & Singer, 2001).

    Only the strongest wrong class counts; torch's ``MultiMarginLoss`` adds up all, over their number (Weston & Watkins,
    1999). Raises ValueError for fewer than two classes.
    """
    if scores.shape[1] < 2:
        raise ValueError(
            f"a multi-class hinge loss compares 2 or more classes; got {scores.shape[1]}: for one score per example "
            f"take hinge_loss"
        )
    right = targets.unsqueeze(1)
    strongest_wrong = scores.scatter(1, right, -torch.inf).amax(1)
    return (margin + strongest_wrong - scores.gather(1, right).squeeze(1)).clamp(min=0)


class HingeLoss(nn.Module):
    """The mean of max(0, margin − y·score), with targets y of −1 and 1: see ``hinge_loss``."""

    def __init__(self, margin: float = 1.0) -> None:
        super().__init__()
        self.margin = margin

    def forward(self, scores: Float[Tensor, "*shape"], targets: Num[Tensor, "*shape"]) -> Float[Tensor, ""]:
        return hinge_loss(scores, targets, self.margin).mean()

    def extra_repr(self) -> str:
        return f"margin={self.margin}"


class MulticlassHingeLoss(nn.Module):
    """The mean of max(0, margin + max_{j≠y} score_j − score_y): see ``multiclass_hinge_loss``."""

    def __init__(self, margin: float = 1.0) -> None:
        super().__init__()
        self.margin = margin

    def forward(self, scores: Float[Tensor, "batch classes"], targets: Int64[Tensor, " batch"]) -> Float[Tensor, ""]:
        return multiclass_hinge_loss(scores, targets, self.margin).mean()

    def extra_repr(self) -> str:
        return f"margin={self.margin}"
