"""What the terminal shows while training goes on."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from shinso.training._loop import Counters


class Display(Protocol):
    """Told of progress now and then."""

    def update(self, counters: "Counters", progress: float, loss: float, learning_rate: float) -> None:
        """Some steps were done."""
        ...

    def epoch(self, counters: "Counters", metrics: Mapping[str, float]) -> None:
        """An epoch was done and validated."""
        ...


class Silence:
    """Shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def update(self, counters: "Counters", progress: float, loss: float, learning_rate: float) -> None:
        """Nothing."""

    def epoch(self, counters: "Counters", metrics: Mapping[str, float]) -> None:
        """Nothing."""


class Bar:
    """A bar with loss, learning rate and the last validation on a terminal; a line now and then elsewhere."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"))
        # No refreshing thread: a second Python thread slows the steps of the first.
        self._progress = Progress(
            *columns,
            TimeElapsedColumn(),
            TimeRemainingColumn(elapsed_when_finished=True),
            TextColumn("{task.fields[status]}"),
            console=Console(stderr=True),
            auto_refresh=False,
        )
        self._task = self._progress.add_task("training", total=1.0, status="")
        self._validation = ""

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.refresh()
        self._progress.stop()

    def update(self, counters: "Counters", progress: float, loss: float, learning_rate: float) -> None:
        """Redraws the bar."""
        self._show(
            completed=progress,
            description=f"epoch {counters.epoch + 1}, step {counters.step}",
            status=f"loss {loss:.4f}  rate {learning_rate:.2g}{self._validation}",
        )

    def epoch(self, counters: "Counters", metrics: Mapping[str, float]) -> None:
        """Remembers the validation for the lines to come."""
        figures = "  ".join(f"{name} {value:.4f}" for name, value in metrics.items())
        self._validation = f"  valid {figures}"

    def _show(self, **fields: Any) -> None:
        self._progress.update(self._task, **fields)
        self._progress.refresh()
