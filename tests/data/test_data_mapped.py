"""Streaming from disk: the same bits as in memory, and a pack that is whole or absent."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from shinso.data import BadData, InMemory, Mapped, load

WriteImages = Callable[..., Path]


def jpeg_folder(write_images: WriteImages) -> str:
    write_images({"a": 20, "b": 25}, "set", "jpg")
    return f"images:{write_images({'a2': 8, 'b2': 8}, 'set', 'png')}"


def npz(folder: Path, examples: int = 300) -> str:
    random = np.random.default_rng(0)
    inputs = random.integers(0, 256, (examples, 16, 16, 3), dtype=np.uint8)
    np.savez(folder / "set.npz", x=inputs, y=np.arange(examples) % 7)
    return f"npz:{folder / 'set.npz'}"


def table(folder: Path) -> str:
    lines = [f"{number / 3},{number * 7 % 11},{number / 8}" for number in range(200)]
    (folder / "set.csv").write_text("\n".join(["u,v,y", *lines]))
    return f"csv:{folder / 'set.csv'}"


@pytest.mark.parametrize("kind", ["images", "npz", "csv"])
def test_a_mapped_set_equals_the_one_in_memory_bit_for_bit(
    kind: str, tmp_path: Path, write_images: WriteImages
) -> None:
    source = {
        "images": lambda: jpeg_folder(write_images),
        "npz": lambda: npz(tmp_path),
        "csv": lambda: table(tmp_path),
    }[kind]()
    target = "y" if kind == "csv" else None
    held, mapped = load(source, target=target), load(source, target=target, memory_limit=0)
    for name in ("train", "valid", "test"):
        a, b = getattr(held, name), getattr(mapped, name)
        assert isinstance(a, InMemory)
        assert isinstance(b, Mapped)
        index = torch.randperm(len(a), generator=torch.Generator().manual_seed(2))
        for found, expected in zip(b.fetch(index), a.fetch(index), strict=True):
            assert found.dtype == expected.dtype
            assert torch.equal(found, expected)
    assert torch.equal(held.mean, mapped.mean)
    assert torch.equal(held.std, mapped.std)
    assert held.summary() | {"storage": "Mapped"} == mapped.summary()


def test_a_set_is_mapped_when_it_is_larger_than_the_limit(tmp_path: Path) -> None:
    source, size = npz(tmp_path), 300 * 16 * 16 * 3
    assert isinstance(load(source, memory_limit=size).train, InMemory)
    assert isinstance(load(source, memory_limit=size - 1).train, Mapped)


def test_a_batch_is_repeatable_and_may_repeat_examples(tmp_path: Path) -> None:
    part = load(npz(tmp_path), memory_limit=0).train
    index = torch.tensor([5, 5, 0, 199])
    inputs, targets = part.fetch(index)
    assert torch.equal(inputs[0], inputs[1])
    assert torch.equal(part.fetch(index)[0], inputs)
    assert torch.equal(targets, part.targets[index])
    assert part.fetch(index[:0])[0].shape[0] == 0


def test_a_fetched_batch_is_the_callers_own(tmp_path: Path) -> None:
    part = load(npz(tmp_path), memory_limit=0).train
    inputs, _ = part.fetch(torch.tensor([3]))
    expected = inputs.clone()
    inputs.zero_()
    assert torch.equal(part.fetch(torch.tensor([3]))[0], expected)


def packs(cache: Path) -> list[Path]:
    return sorted(path for path in cache.iterdir() if path.is_dir())


def test_the_pack_is_written_once_and_again_when_the_source_changes(tmp_path: Path, cache: Path) -> None:
    source = npz(tmp_path)
    load(source, memory_limit=0)
    written = packs(cache)[0] / "examples.arrow"
    before = written.stat()
    load(source, memory_limit=0, seed=1)
    assert (written.stat().st_ino, written.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    npz(tmp_path, 280)
    data = load(source, memory_limit=0)
    assert len(packs(cache)) == 2
    assert len(data.train) + len(data.valid) + len(data.test) == 280


def test_a_change_that_keeps_the_size_is_noticed(tmp_path: Path, cache: Path) -> None:
    table(tmp_path)
    file = tmp_path / "set.csv"
    for first in ("0.0", "9.0"):
        lines = file.read_text().splitlines()
        file.write_text("\n".join([lines[0], f"{first},0,0.0", *lines[2:]]))
        os.utime(file, ns=(0, 1_000_000_000 * int(first[0])))
        data = load(f"csv:{file}", target="y", memory_limit=0, valid_fraction=0.0, test_fraction=0.0)
        assert data.train.fetch(torch.tensor([0]))[0][0, 0] == float(first)
    assert len(packs(cache)) == 2


def test_options_of_the_reader_have_packs_of_their_own(write_images: WriteImages, cache: Path) -> None:
    source = f"images:{write_images({'a': 6, 'b': 6})}"
    for size in (None, 4, 6):
        assert load(source, memory_limit=0, image_size=size).input_shape == (3, size or 9, size or 7)
    assert len(packs(cache)) == 3


def test_bad_files_are_found_while_packing(write_images: WriteImages) -> None:
    root = write_images({"a": 6, "b": 6})
    (root / "a" / "letter.png").write_text("Dear all,")
    with pytest.raises(BadData, match=r"a/letter\.png: is not an image"):
        load(f"images:{root}", memory_limit=0)
    data = load(f"images:{root}", memory_limit=0, bad_files="skip")
    assert [entry.where for entry in data.left_out] == ["a/letter.png"]


def test_an_interrupted_pack_leaves_nothing_that_is_taken_for_one(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = npz(tmp_path)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("shinso.data._mapping.write_chunks", killed)
        with pytest.raises(KeyboardInterrupt):
            load(source, memory_limit=0)
    assert packs(cache) == []
    load(source, memory_limit=0)
    name = packs(cache)[0].name
    abandoned = cache / f"{name}.partial-of-a-killed-process"
    abandoned.mkdir()
    packs(cache)[0].rename(tmp_path / "elsewhere")
    load(source, memory_limit=0)
    assert [pack.name for pack in packs(cache)] == [name]


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = npz(tmp_path)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SHINSO_CACHE", str(tmp_path / "file"))
    with pytest.raises(BadData, match=r"cannot be packed in .*file.*set SHINSO_CACHE to a directory with room"):
        load(source, memory_limit=0)
