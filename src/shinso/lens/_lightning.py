"""Watching under a Lightning ``Trainer``."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shinso.lens._lens import Lens
from shinso.lens._probe import Loss
from shinso.lens._schedule import Schedule, Scheduled
from shinso.lens._watch import Watch, watch

if TYPE_CHECKING:
    from shinso.lens.catalogue import Battery


def lightning_callback(
    lenses: "Sequence[Lens | Scheduled] | Battery" = "light",
    to: str | Path | None = None,
    every: int | Schedule = 20,
    loss: Loss | None = None,
) -> Any:
    """A Lightning callback that watches each training batch; its ``watch`` holds the readings.

    Arguments are those of ``watch``. Watches the first optimizer. With a ``loss`` a batch is (inputs, targets). Raises
    ImportError without Lightning, and in training ValueError for a batch that is no such pair.
    """
    from lightning.pytorch import Callback

    class WatchCallback(Callback):
        """Opens a watch when training starts, and a step of it around each batch."""

        def __init__(self) -> None:
            self.watch: Watch | None = None
            self._step: AbstractContextManager[None] | None = None

        def on_train_start(self, trainer: Any, pl_module: Any) -> None:
            # Batches and not optimizer steps, of which there are fewer when gradients accumulate.
            done = trainer.fit_loop.total_batch_idx + 1
            kept = to if trainer.is_global_zero else None
            self.watch = watch(pl_module, trainer.optimizers[0], lenses, kept, every, done, loss)

        def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
            assert self.watch is not None
            self._step = self.watch.step(batch) if loss is None else self.watch.step(*_pair(batch))
            self._step.__enter__()

        def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
            self._end_step(None)

        def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
            self._end_step(exception)
            self._end()

        def on_train_end(self, trainer: Any, pl_module: Any) -> None:
            self._end()

        def _end_step(self, error: BaseException | None) -> None:
            step, self._step = self._step, None
            if step is None:
                return
            try:
                step.__exit__(type(error) if error else None, error, error.__traceback__ if error else None)
            except BaseException as raised:
                if raised is not error:
                    raise

        def _end(self) -> None:
            if self.watch is not None:
                self.watch.close()

    return WatchCallback()


def _pair(batch: Any) -> tuple[Any, Any]:
    """The inputs and targets of a batch."""
    if not isinstance(batch, tuple | list) or len(batch) != 2:
        what = f"a {type(batch).__name__}" + (f" of {len(batch)}" if isinstance(batch, tuple | list) else "")
        raise ValueError(
            f"lenses that run the model again need batches of two, (inputs, targets); got {what}: have the data loader "
            "give the pair, or leave the loss out and use lenses that need none"
        )
    return batch[0], batch[1]
