"""What a training writes down as it goes: losses, then checkpoints that never hold anything worse than what they
replace.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from shinso import checkpoint
from shinso.run import Run, writing
from shinso.training._processes import Processes


class TrainingDiverged(RuntimeError):
    """The loss or the weights are no longer finite."""


class Journal:
    """Gathers the losses of steps on the device, and writes them, and checkpoints, when told."""

    def __init__(self, run: Run, processes: Processes) -> None:
        self.run = run
        self.last_loss = float("nan")
        self._processes = processes
        self._losses: list[Tensor] = []
        self._first_step = 1

    def note(self, step: int, loss: Tensor) -> None:
        """Keep the loss of a step, without waiting for it."""
        if not self._losses:
            self._first_step = step
        self._losses.append(loss)

    def write(self) -> None:
        """Write the losses noted so far; raises TrainingDiverged if one is not finite. All processes together."""
        if self._losses:
            # The mean over processes: a batch is divided equally, so it is the mean over the batch.
            losses = self._processes.mean(torch.stack(self._losses).float()).cpu().numpy()
            self._losses.clear()
            self.last_loss = float(losses[-1])
            steps = range(self._first_step, self._first_step + len(losses))
            with writing(self.run.path):
                self.run.record.series("train/loss", steps, losses.tolist())
            self._check(losses)
        with writing(self.run.path):
            self.run.record.commit()

    def save(
        self, step: int, weights: dict[str, Tensor], best: dict[str, Tensor] | None, state: dict[str, Any]
    ) -> None:
        """Write a checkpoint (the first process alone), after everything that was noted."""
        self.write()
        broken = [name for name, value in weights.items() if value.is_floating_point() and not value.isfinite().all()]
        if broken:
            self._diverged(f"{broken[0]} is no longer finite after step {step}")
        if self._processes.is_first:
            with writing(self.run.path):
                checkpoint.save(self.run.checkpoints, step, weights, best, state)

    def _check(self, losses: np.ndarray) -> None:
        bad = np.flatnonzero(~np.isfinite(losses))
        if len(bad):
            self._diverged(f"the loss became {losses[bad[0]]} at step {self._first_step + bad[0]}")

    def _diverged(self, what: str) -> None:
        kept = checkpoint.latest(self.run.checkpoints)
        where = f"the checkpoint of step {kept.step}" if kept else "no checkpoint yet"
        raise TrainingDiverged(
            f"{what}. All readings and {where} are kept in {self.run.path}. Try a lower --optimizer.learning-rate, "
            f"--clip-norm 1, or a longer --schedule.warmup; if it happens at once, look at the data"
        )


def first_filters(model: nn.Module) -> np.ndarray | None:
    """The weights of the first two-dimensional convolution, None without one."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            weight = module.weight.detach()
            return (weight.full_tensor() if hasattr(weight, "full_tensor") else weight).float().cpu().numpy()
    return None
