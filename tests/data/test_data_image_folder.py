"""A folder a class: labels, given parts, and everything that can be wrong with it."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from shinso.data import BadData, DataSet, InMemory, load

WriteImages = Callable[..., Path]


def pictures(data: DataSet) -> list[tuple[int, bytes]]:
    """All examples of a set, whatever part they are in."""
    found = []
    for part in (data.train, data.valid, data.test):
        inputs, targets = part.fetch(torch.arange(len(part)))
        found += [(label, x.numpy().tobytes()) for x, label in zip(inputs, targets.tolist(), strict=True)]
    return sorted(found)


def test_every_file_becomes_an_example_of_its_folders_class(write_images: WriteImages) -> None:
    root = write_images({"ant": 5, "bee": 12})
    data = load(f"images:{root}")
    assert data.classes == ("ant", "bee")
    assert data.input_shape == (3, 9, 7)
    assert isinstance(data.train, InMemory)
    expected = [
        (label, np.asarray(Image.open(path)).transpose(2, 0, 1).tobytes())
        for label, name in enumerate(("ant", "bee"))
        for path in (root / name).iterdir()
    ]
    assert pictures(data) == sorted(expected)
    assert data.summary()["examples_by_class"]["test"] == {"ant": 1, "bee": 2}


def test_given_parts_are_used_as_they_are(write_images: WriteImages) -> None:
    write_images({"a": 10, "b": 10}, "set/train")
    root = write_images({"a": 3, "b": 4}, "set/test").parent
    data = load(f"images:{root}", valid_fraction=0.2)
    assert (len(data.train), len(data.valid), len(data.test)) == (16, 4, 7)
    write_images({"a": 1, "b": 2}, "set/val")
    data = load(f"images:{root}", valid_fraction=0.2)
    assert (len(data.train), len(data.valid), len(data.test)) == (20, 3, 7)


def test_hidden_files_and_folders_are_ignored(write_images: WriteImages) -> None:
    root = write_images({"a": 4, "b": 4, ".thumbnails": 4})
    (root / "a" / ".DS_Store").write_bytes(b"no image")
    (root / ".notes").write_text("no image")
    (root / "b" / ".cache").mkdir()
    (root / "b" / ".cache" / "letter.png").write_text("no image")
    assert load(f"images:{root}").summary()["left_out"]["count"] == 0


def test_a_loop_of_links_ends(write_images: WriteImages) -> None:
    root = write_images({"a": 4, "b": 4})
    (root / "a" / "again").symlink_to(root, target_is_directory=True)
    assert len(pictures(load(f"images:{root}"))) == 8


def broken_folder(write_images: WriteImages) -> Path:
    root = write_images({"a": 6, "b": 6})
    whole = (root / "a" / "0.png").read_bytes()
    (root / "a" / "half.png").write_bytes(whole[: len(whole) // 2])
    (root / "b" / "letter.jpg").write_text("Dear all,")
    (root / "stray.png").write_bytes(whole)
    (root / "c").mkdir()
    return root


REASONS = {
    "a/half.png": "truncated",
    "b/letter.jpg": "is not an image",
    "stray.png": "is not in the folder of a class",
    "class 'c'": "has no training examples",
}


def test_fail_lists_all_that_is_wrong(write_images: WriteImages) -> None:
    root = broken_folder(write_images)
    with pytest.raises(BadData, match=r"holds 4 examples that cannot be used.*--bad-files skip") as error:
        load(f"images:{root}")
    for where, reason in REASONS.items():
        assert f"\n  {where}: " in str(error.value)
        assert reason in str(error.value)


def test_skip_leaves_it_out_and_says_so(write_images: WriteImages) -> None:
    data = load(f"images:{broken_folder(write_images)}", bad_files="skip")
    assert len(pictures(data)) == 12
    assert data.classes == ("a", "b")
    left_out = data.summary()["left_out"]
    assert left_out["count"] == 4
    assert {entry["where"] for entry in left_out["examples"]} == REASONS.keys()
    assert all(REASONS[entry["where"]] in entry["reason"] for entry in left_out["examples"])


def test_classes_are_numbered_without_the_empty_ones(write_images: WriteImages) -> None:
    root = write_images({"ant": 0, "bee": 5, "cat": 0, "dog": 5})
    data = load(f"images:{root}", bad_files="skip")
    assert data.classes == ("bee", "dog")
    found = {(label, pixels) for label, pixels in pictures(data)}
    for label, name in enumerate(data.classes):
        for path in (root / name).iterdir():
            assert (label, np.asarray(Image.open(path)).transpose(2, 0, 1).tobytes()) in found


def test_a_long_list_ends_in_a_count(write_images: WriteImages) -> None:
    root = write_images({"a": 3, "b": 3})
    for number in range(25):
        (root / "a" / f"x{number}.png").write_text("x")
    with pytest.raises(BadData, match=r"holds 25 examples") as error:
        load(f"images:{root}")
    assert str(error.value).count("is not an image") == 20
    assert str(error.value).endswith("... and 5 more")


def test_mixed_sizes_need_a_size(write_images: WriteImages) -> None:
    root = write_images({"a": 6, "b": 6})
    Image.new("RGB", (20, 10)).save(root / "b" / "wide.png")
    with pytest.raises(
        BadData, match=r"images of 2 sizes \(12 of 9x7, 1 of 10x20\); resize them all with --image-size"
    ):
        load(f"images:{root}")
    assert load(f"images:{root}", image_size=8).input_shape == (3, 8, 8)
    data = load(f"images:{root}", bad_files="skip")
    assert data.input_shape == (3, 9, 7)
    assert [entry.where for entry in data.left_out] == ["b/wide.png"]


def test_grayscale_among_colour_becomes_colour_and_is_noted(write_images: WriteImages) -> None:
    root = write_images({"a": 4, "b": 4})
    gray = np.arange(63, dtype=np.uint8).reshape(9, 7)
    Image.fromarray(gray).save(root / "b" / "gray.png")
    data = load(f"images:{root}")
    assert data.notes == ("1 grayscale images were made RGB, as the other 8 are",)
    assert (1, np.stack([gray] * 3).tobytes()) in pictures(data)


def test_all_grayscale_stays_grayscale(tmp_path: Path) -> None:
    for label in ("a", "b"):
        (tmp_path / "set" / label).mkdir(parents=True)
        for number in range(3):
            Image.new("L", (5, 5), number).save(tmp_path / "set" / label / f"{number}.png")
    assert load(f"images:{tmp_path / 'set'}").input_shape == (1, 5, 5)


def test_a_class_with_one_example(write_images: WriteImages) -> None:
    root = write_images({"a": 6, "b": 6, "rare": 1})
    with pytest.raises(BadData, match=r"a single example of class 'rare'; expected at least two"):
        load(f"images:{root}")
    data = load(f"images:{root}", bad_files="skip")
    assert data.summary()["examples_by_class"]["train"]["rare"] == 1
    assert data.notes == ("classes with a single example, kept for training: 'rare'",)
    assert load(f"images:{root}", valid_fraction=0.0, test_fraction=0.0).notes == ()


def test_a_class_of_the_test_part_alone_cannot_be_learnt(write_images: WriteImages) -> None:
    write_images({"a": 4, "b": 4}, "set/train")
    root = write_images({"a": 2, "new": 2}, "set/test").parent
    with pytest.raises(BadData, match=r"class 'new': has no training examples"):
        load(f"images:{root}")
    data = load(f"images:{root}", bad_files="skip")
    assert data.classes == ("a", "b")
    assert len(data.test) == 2
    assert "is of a class without training examples" in {entry.reason for entry in data.left_out}


def test_an_empty_folder_and_one_without_usable_images(tmp_path: Path, write_images: WriteImages) -> None:
    (tmp_path / "nothing").mkdir()
    with pytest.raises(BadData, match=r"holds no folders; expected a folder of images for each class"):
        load(f"images:{tmp_path / 'nothing'}")
    root = write_images({"a": 0, "b": 0})
    (root / "a" / "x.png").write_text("x")
    with pytest.raises(BadData, match=r"(?s)holds no usable example.*a/x.png: is not an image"):
        load(f"images:{root}", bad_files="skip")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_unreadable_files_and_folders(write_images: WriteImages) -> None:
    root = write_images({"a": 6, "b": 6})
    (root / "a" / "0.png").chmod(0)
    with pytest.raises(BadData, match=r"a/0.png: cannot be read: Permission denied"):
        load(f"images:{root}")
    (root / "b").chmod(0)
    try:
        with pytest.raises(BadData, match=r"b cannot be read: Permission denied"):
            load(f"images:{root}")
    finally:
        (root / "b").chmod(0o700)


def test_a_file_that_cannot_be_opened_is_one_bad_file(write_images: WriteImages) -> None:
    root = write_images({"a": 6, "b": 6})
    (root / "a" / "gone.png").symlink_to(root / "nowhere.png")
    with pytest.raises(BadData, match=r"a/gone.png: cannot be read: No such file"):
        load(f"images:{root}")
