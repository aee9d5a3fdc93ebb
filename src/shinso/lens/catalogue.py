"""All lenses by name, and the batteries that they make up by what looking costs."""

from collections.abc import Mapping
from typing import Literal

from shinso.lens import (
    adversarial,
    covariate_shift,
    curvature,
    features,
    generalization,
    information,
    per_sample,
    propagation,
    regions,
    sets,
    smoothness,
    tangent_kernel,
)
from shinso.lens._activation_health import ActivationHealth
from shinso.lens._entry import Cost, Entry
from shinso.lens._gradient_flow import GradientFlow
from shinso.lens._lens import FORWARD_PASS, Lens, Need
from shinso.lens._update_ratio import UpdateRatio

_ALWAYS_ON = {
    "gradient_flow": Entry(GradientFlow, Cost.LIGHT, "Hochreiter, 1991; lecture 004 section 6.5; lecture 001"),
    "activation_health": Entry(ActivationHealth, Cost.LIGHT, "lecture 004 section 6.3"),
    "update_ratio": Entry(UpdateRatio, Cost.LIGHT, "Stanford CS231n, Neural Networks 3"),
}

LENSES: Mapping[str, Entry] = {
    **_ALWAYS_ON,
    **sets.LENSES,
    **per_sample.LENSES,
    **covariate_shift.LENSES,
    **smoothness.LENSES,
    **propagation.LENSES,
    **curvature.LENSES,
    **generalization.LENSES,
    **information.LENSES,
    **regions.LENSES,
    **tangent_kernel.LENSES,
    **features.LENSES,
    **adversarial.LENSES,
}

Battery = Literal["light", "standard", "full"]
_HOLDS = {
    "light": {Cost.LIGHT},
    "standard": {Cost.LIGHT, Cost.STANDARD},
    "full": {Cost.LIGHT, Cost.STANDARD, Cost.FULL},
}


def battery(name: Battery, *, activations: bool = True) -> tuple[Lens, ...]:
    """The lenses of a battery; without those that see the forward pass where ``activations`` cannot be seen.

    >>> [lens.name for lens in battery("light")]
    ['gradient_flow', 'activation_health', 'update_ratio']
    """
    if name not in _HOLDS:
        raise ValueError(f"there is no battery {name!r}; there are: {', '.join(_HOLDS)}")
    lenses = (entry.make() for entry in LENSES.values() if entry.cost in _HOLDS[name])
    return tuple(lens for lens in lenses if activations or not lens.needs & FORWARD_PASS)


def without_training() -> dict[str, Entry]:
    """The lenses that say something of a network at rest."""
    return {
        name: entry
        for name, entry in LENSES.items()
        if entry.at_rest and Need.PARAMETERS_AFTER not in entry.make().needs
    }
