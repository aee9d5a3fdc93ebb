"""Sets from tensors, arrays and torch datasets, and what is refused in them."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from shinso.data import BadData, DataSet, InMemory, Split, from_arrays, from_dataset

INPUTS = torch.arange(120.0).reshape(30, 4)
LABELS = torch.arange(30) % 3


class Pairs(Dataset[Any]):
    """A torch dataset of given examples that counts how often it is asked."""

    def __init__(self, inputs: Any, targets: Any) -> None:
        self.inputs, self.targets_of_mine, self.asked = inputs, targets, 0

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        self.asked += 1
        return self.inputs[index], self.targets_of_mine[index]


def from_pairs(inputs: Any, targets: Any, **options: Any) -> DataSet:
    return from_dataset(Pairs(inputs, targets), **options)


both = pytest.mark.parametrize("make", [from_arrays, from_pairs])


def rows(part: Split) -> tuple[Tensor, Tensor]:
    return part.fetch(torch.arange(len(part)))


@both
def test_examples_keep_their_targets(make: Any) -> None:
    data = make(INPUTS, LABELS)
    assert (len(data.train), len(data.valid), len(data.test)) == (21, 3, 6)
    found = [rows(part) for part in (data.train, data.valid, data.test)]
    inputs, labels = (torch.cat(tensors) for tensors in zip(*found, strict=True))
    order = inputs[:, 0].argsort()
    assert torch.equal(inputs[order], INPUTS)
    assert torch.equal(labels[order], LABELS)


def test_arrays_and_datasets_are_divided_alike() -> None:
    first, second = from_arrays(INPUTS, LABELS, seed=3), from_pairs(INPUTS, LABELS, seed=3)
    for name in ("train", "valid", "test"):
        a, b = getattr(first, name), getattr(second, name)
        assert torch.equal(a.targets, b.targets)
        assert torch.equal(rows(a)[0], rows(b)[0])


@both
def test_fetch_gathers_in_the_order_of_the_index(make: Any) -> None:
    part = make(INPUTS, LABELS, valid_fraction=0.0, test_fraction=0.0).train
    assert isinstance(part, Split)
    index = torch.tensor([7, 0, 7, 29])
    inputs, targets = part.fetch(index)
    assert torch.equal(inputs, INPUTS[index])
    assert torch.equal(targets, LABELS[index])
    inputs, targets = part.fetch(index[:0])
    assert inputs.shape == (0, 4)
    assert len(targets) == 0


@both
def test_floats_are_taken_as_they_are_and_bytes_are_normalised(make: Any) -> None:
    data = make(INPUTS, LABELS)
    assert (data.mean == 0).all()
    assert (data.std == 1).all()
    training = rows(data.train)[0].double()
    assert make(INPUTS, LABELS, normalize=True).mean.tolist() == pytest.approx(training.mean(0).tolist())
    images = torch.randint(0, 256, (30, 3, 4, 4), dtype=torch.uint8)
    assert (make(images, LABELS).mean > 0).all()
    assert (make(images, LABELS, normalize=False).mean == 0).all()


@both
def test_floating_targets_are_regressed(make: Any) -> None:
    data = make(INPUTS, INPUTS[:, :2])
    assert data.classes is None
    assert data.train.targets.shape == (21, 2)
    assert make(INPUTS, INPUTS[:, 0]).train.targets.shape == (21, 1)


def test_numpy_arrays_of_any_number_type() -> None:
    data = from_arrays(INPUTS.numpy().astype(np.float64), LABELS.numpy().astype(np.int16))
    assert isinstance(data.train, InMemory)
    assert data.train.inputs.dtype == torch.float32
    assert data.train.targets.dtype == torch.int64


def test_pillow_images_become_channels_first() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 5, 4, 3), dtype=np.uint8)
    for shown in (pixels, pixels[..., 0]):
        data = from_pairs([Image.fromarray(image) for image in shown], [0, 1] * 3, valid_fraction=0, test_fraction=0)
        expected = shown.transpose(0, 3, 1, 2) if shown.ndim == 4 else shown[:, None]
        assert np.array_equal(rows(data.train)[0].numpy(), expected)


def test_a_dataset_makes_each_example_anew() -> None:
    pairs = Pairs(INPUTS, LABELS)
    data = from_dataset(pairs, valid_fraction=0.0, test_fraction=0.0)
    before = pairs.asked
    data.train.fetch(torch.tensor([3, 4]))
    assert pairs.asked == before + 2
    pairs.inputs = INPUTS + 1
    assert torch.equal(data.train.fetch(torch.tensor([3]))[0], INPUTS[3:4] + 1)


def test_given_parts_are_used_as_they_are() -> None:
    data = from_arrays(INPUTS, LABELS, test=(INPUTS[:4], LABELS[:4]), valid_fraction=0.1)
    assert (len(data.train), len(data.valid), len(data.test)) == (27, 3, 4)
    assert torch.equal(rows(data.test)[0], INPUTS[:4])
    data = from_dataset(Pairs(INPUTS, LABELS), test=Pairs(INPUTS[:4], LABELS[:4]), valid_fraction=0.1)
    assert (len(data.train), len(data.valid), len(data.test)) == (27, 3, 4)


@both
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_values_that_are_not_finite(make: Any, bad: float) -> None:
    inputs, targets = INPUTS.clone(), INPUTS[:, :1].clone()
    inputs[5, 2] = bad
    with pytest.raises(BadData, match=r"training .*NaN or infinite values"):
        make(inputs, LABELS)
    targets[6] = bad
    with pytest.raises(BadData, match=r"training .*NaN or infinite values"):
        make(INPUTS, targets)


@both
def test_labels_outside_the_range(make: Any) -> None:
    labels = LABELS.clone()
    labels[4] = 3
    with pytest.raises(BadData, match=r"training label 3 of example 4 is outside 0\.\.2 \(1 such labels\)"):
        make(INPUTS, labels, classes=["a", "b", "c"])
    labels[4] = -1
    with pytest.raises(BadData, match=r"training label -1 of example 4 is outside 0\.\.2"):
        make(INPUTS, labels)


@both
def test_empty_and_single_classes(make: Any) -> None:
    with pytest.raises(BadData, match=r"no training example is of class '1'; number the classes from 0 without gaps"):
        make(INPUTS, (LABELS % 2) * 2)
    with pytest.raises(BadData, match=r"no training example is of class 'd'"):
        make(INPUTS, LABELS, classes=["a", "b", "c", "d"])
    labels = LABELS.clone()
    labels[0] = 3
    with pytest.raises(BadData, match=r"a single example is of class '3'; expected at least two"):
        make(INPUTS, labels)
    make(INPUTS, labels, valid_fraction=0.0, test_fraction=0.0)


@both
def test_names_for_quantities_are_refused(make: Any) -> None:
    with pytest.raises(BadData, match=r"classes \('a',\) given, but the targets are torch.float32; expected integer"):
        make(INPUTS, INPUTS[:, 0], classes=["a"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((INPUTS, LABELS[:-1]), "training inputs and targets differ in length: 30 and 29"),
        ((INPUTS[:, 0], LABELS), r"training inputs have shape \(30,\); expected \[examples, features\]"),
        ((INPUTS, LABELS[:, None]), r"training labels have shape \(30, 1\); expected \[examples\]"),
        ((INPUTS[:0], LABELS[:0]), "leaves no examples to train on"),
    ],
)
def test_arrays_that_do_not_fit(arguments: tuple[Tensor, Tensor], message: str) -> None:
    with pytest.raises(BadData, match=message):
        from_arrays(*arguments)


def test_a_test_part_of_another_shape() -> None:
    with pytest.raises(BadData, match=r"test inputs are torch.float32 \(3,\); expected torch.float32 \(4,\)"):
        from_arrays(INPUTS, LABELS, test=(INPUTS[:, :3], LABELS))
    with pytest.raises(BadData, match=r"test example 0 is torch.float32 \(3,\); expected torch.float32 \(4,\)"):
        from_dataset(Pairs(INPUTS, LABELS), test=Pairs(INPUTS[:, :3], LABELS))


def test_datasets_that_do_not_fit() -> None:
    with pytest.raises(BadData, match=r"training example 1 is torch.float32 \(3,\); expected torch.float32 \(4,\)"):
        from_pairs([INPUTS[0], INPUTS[1, :3]], [0, 1])
    with pytest.raises(BadData, match=r"training example 0 is a Tensor; expected a pair \(input, target\)"):
        from_dataset([torch.zeros(3)])
    with pytest.raises(BadData, match=r"the training dataset is empty"):
        from_dataset([])


@both
def test_the_summary_is_json(make: Any) -> None:
    summary = json.loads(json.dumps(make(INPUTS, LABELS, classes=["a", "b", "c"]).summary()))
    assert summary["source"] == "python"
    assert summary["examples"] == {"train": 21, "valid": 3, "test": 6}
    assert summary["examples_by_class"]["train"] == {"a": 7, "b": 7, "c": 7}
    assert summary["input_shape"] == [4]
    assert summary["left_out"] == {"count": 0, "examples": []}
    assert make(INPUTS, INPUTS[:, 0]).summary()["examples_by_class"] is None


@both
def test_to_moves_what_is_fetched(make: Any) -> None:
    part = make(INPUTS, LABELS).train.to("meta")
    inputs, targets = part.fetch(torch.tensor([0], device="cpu" if make is from_pairs else "meta"))
    assert inputs.device.type == targets.device.type == "meta"


@both
def test_test_targets_of_another_kind(make: Any) -> None:
    test = (INPUTS[:4], INPUTS[:4, 0])
    with pytest.raises(
        BadData, match=r"test targets are torch.float32 \(1,\); expected torch.int64 \(\) as in the training"
    ):
        make(INPUTS, LABELS, test=test if make is from_arrays else Pairs(*test))


@both
def test_arrays_that_may_only_be_read(make: Any) -> None:
    inputs, labels = INPUTS.numpy().copy(), LABELS.numpy().copy()
    inputs.flags.writeable = labels.flags.writeable = False
    part = make(inputs, labels, valid_fraction=0.0, test_fraction=0.0).train
    assert torch.equal(rows(part)[0], INPUTS)
    assert torch.equal(part.targets, LABELS)


def test_data_frames_are_taken_as_the_numbers_they_hold() -> None:
    values = np.random.default_rng(0).normal(size=(20, 3))
    by_frame = from_arrays(pd.DataFrame(values), pd.Series(values[:, 0]))  # type: ignore[arg-type]
    by_array = from_arrays(values, values[:, 0])
    assert torch.equal(by_frame.train.fetch(torch.arange(5))[0], by_array.train.fetch(torch.arange(5))[0])


def test_text_is_refused_with_what_to_do() -> None:
    frame = pd.DataFrame({"city": ["Kyoto", "Osaka"] * 5})
    with pytest.raises(BadData, match=r"hold numbers here; got object such as 'Kyoto': number the classes .* or write"):
        from_arrays(frame, np.arange(10.0))  # type: ignore[arg-type]
