"""The lenses that are cheap enough to be always on."""

from shinso.lens._activation_health import ActivationHealth
from shinso.lens._gradient_flow import GradientFlow
from shinso.lens._lens import Lens
from shinso.lens._update_ratio import UpdateRatio


def light() -> tuple[Lens, ...]:
    """Gradient flow, activation health and update ratio.

    >>> [lens.name for lens in light()]
    ['gradient_flow', 'activation_health', 'update_ratio']
    """
    return GradientFlow(), ActivationHealth(), UpdateRatio()
