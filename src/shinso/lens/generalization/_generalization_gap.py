"""The generalisation gap over time: how much worse new examples fare than those trained on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from shinso.lens._eval_mode import in_eval_mode
from shinso.lens._lens import Need, Reading
from shinso.lens._probe import Probe
from shinso.lens._step import Step
from shinso.lens.generalization._examples import count_classes
from shinso.record import Readings


@dataclass(frozen=True, eq=False)
class GapCurve:
    """Losses of training and held-out examples, and their difference, at the steps where the latter were tested."""

    steps: Int[np.ndarray, " tests"]
    train: Float[np.ndarray, " tests"]
    held_out: Float[np.ndarray, " tests"]

    @property
    def gap(self) -> Float[np.ndarray, " tests"]:
        """Held-out minus training: positive where new examples fare worse."""
        difference: np.ndarray = self.held_out - self.train
        return difference


def generalization_gap(train: Readings, held_out: Readings) -> GapCurve:
    """The gap of a finished run: ``generalization_gap(run.readings("train/loss"), run.readings("valid/loss"))``.

    The training loss at a test is the mean over the steps since the test before. Do not trust it early, while the loss
    falls within an epoch (the mean lags behind, and the gap looks too small, even negative), nor where training makes
    examples harder than tests do (augmentation, mixup, dropout, label smoothing): the lens ``GeneralizationGap``
    treats both alike.

    Raises ValueError for series that are not losses by step, or a test with no training step before it.

    Source: lecture 003 §2.1 (eq. 23, first term) and §2.4, fig. 11.
    """
    if train.values.ndim != 1 or held_out.values.ndim != 1 or not len(held_out.steps):
        raise ValueError(
            f"expected two series of numbers by step; got values of shape {train.values.shape} and "
            f"{held_out.values.shape}"
        )
    ends = np.searchsorted(train.steps, held_out.steps, side="right")
    starts = np.concatenate([[0], ends[:-1]])
    if (empty := np.flatnonzero(starts == ends)).size:
        raise ValueError(f"no training loss was read before the test at step {held_out.steps[empty[0]]}")
    means = [train.values[start:end].mean() for start, end in zip(starts, ends, strict=True)]
    return GapCurve(held_out.steps, np.array(means), held_out.values)


@dataclass(frozen=True, eq=False)
class GeneralizationGap:
    """Reads loss and accuracy of the batch and of held-out examples, both in eval mode, and their differences.

    ``gap/loss`` is held-out minus batch, ``gap/accuracy`` batch minus held-out: positive where new examples fare worse.
    Beside them ``gap/train_loss``, ``gap/held_out_loss`` and, where targets are classes, the accuracies.

    A gap is no verdict: a network that has learned nothing has none. Do not trust it for one small batch (it is a
    difference of two noisy means), nor when the batch was just trained on, which favours it; batch normalisation is as
    of its running statistics, which lag behind early in training. The held-out examples have to be on the model's
    device, prepared as the batches are.

    Source: lecture 003 §2.1 eq. 23 (first term).
    """

    inputs: Any
    targets: Any

    name = "generalization_gap"
    needs = frozenset({Need.PROBE})

    def read(self, step: Step) -> Mapping[str, Reading]:
        """Losses, and accuracies where there are any."""
        with in_eval_mode(step.probe.model), torch.no_grad():
            here, there = _scores(step.probe), _scores(step.probe.on(self.inputs, self.targets))
        named = {f"gap/train_{name}": value for name, value in here.items()}
        named |= {f"gap/held_out_{name}": value for name, value in there.items()}
        named["gap/loss"] = there["loss"] - here["loss"]
        if "accuracy" in here and "accuracy" in there:
            named["gap/accuracy"] = here["accuracy"] - there["accuracy"]
        return {name: Reading(value) for name, value in named.items()}


def _scores(probe: Probe) -> dict[str, Tensor]:
    scores = {"loss": probe.loss()}
    outputs = probe.outputs()
    if count_classes(outputs, probe.targets) is not None:
        scores["accuracy"] = (outputs.argmax(1) == probe.targets).to(scores["loss"]).mean()
    return scores
