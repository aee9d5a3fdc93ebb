"""From a pack to a set: selected, divided, and decoded either once or batch by batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import torch

from shinso.data._assembly import assemble
from shinso.data._classes import classes_of_size, name_list
from shinso.data._dataset import BadData, DataSet
from shinso.data._image_decoding import decode_images
from shinso.data._mapped import Decode, Mapped
from shinso.data._pack import Pack
from shinso.data._selection import Selection, refuse_bad, select
from shinso.data._source import PARTS
from shinso.data._splitting import Parts, split_by_target


@dataclass(frozen=True)
class Division:
    """How examples that come in one part are divided."""

    valid_fraction: float
    test_fraction: float
    seed: int


def packed_set(
    pack: Pack, name: str, division: Division, bad_files: Literal["fail", "skip"], *, in_memory: bool
) -> DataSet:
    """The set of a pack's usable examples. Raises BadData when some are not usable and `bad_files` is `fail`."""
    selection = select(pack, name)
    if bad_files == "fail":
        refuse_bad(pack, selection, name)
    parts, alone = _divide(selection, division)
    notes = selection.notes
    if alone and bad_files == "fail":
        raise BadData(
            f"{name} has a single example of class {name_list(alone)}; expected at least two, so that one can go to "
            f"another part: add examples, remove it, or keep it for training with --bad-files skip"
        )
    if alone:
        notes += (f"classes with a single example, kept for training: {name_list(alone)}",)
    decode = _decoder(pack, selection.shape)
    targets = torch.from_numpy(selection.targets)
    splits = [Mapped(pack, selection.rows[part], targets[torch.from_numpy(part)], decode) for part in parts]
    train, valid, test = (split.in_memory() for split in splits) if in_memory else splits
    return assemble(
        train,
        valid,
        test,
        classes=selection.classes,
        normalize=True,
        seed=division.seed,
        source=name,
        left_out=selection.left_out,
        notes=notes,
    )


def _divide(selection: Selection, division: Division) -> tuple[Parts, list[str]]:
    """Positions of each part among the selected, and the classes that were too small to be divided.

    Given parts stay as they are; those that are missing are taken from the training examples.
    """
    given = Parts(*(np.flatnonzero(selection.parts == number) for number in range(len(PARTS))))
    valid_fraction = 0.0 if len(given.valid) else division.valid_fraction
    test_fraction = 0.0 if len(given.test) else division.test_fraction
    pool = given.train
    taken = split_by_target(selection.targets[pool], valid_fraction, test_fraction, division.seed)
    alone = []
    if selection.classes is not None and (valid_fraction or test_fraction):
        alone = classes_of_size(1, torch.from_numpy(selection.targets[pool]), selection.classes)
    valid = given.valid if len(given.valid) else pool[taken.valid]
    test = given.test if len(given.test) else pool[taken.test]
    return Parts(pool[taken.train], valid, test), alone


def _decoder(pack: Pack, shape: tuple[int, ...]) -> Decode:
    if pack.about.shape is None:
        channels, height, width = shape
        return partial(decode_images, shape=(channels, height, width))
    return partial(_as_rows, shape=shape, dtype=np.dtype(pack.about.dtype))


def _as_rows(payloads: Sequence[bytes], shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> np.ndarray:
    """Payloads that are the examples themselves."""
    return np.frombuffer(bytearray().join(payloads), dtype).reshape(len(payloads), *shape)
