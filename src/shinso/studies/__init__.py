"""The claims of the lectures, executed: a study measures one claim and says whether it holds."""

from collections.abc import Callable, Mapping

from shinso.studies._interval import Interval, mean_difference, mean_interval
from shinso.studies._outcome import Outcome, Table, Verdict, claim_of
from shinso.studies._trials import Trained, Trial, trained
from shinso.studies.adversarial import adversarial
from shinso.studies.batch_norm_speed import batch_norm_speed
from shinso.studies.depth_degradation import depth_degradation
from shinso.studies.dropout import dropout
from shinso.studies.evidence import evidence
from shinso.studies.generalization_gap import generalization_gap
from shinso.studies.group_norm_batch_size import group_norm_batch_size
from shinso.studies.information_plane import information_plane
from shinso.studies.internal_covariate_shift import internal_covariate_shift
from shinso.studies.lazy_training import lazy_training
from shinso.studies.light_networks import light_networks
from shinso.studies.linear_regions import linear_regions
from shinso.studies.loss_smoothness import loss_smoothness
from shinso.studies.noise_scale import noise_scale
from shinso.studies.random_labels import random_labels
from shinso.studies.sharp_flat import sharp_flat
from shinso.studies.transposed_convolution import transposed_convolution
from shinso.studies.weight_decay import weight_decay
from shinso.studies.xor import xor

STUDIES: Mapping[str, Callable[..., Outcome]] = {
    "xor": xor,
    "batch-norm-speed": batch_norm_speed,
    "group-norm-batch-size": group_norm_batch_size,
    "dropout": dropout,
    "weight-decay": weight_decay,
    "depth-degradation": depth_degradation,
    "light-networks": light_networks,
    "transposed-convolution": transposed_convolution,
    "internal-covariate-shift": internal_covariate_shift,
    "loss-smoothness": loss_smoothness,
    "random-labels": random_labels,
    "generalization-gap": generalization_gap,
    "noise-scale": noise_scale,
    "evidence": evidence,
    "sharp-flat": sharp_flat,
    "information-plane": information_plane,
    "linear-regions": linear_regions,
    "lazy-training": lazy_training,
    "adversarial": adversarial,
}
"""By the name that ``shinso study`` knows; each is called with keyword arguments alone."""

__all__ = [
    "STUDIES",
    "Interval",
    "Outcome",
    "Table",
    "Trained",
    "Trial",
    "Verdict",
    "adversarial",
    "batch_norm_speed",
    "claim_of",
    "depth_degradation",
    "dropout",
    "evidence",
    "generalization_gap",
    "group_norm_batch_size",
    "information_plane",
    "internal_covariate_shift",
    "lazy_training",
    "light_networks",
    "linear_regions",
    "loss_smoothness",
    "mean_difference",
    "mean_interval",
    "noise_scale",
    "random_labels",
    "sharp_flat",
    "trained",
    "transposed_convolution",
    "weight_decay",
    "xor",
]
