"""IDX files, plain and gzipped, against the arrays they were written from."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from shinso.data import BadData, load

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (50, 6, 5), dtype=np.uint8)
LABELS = (np.arange(50) % 5).astype(np.uint8)


def idx_bytes(values: np.ndarray, kind: int = 8) -> bytes:
    return struct.pack(f">HBB{values.ndim}I", 0, kind, values.ndim, *values.shape) + values.tobytes()


def write(folder: Path, images: bytes, labels: bytes, stem: str = "train", suffix: str = "") -> None:
    folder.mkdir(exist_ok=True)
    for name, data in ((f"{stem}-images-idx3-ubyte", images), (f"{stem}-labels-idx1-ubyte", labels)):
        (folder / f"{name}{suffix}").write_bytes(gzip.compress(data) if suffix else data)


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_images_labels_and_the_given_test_part(suffix: str, tmp_path: Path) -> None:
    write(tmp_path, idx_bytes(IMAGES), idx_bytes(LABELS), "train", suffix)
    write(tmp_path, idx_bytes(IMAGES[:20]), idx_bytes(LABELS[:20]), "t10k", suffix)
    data = load(f"idx:{tmp_path}", valid_fraction=0.0)
    assert data.classes == ("0", "1", "2", "3", "4")
    for part, count in ((data.train, 50), (data.test, 20)):
        inputs, targets = part.fetch(torch.arange(len(part)))
        assert np.array_equal(inputs.numpy(), IMAGES[:count, None])
        assert np.array_equal(targets.numpy(), LABELS[:count])


@pytest.mark.parametrize(
    ("images", "labels", "suffix", "message"),
    [
        (idx_bytes(IMAGES)[:-7], idx_bytes(LABELS), "", "is truncated: 7 bytes are missing"),
        (idx_bytes(IMAGES), idx_bytes(LABELS)[:-1], "", "is truncated: 1 bytes are missing"),
        (idx_bytes(IMAGES), idx_bytes(LABELS[:-1]), "", r"has shape \(49,\); expected \(50,\)"),
        (b"\0\0", idx_bytes(LABELS), "", "its header is damaged"),
        (idx_bytes(IMAGES, kind=0x0D), idx_bytes(LABELS), "", "no IDX file of unsigned bytes .*type 0x0d"),
        (b"PNG" + idx_bytes(IMAGES), idx_bytes(LABELS), "", "no IDX file of unsigned bytes"),
    ],
)
def test_damaged_files_are_refused(images: bytes, labels: bytes, suffix: str, message: str, tmp_path: Path) -> None:
    write(tmp_path, images, labels, "train", suffix)
    with pytest.raises(BadData, match=message):
        load(f"idx:{tmp_path}")


def test_a_damaged_gzip_stream_is_refused(tmp_path: Path) -> None:
    write(tmp_path, idx_bytes(IMAGES), idx_bytes(LABELS), "train", ".gz")
    file = tmp_path / "train-images-idx3-ubyte.gz"
    file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(BadData, match="is damaged: "):
        load(f"idx:{tmp_path}")
    file.write_bytes(b"no gzip at all")
    with pytest.raises(BadData, match="its header is damaged"):
        load(f"idx:{tmp_path}")


def test_missing_files(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="holds no training images; expected train-images-idx3-ubyte"):
        load(f"idx:{tmp_path}")
    write(tmp_path, idx_bytes(IMAGES), idx_bytes(LABELS))
    (tmp_path / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(BadData, match="has no labels beside it; expected train-labels-idx1-ubyte"):
        load(f"idx:{tmp_path}")
    with pytest.raises(BadData, match="is no directory; expected one with train-images-idx3-ubyte"):
        load(f"idx:{tmp_path / 'train-images-idx3-ubyte'}")


def test_parts_of_different_shape(tmp_path: Path) -> None:
    write(tmp_path, idx_bytes(IMAGES), idx_bytes(LABELS))
    write(tmp_path, idx_bytes(IMAGES[:, :5]), idx_bytes(LABELS), "t10k")
    with pytest.raises(BadData, match=r"holds images of several shapes: \(5, 5\), \(6, 5\)"):
        load(f"idx:{tmp_path}")
