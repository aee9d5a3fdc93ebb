"""A trained network on a labelled reference and on current examples, as ``shinso.shift.examine`` takes them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from shinso.data import BadData, DataSet, Split, load, load_inputs
from shinso.data._named_source import features_of
from shinso.recipe import Recipe
from shinso.run import load_run
from shinso.shift.detection import shared_rows
from shinso.training._classification import Classification
from shinso.training._regression import Regression
from shinso.training._shift_sample import Sample, sample
from shinso.training._shift_weights import check_shape
from shinso.training._sources import Prepare
from shinso.training._specimen import trained_parts

_AT_ONCE = 256
_MOST_TRAINED = 5_000
"""Examples of the training part, drawn at random, that the reference's are compared with."""


@dataclass(frozen=True)
class Seen:
    """Examples and what a network makes of them."""

    features: Float[np.ndarray, "examples features"]
    """The inputs of the last linear layer; those of the network if it has none."""
    predictions: Float[np.ndarray, "examples *classes"]
    """Probabilities of classes, or numbers in the targets' units."""
    inputs: Float[np.ndarray, "examples numbers"] | None
    """The raw inputs of a table."""
    targets: Shaped[np.ndarray, " examples"]
    places: Int[np.ndarray, " examples"]
    """Where among the source's usable examples they are."""


@dataclass(frozen=True)
class ShiftSubject:
    """Both sides, and the names of a table's features."""

    reference: Seen
    current: Seen
    names: tuple[str, ...]
    notes: tuple[str, ...]
    """What a reader of a comparison has to know of the examples."""
    doubt: str
    """Why the reference does not show what the network does on what it has not seen, or ""."""

    def tables(self) -> tuple[Mapping[str, np.ndarray], Mapping[str, np.ndarray]]:
        """What is compared, by name: the columns of a table, or else the network's features."""
        return self._columns(self.reference), self._columns(self.current)

    def _columns(self, side: Seen) -> dict[str, Float[np.ndarray, " examples"]]:
        if side.inputs is not None:
            return dict(zip(self.names, side.inputs.T, strict=True))
        return {f"feature {number}": column for number, column in enumerate(side.features.T, 1)}


def shift_subject(
    run: str | Path, reference: str, current: str, *, bad_files: Literal["fail", "skip"] = "fail"
) -> ShiftSubject:
    """The network of a run on both, at most 10,000 random examples of each.

    Of the data that the run was trained on, however their path is written, only its test part is the reference; copies
    of training examples in other data are counted in ``doubt``.
    Examples that cannot be used are left out with ``bad_files="skip"``, or if the run did so. Raises RunError for a run
    that was given its network or data from Python, and BadData where examples or classes are not of the run's kind.
    """
    made, data, _ = trained_parts(run)
    recipe = load_run(run).recipe
    recipe = replace(recipe, bad_files="skip") if bad_files == "skip" else recipe
    known, notes = _reference(recipe, data, reference)
    shifted = _inputs(recipe, current)
    for side in (known, shifted):
        check_shape(data, side.split)
    names = tuple(features_of(recipe.data, recipe.target, recipe.image_size) or ()) if not data.is_image else ()
    names = names or tuple(f"x{place}" for place in range(data.input_shape[0]))
    look = _Look(made.model.eval(), made.task, data)
    doubt = "" if notes else _trained_on(data.train, known)
    return ShiftSubject(look(known), look(shifted), names, (*notes, *known.notes, *shifted.notes), doubt)


def _reference(recipe: Recipe, data: DataSet, source: str) -> tuple[Sample, tuple[str, ...]]:
    if _place(source) == _place(recipe.data):
        part = next((part for part in (data.test, data.valid) if len(part)), None)
        if part is None:
            raise BadData(f"the run kept no examples of {source} apart from training: give another labelled reference")
        return sample(source, data, part, 0), ("the reference is the part that the network was not trained on",)
    other = load(
        source,
        target=recipe.target,
        valid_fraction=0.0,
        test_fraction=0.0,
        bad_files=recipe.bad_files,
        image_size=recipe.image_size,
    )
    if other.classes != data.classes:
        raise BadData(
            f"{source} has the classes {', '.join(other.classes or ('(numbers)',))[:200]}; the network knows "
            f"{', '.join(data.classes or ('(numbers)',))[:200]}: use a reference with the same ones"
        )
    return sample(source, other, other.train, 0), ()


def _trained_on(train: Split, known: Sample) -> str:
    """What is wrong where reference examples, under whatever name, equal some that the network was trained on."""
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(0))
    count = shared_rows(_digests(train, order[:_MOST_TRAINED].sort().values), _digests(known.split, known.places))
    if not count:
        return ""
    return (
        f"{count:,} of {len(known.places):,} reference examples equal some that the network was trained on, and on "
        "those it does better than on new ones"
    )


def _digests(split: Split, places: Int[Tensor, " chosen"]) -> Float[np.ndarray, "chosen 1"]:
    """One number for what an example holds."""
    parts = (split.fetch(part)[0].flatten(1).cpu().numpy() for part in torch.split(places, _AT_ONCE))
    return np.array([[float(hash(example.tobytes()))] for part in parts for example in part])


def _place(source: str) -> tuple[str, Path]:
    """The kind of a source, and its path in the one way to write it."""
    kind, _, path = source.partition(":")
    return kind, Path(path).expanduser().resolve()


def _inputs(recipe: Recipe, source: str) -> Sample:
    found = load_inputs(
        source, like=recipe.data, target=recipe.target, bad_files=recipe.bad_files, image_size=recipe.image_size
    )
    return sample(source, found, found.train, 0)


class _Look:
    """Runs a network on examples."""

    def __init__(self, model: nn.Module, task: Any, data: DataSet) -> None:
        self._model, self._task, self._data = model, task, data
        self._device = next(model.parameters()).device
        convolutional = any(isinstance(module, nn.Conv2d) for module in model.modules())
        self._prepare = Prepare.like(data, self._device, convolutional)
        self._last = [module for module in model.modules() if isinstance(module, nn.Linear)][-1:]

    @torch.no_grad()
    def __call__(self, chosen: Sample) -> Seen:
        features, predictions, targets, raws = [], [], [], []
        for part in torch.split(chosen.places, _AT_ONCE):
            raw, labels = chosen.split.fetch(part)
            found, outputs = self._run(self._prepare(raw.to(self._device)))
            features.append(found.flatten(1).double().cpu())
            predictions.append(self._predicted(outputs).double().cpu())
            targets.append(labels.cpu())
            raws.append(raw.flatten(1).double().cpu())
        labels = torch.cat(targets)
        flat = labels if labels.dim() == 1 else labels[:, 0].double()
        inputs = None if self._data.is_image else torch.cat(raws).numpy()
        return Seen(
            torch.cat(features).numpy(), torch.cat(predictions).numpy(), inputs, flat.numpy(), chosen.places.numpy()
        )

    def _run(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        seen: list[Tensor] = []
        handles = [layer.register_forward_pre_hook(lambda _, given: seen.append(given[0])) for layer in self._last]
        try:
            outputs = self._model(inputs)
        finally:
            for handle in handles:
                handle.remove()
        return (seen[-1] if seen and len(seen[-1]) == len(inputs) else inputs), outputs

    def _predicted(self, outputs: Tensor) -> Tensor:
        if isinstance(self._task, Classification):
            return outputs.float().softmax(1)
        assert isinstance(self._task, Regression)  # the tasks that a recipe can name
        return (outputs.float() * self._task.std.to(outputs.device) + self._task.mean.to(outputs.device))[:, 0]
