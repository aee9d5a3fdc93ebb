"""What a lens is: a name, what it needs to see, and a function from a step to named readings."""

from collections.abc import Mapping
from enum import Enum, auto
from typing import TYPE_CHECKING, NamedTuple, Protocol

from jaxtyping import Shaped
from torch import Tensor

if TYPE_CHECKING:
    from shinso.lens._step import Step


class Need(Enum):
    """What a lens may ask to see of a step; what none of the lenses due needs is not computed."""

    ACTIVATIONS = auto()
    """Copies of all layers' outputs: as much memory again as the activations take."""
    UNIT_STATISTICS = auto()
    """Moments and dead and saturated fractions of each unit, reduced as soon as a layer's output is there."""
    EXAMPLE_SUMS = auto()
    """Norms and inner products of each example's gradient, reduced as soon as a layer's gradients are there."""
    EXAMPLE_ENTRIES = auto()
    """A few thousand random entries of the examples' gradients."""
    OUTPUTS = auto()
    """What the model returned."""
    GRADIENTS = auto()
    """The parameters' gradients as the optimizer found them."""
    PARAMETERS_BEFORE = auto()
    """Copies of the parameters from before the optimizer moved them."""
    PARAMETERS_AFTER = auto()
    """The parameters after the optimizer moved them."""
    PROBE = auto()
    """The model, its batch and its loss, to be run again."""


CALLS = frozenset({Need.EXAMPLE_SUMS, Need.EXAMPLE_ENTRIES, Need.OUTPUTS})
"""What is seen of the calls that a model makes, and of the gradients that come back to them."""
FORWARD_PASS = frozenset({Need.ACTIVATIONS, Need.UNIT_STATISTICS}) | CALLS
"""What is seen while the model runs."""


class Reading(NamedTuple):
    """What a lens read: a number or an array; ``labels`` name the entries of its first axis, such as layers."""

    values: Shaped[Tensor, "..."]
    labels: tuple[str, ...] = ()


class Lens(Protocol):
    """Anything with these three members is a lens; there is nothing to inherit from.

    A lens is read as soon as all it needs is there. It must not change what it sees.
    """

    @property
    def name(self) -> str:
        """How error messages call it; two lenses of one watch have two names."""

    @property
    def needs(self) -> frozenset[Need]:
        """What it reads from the step; anything else the step refuses to give."""

    def read(self, step: "Step") -> Mapping[str, Reading]:
        """Readings by the name under which they are recorded."""
