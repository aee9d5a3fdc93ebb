"""The triplet loss (Schroff, Kalenichenko & Philbin, 2015, "FaceNet", arXiv 1503.03832; lecture 003 equation 53)."""

from jaxtyping import Float
from torch import Tensor, nn


def triplet_loss(
    anchor: Float[Tensor, "*batch features"],
    positive: Float[Tensor, "*batch features"],
    negative: Float[Tensor, "*batch features"],
    margin: float = 0.2,
) -> Float[Tensor, "*batch"]:
    """max(0, ‖a − p‖² − ‖a − n‖² + margin) of each triplet (section 3.1).

    The lecture leaves out the maximum with 0, without which the loss has no lower bound. torch's ``TripletMarginLoss``
    compares distances, not their squares.
    """
    to_positive = (anchor - positive).square().sum(-1)
    to_negative = (anchor - negative).square().sum(-1)
    return (to_positive - to_negative + margin).clamp(min=0)


class TripletLoss(nn.Module):
    """The mean of max(0, ‖a − p‖² − ‖a − n‖² + margin) over triplets: see ``triplet_loss``.

    The paper has rows of length 1: ``torch.nn.functional.normalize`` them first; 0.2 is its margin for such.
    """

    def __init__(self, margin: float = 0.2) -> None:
        super().__init__()
        self.margin = margin

    def forward(
        self,
        anchor: Float[Tensor, "*batch features"],
        positive: Float[Tensor, "*batch features"],
        negative: Float[Tensor, "*batch features"],
    ) -> Float[Tensor, ""]:
        return triplet_loss(anchor, positive, negative, self.margin).mean()

    def extra_repr(self) -> str:
        return f"margin={self.margin}"
