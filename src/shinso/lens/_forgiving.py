"""A lens of a battery: where its quantity is not defined for a model, it is left out and the others go on."""

from collections.abc import Mapping

from shinso.lens._lens import Lens, Need, Reading
from shinso.lens._step import Step


class Forgiving:
    """Reads as the lens does until that says, with a ValueError, that it cannot; from then on it reads nothing.

    A battery is for any model, and a training must not end because of one that a lens is not for. A lens that was
    asked for by name is not forgiven.
    """

    def __init__(self, lens: Lens) -> None:
        self._lens = lens
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
            return self._lens.read(step)
        except (ValueError, NotImplementedError) as error:
            self.left_out = str(error)
            return {}
