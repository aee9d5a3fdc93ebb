"""A lens of a battery: where it cannot read a model, it is left out and the others go on."""

from collections.abc import Mapping

from shinso.lens._lens import Lens, Need, Reading
from shinso.lens._step import Step


class Forgiving:
    """Reads as the lens does; one that fails the first time is left out, one that fails later misses that step.

    A battery is for any model, and a training must not end because of one that a lens is not for, nor a lens because
    of one batch that is too small. A lens that was asked for by name is not forgiven.
    """

    def __init__(self, lens: Lens) -> None:
        self._lens = lens
        self._has_read = False
        self.left_out: str | None = None
        """Why it reads nothing any more."""

    @property
    def name(self) -> str:
        """That of the lens."""
        return self._lens.name

    @property
    def needs(self) -> frozenset[Need]:
        """Those of the lens."""
        return self._lens.needs

    def read(self, step: Step) -> Mapping[str, Reading]:
        """What the lens reads; nothing where it cannot."""
        try:
            readings = self._lens.read(step)
        except Exception as error:
            if not self._has_read:
                self.left_out = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
            return {}
        self._has_read = True
        return readings
