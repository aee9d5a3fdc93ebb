"""Resident memory while a mapped set is read."""

from pathlib import Path

import numpy as np
import pytest
import torch

import shinso.data
from shinso.data import _mapping

MAPPINGS = Path("/proc/self/smaps")
EXAMPLES, SIDE = 4096, 128  # 64 MiB
WINDOW_BYTES = 4 * 2**20

pytestmark = pytest.mark.skipif(not MAPPINGS.exists(), reason="this kernel does not tell what is resident")


def resident_bytes(folder: Path) -> int:
    """How much of the packs below a folder is resident in this process, as the kernel counts it."""
    found, inside = 0, False
    for line in MAPPINGS.read_text().splitlines():
        words = line.split()
        if not words[0].endswith(":"):  # the head of a mapping; its last word is the file
            inside = words[-1].startswith(str(folder))
        elif inside and words[0] == "Rss:":
            found += int(words[1]) * 1024
    return found


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> shinso.data.DataSet:
    monkeypatch.setattr(_mapping, "_WINDOW_BYTES", WINDOW_BYTES)
    images = np.random.default_rng(0).integers(0, 256, (EXAMPLES, SIDE, SIDE), dtype=np.uint8)
    images[:, 0, 0] = np.arange(EXAMPLES) % 10
    np.savez(tmp_path / "large.npz", x=images, y=np.arange(EXAMPLES) % 10)
    return shinso.data.load(f"npz:{tmp_path / 'large.npz'}", memory_limit=2**20)


def test_reading_all_of_a_mapped_set_keeps_only_a_window_of_it_resident(
    large: shinso.data.DataSet, cache: Path
) -> None:
    most = resident_bytes(cache)
    for index in torch.split(torch.randperm(len(large.train)), 256):
        inputs, targets = large.train.fetch(index)
        assert torch.equal(inputs[:, 0, 0, 0].long(), targets)
        most = max(most, resident_bytes(cache))
    # one window, and the huge page of the access that fills it
    assert 0 < most <= WINDOW_BYTES + 2 * _mapping._FAULT_BYTES


def test_a_mapping_that_keeps_its_pages_would_be_noticed(
    large: shinso.data.DataSet, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_mapping, "_WINDOW_BYTES", 2**40)
    for index in torch.split(torch.randperm(len(large.train)), 256):
        large.train.fetch(index)
    assert resident_bytes(cache) >= len(large.train) * SIDE**2
