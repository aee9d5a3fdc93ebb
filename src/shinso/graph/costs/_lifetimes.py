"""Which storages are alive when, through one forward and one backward of a graph."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(eq=False)
class Storage:
    """A piece of memory."""

    nbytes: int
    given: bool = False
    """Whether it was there before: a parameter, buffer, input or constant."""


@dataclass
class Ledger:
    """Who holds which storages; memory is free when nobody does."""

    live_bytes: int = 0
    peak_bytes: int = 0
    _holders: Counter[Storage] = field(default_factory=Counter)

    def hold(self, storage: Storage) -> None:
        """One more holder."""
        if not self._holders[storage]:
            self.live_bytes += storage.nbytes
            self.during(0)
        self._holders[storage] += 1

    def release(self, storage: Storage) -> None:
        """One holder less."""
        self._holders[storage] -= 1
        if not self._holders[storage]:
            self.live_bytes -= storage.nbytes

    def holders(self, storage: Storage) -> int:
        """How many there are."""
        return self._holders[storage]

    def during(self, nbytes: int) -> None:
        """That many bytes more are taken for a while."""
        self.peak_bytes = max(self.peak_bytes, self.live_bytes + nbytes)
