"""The handwritten digits that come with scikit-learn: 1797 grayscale images of 8x8 pixels with values 0..16."""

import numpy as np
import torch
from jaxtyping import UInt8
from torch.nn import functional as F  # noqa: N812


def read_digits() -> tuple[np.ndarray, np.ndarray]:
    """Images, uint8 `[1797, 1, 8, 8]`, and labels, int64 `[1797]` (Alpaydin & Kaynak 1998, UCI optdigits, test)."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    return digits.images[:, None].astype(np.uint8), digits.target.astype(np.int64)


def resized(images: UInt8[np.ndarray, "examples 1 8 8"], size: int) -> UInt8[np.ndarray, "examples 1 size size"]:
    """The images interpolated to `size` pixels, their values spread over 0..255."""
    values = torch.from_numpy(images).float() * (255 / 16)
    larger = F.interpolate(values, size=(size, size), mode="bilinear", align_corners=False, antialias=True)
    return larger.round().clamp(0, 255).to(torch.uint8).numpy()
