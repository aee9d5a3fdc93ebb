"""Sets written to a temporary folder, and a cache that no other test sees."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

WriteImages = Callable[..., Path]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache directory of this test."""
    monkeypatch.setenv("SHINSO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def write_images(tmp_path: Path) -> WriteImages:
    """Writes a folder of random colour images for each class; returns the folder above."""
    random = np.random.default_rng(0)

    def write(
        counts: dict[str, int], below: str = "images", suffix: str = "png", size: tuple[int, int] = (9, 7)
    ) -> Path:
        root = tmp_path / below
        for label, count in counts.items():
            (root / label).mkdir(parents=True)
            for number in range(count):
                pixels = random.integers(0, 256, (*size, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(root / label / f"{number}.{suffix}")
        return root

    return write
