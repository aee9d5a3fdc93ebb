"""NumPy archives against the arrays they were written from; nothing in them is ever unpickled."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from shinso.data import BadData, load, load_inputs

RANDOM = np.random.default_rng(0)
PIXELS = RANDOM.integers(0, 256, (30, 8, 6, 3), dtype=np.uint8)
VALUES = RANDOM.normal(size=(30, 4))
LABELS = np.arange(30) % 3


def save(folder: Path, **arrays: Any) -> str:
    np.savez_compressed(folder / "set.npz", **arrays)
    return f"npz:{folder / 'set.npz'}"


def whole(source: str) -> tuple[np.ndarray, np.ndarray]:
    """All examples in order."""
    data = load(source, valid_fraction=0.0, test_fraction=0.0)
    inputs, targets = data.train.fetch(torch.arange(len(data.train)))
    return inputs.numpy(), targets.numpy()


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (PIXELS, PIXELS.transpose(0, 3, 1, 2)),
        (PIXELS.transpose(0, 3, 1, 2).copy(), PIXELS.transpose(0, 3, 1, 2)),
        (PIXELS[..., 0].copy(), PIXELS[:, None, :, :, 0]),
        (VALUES, VALUES.astype(np.float32)),
        (VALUES.astype(">f8"), VALUES.astype(np.float32)),
    ],
)
def test_inputs_are_features_or_channels_first(stored: np.ndarray, expected: np.ndarray, tmp_path: Path) -> None:
    inputs, targets = whole(save(tmp_path, x=stored, y=LABELS))
    assert inputs.dtype == expected.dtype
    assert np.array_equal(inputs, expected)
    assert np.array_equal(targets, LABELS)


@pytest.mark.parametrize("outputs", [1, 2])
def test_floating_targets_are_regressed(outputs: int, tmp_path: Path) -> None:
    wanted = RANDOM.normal(size=(30, outputs)).astype(np.float32)
    _, targets = whole(save(tmp_path, x=VALUES, y=wanted))
    assert np.array_equal(targets, wanted)


def test_text_labels_are_classes(tmp_path: Path) -> None:
    source = save(tmp_path, x=VALUES, y=np.array(["no", "yes"] * 15))
    assert load(source).classes == ("no", "yes")
    assert np.array_equal(whole(source)[1], np.arange(30) % 2)


def test_given_parts(tmp_path: Path) -> None:
    source = save(tmp_path, x_train=PIXELS, y_train=LABELS, x_test=PIXELS[:9], y_test=LABELS[:9])
    data = load(source)
    assert (len(data.train), len(data.valid), len(data.test)) == (27, 3, 9)


@pytest.mark.parametrize("kind", ["x", "y"])
def test_bad_values(kind: str, tmp_path: Path) -> None:
    arrays = {"x": VALUES.copy(), "y": VALUES[:, :2].copy()}
    arrays[kind][4, 1] = np.nan
    arrays[kind][6, 0] = np.inf
    source = save(tmp_path, **arrays)
    reason = "holds NaN or infinite values" if kind == "x" else "has no usable target; expected a finite number"
    with pytest.raises(BadData, match=rf"holds 2 examples.*\n  row 5: {reason}\n  row 7: {reason}"):
        load(source)
    data = load(source, bad_files="skip")
    assert len(data.train) + len(data.valid) + len(data.test) == 28


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": VALUES, "z": LABELS}, "holds x, z; expected x and y, or x_train and y_train"),
        ({"x": VALUES, "y": LABELS[:-1]}, r"x has shape \(30, 4\) and y \(29,\); expected \[examples, ...\]"),
        ({"x": VALUES[:, 0], "y": LABELS}, r"x has shape \(30,\) and y \(30,\); expected \[examples, ...\]"),
        ({"x": VALUES, "y": np.eye(3, dtype=int)[LABELS]}, r"y has shape \(30, 3\); expected one label an example"),
        ({"x": VALUES, "y": np.zeros((30, 2, 2))}, r"y has shape \(30, 2, 2\); expected \[examples\] or"),
        ({"x": np.zeros((30, 2, 2, 2, 2)), "y": LABELS}, r"examples have shape \(2, 2, 2, 2\); expected features"),
        ({"x": VALUES * 1j, "y": LABELS}, "x holds complex128; expected numbers"),
        ({"x": np.asfortranarray(VALUES), "y": LABELS}, "x is stored column by column; save np.ascontiguousarray"),
        ({"x_train": PIXELS, "y_train": LABELS, "x_test": PIXELS / 255, "y_test": LABELS}, "several kinds of examples"),
    ],
)
def test_arrays_that_do_not_fit(arrays: dict[str, np.ndarray], message: str, tmp_path: Path) -> None:
    with pytest.raises(BadData, match=message):
        load(save(tmp_path, **arrays))


def test_inputs_of_all_parts_need_no_targets(tmp_path: Path) -> None:
    found = load_inputs(save(tmp_path, x=VALUES), like="digits")
    assert torch.equal(found.train.fetch(torch.arange(30))[0], torch.from_numpy(VALUES).float())
    parts = load_inputs(save(tmp_path, x_train=PIXELS[:20], x_test=PIXELS[20:], y_train=LABELS), like="digits")
    assert torch.equal(parts.train.fetch(torch.arange(30))[0].permute(0, 2, 3, 1), torch.from_numpy(PIXELS))
    holes = VALUES.copy()
    holes[4, 1] = np.nan
    with pytest.raises(BadData, match=r"holds 1 example that cannot be used.*\n  row 5: holds NaN"):
        load_inputs(save(tmp_path, x=holes), like="digits")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"z": VALUES}, "holds z; expected x, or x_train"),
        ({"x": VALUES[:, 0]}, r"x has shape \(30,\); expected \[examples, ...\]"),
        ({"x_train": PIXELS, "x_test": PIXELS / 255}, "several kinds of examples"),
    ],
)
def test_inputs_that_do_not_fit(arrays: dict[str, np.ndarray], message: str, tmp_path: Path) -> None:
    with pytest.raises(BadData, match=message):
        load_inputs(save(tmp_path, **arrays), like="digits")


class Armed:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, fuse: Path) -> None:
        self.fuse = fuse

    def __reduce__(self) -> Any:
        return Path.touch, (self.fuse,)


def test_pickled_objects_are_refused_unopened(tmp_path: Path) -> None:
    fuse = tmp_path / "gone-off"
    source = save(tmp_path, x=np.array([Armed(fuse)] * 2, dtype=object), y=np.arange(2))
    with pytest.raises(BadData, match=r"x holds object; expected numbers .* nothing pickled"):
        load(source)
    assert not fuse.exists()


def test_damaged_archives(tmp_path: Path) -> None:
    (tmp_path / "set.npz").write_bytes(b"PK no archive")
    with pytest.raises(BadData, match=r"cannot be read as \.npz"):
        load(f"npz:{tmp_path / 'set.npz'}")
    source = save(tmp_path, x=RANDOM.normal(size=(30, 1000)), y=LABELS)
    whole = (tmp_path / "set.npz").read_bytes()
    for where, message in ((len(whole) // 2, "x is damaged: "), (100, r"cannot be read as \.npz|x is damaged: ")):
        (tmp_path / "set.npz").write_bytes(whole[:where] + b"\xff" * 30 + whole[where + 30 :])
        with pytest.raises(BadData, match=message):
            load(source)
