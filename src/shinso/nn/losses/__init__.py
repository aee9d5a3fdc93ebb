"""Losses: those of torch, and those whose papers define them otherwise than torch does.

As functions they return the loss of each example; as modules its mean, as torch's do.
"""

from torch import nn

from shinso.nn._part import Part
from shinso.nn.losses._contrastive import ContrastiveLoss, contrastive_loss
from shinso.nn.losses._hinge import HingeLoss, MulticlassHingeLoss, hinge_loss, multiclass_hinge_loss
from shinso.nn.losses._triplet import TripletLoss, triplet_loss

__all__ = [
    "PARTS",
    "ContrastiveLoss",
    "HingeLoss",
    "MulticlassHingeLoss",
    "TripletLoss",
    "contrastive_loss",
    "hinge_loss",
    "multiclass_hinge_loss",
    "triplet_loss",
]

PARTS: dict[str, Part] = {
    "squared_error": Part(nn.MSELoss, "loss", "lecture 004 equations 6.13 and 6.15"),
    "absolute_error": Part(nn.L1Loss, "loss", "lecture 004 equation 6.16"),
    "cross_entropy": Part(nn.CrossEntropyLoss, "loss", "lecture 003 equation 52; lecture 004 equation 6.12"),
    "binary_cross_entropy": Part(nn.BCEWithLogitsLoss, "loss", "lecture 004 section 6.2.2"),
    "hinge": Part(HingeLoss, "loss", "Cortes & Vapnik, 1995; lecture 003 figure 16"),
    "multiclass_hinge": Part(MulticlassHingeLoss, "loss", "Crammer & Singer, 2001; lecture 003 figure 16"),
    "multi_margin": Part(nn.MultiMarginLoss, "loss", "Weston & Watkins, 1999; lecture 003 figure 16"),
    "contrastive": Part(ContrastiveLoss, "loss", "Hadsell et al., 2006; lecture 003 figure 16"),
    "triplet": Part(TripletLoss, "loss", "Schroff et al., 2015; lecture 003 equation 53"),
    "triplet_of_distances": Part(nn.TripletMarginLoss, "loss", "Balntas et al., 2016; lecture 003 figure 16"),
}
