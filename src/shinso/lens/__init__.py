"""Looking inside: a watch on any training loop, and the lenses it looks through."""

from shinso.lens._activation_health import ActivationHealth
from shinso.lens._gradient_flow import GradientFlow
from shinso.lens._inspect import inspect
from shinso.lens._instruments import light
from shinso.lens._lens import Lens, Need, Reading
from shinso.lens._lightning import lightning_callback
from shinso.lens._probe import Loss, Probe
from shinso.lens._schedule import Schedule, Scheduled, at, every, log_spaced
from shinso.lens._step import Step
from shinso.lens._update_ratio import UpdateRatio
from shinso.lens._watch import Watch, watch

__all__ = [
    "ActivationHealth",
    "GradientFlow",
    "Lens",
    "Loss",
    "Need",
    "Probe",
    "Reading",
    "Schedule",
    "Scheduled",
    "Step",
    "UpdateRatio",
    "Watch",
    "at",
    "every",
    "inspect",
    "light",
    "lightning_callback",
    "log_spaced",
    "watch",
]
