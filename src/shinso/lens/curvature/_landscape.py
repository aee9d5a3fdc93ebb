"""A lens on the loss along lines through the parameters."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from shinso.lens._lens import Need, Reading
from shinso.lens._step import Step
from shinso.lens.curvature._directions import filter_normalized, random_direction
from shinso.lens.curvature._loss_slice import loss_slice


@dataclass(frozen=True)
class Landscape:
    """Reads ``landscape/loss``: the loss along a random filter-normalised direction, by the distance from the model.

    Distance 1 changes each filter by as much as its own length. The direction is drawn from ``seed`` and is the same at
    all steps, up to the filters' lengths. A valley that becomes wider is a minimum that becomes flatter; walls that
    fold over are a landscape that is hard to descend.

    Do not take one line for the landscape; see ``loss_slice`` for what it cannot show.
    """

    distances: tuple[float, ...] = (-1.0, -0.75, -0.5, -0.25, -0.1, 0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
    seed: int = 0

    name: ClassVar[str] = "landscape"
    needs: ClassVar[frozenset[Need]] = frozenset({Need.PROBE})

    def read(self, step: Step) -> Mapping[str, Reading]:
        """The losses by distance."""
        direction = filter_normalized(step.probe, random_direction(step.probe, self.seed))
        found = loss_slice(step.probe, direction, self.distances)
        return {"landscape/loss": Reading(found.losses, tuple(f"{distance:g}" for distance in self.distances))}
