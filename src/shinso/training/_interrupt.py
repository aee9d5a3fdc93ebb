"""Ctrl-C and SIGTERM as a request: training stops after the current step, with a checkpoint."""

import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any, Self

_SECONDS_OF_ONE_REQUEST = 1.0


class Interrupted(KeyboardInterrupt):
    """Training was asked to stop, and did so in order; ``signal_number`` says by what."""

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.signal_number = signal_number


class StopRequest:
    """Notes the first SIGINT or SIGTERM while it is entered; another one a second later takes effect at once.

    One that follows sooner is the same request: torchrun passes on what the terminal has sent to every process.
    Python delivers signals to the main thread alone: in another thread this notes nothing.
    """

    def __init__(self) -> None:
        self.signal_number = 0
        self._noted = 0.0
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()

    def _note(self, number: int, frame: FrameType | None) -> None:
        if not self.signal_number:
            self.signal_number, self._noted = number, time.monotonic()
        elif time.monotonic() - self._noted > _SECONDS_OF_ONE_REQUEST:
            self._restore()
            signal.raise_signal(number)

    def _restore(self) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous.clear()
