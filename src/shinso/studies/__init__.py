"""The claims of the lectures, executed: a study measures one claim and says whether it holds."""

from collections.abc import Callable, Mapping

from shinso.studies._interval import Interval, mean_difference, mean_interval
from shinso.studies._outcome import Outcome, Table, Verdict, claim_of
from shinso.studies._trials import Trained, Trial, trained
from shinso.studies.batch_norm_speed import batch_norm_speed
from shinso.studies.depth_degradation import depth_degradation
from shinso.studies.dropout import dropout
from shinso.studies.group_norm_batch_size import group_norm_batch_size
from shinso.studies.light_networks import light_networks
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
    "batch_norm_speed",
    "claim_of",
    "depth_degradation",
    "dropout",
    "group_norm_batch_size",
    "light_networks",
    "mean_difference",
    "mean_interval",
    "trained",
    "transposed_convolution",
    "weight_decay",
    "xor",
]
