import base64
import io

import numpy as np
import pytest
from PIL import Image

from shinso.report._pictures import enlarged, png_data_uri, sheet, signed


def decoded(uri: str) -> np.ndarray:
    kind, data = uri.split(",", 1)
    assert kind == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data, validate=True))))


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3), (5, 7, 4), (1, 1, 3)])
def test_a_data_uri_decodes_to_the_pixels(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    np.testing.assert_array_equal(decoded(png_data_uri(pixels)), pixels)


def test_one_channel_is_grey() -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4, 1)
    np.testing.assert_array_equal(decoded(png_data_uri(pixels)), pixels[:, :, 0])


def test_signed_values_are_clear_at_zero_and_full_at_one() -> None:
    pixels = signed(np.array([[-1.0, 0.0, 1.0, 0.2]]))
    assert pixels[0, :, 3].tolist() == [255, 0, 255, 51]
    red, blue = pixels[0, :, 0].astype(int), pixels[0, :, 2].astype(int)
    assert (red > blue).tolist() == [True, False, False, False]


def test_a_sheet_sets_tiles_like_a_text_with_clear_gaps() -> None:
    tiles = np.stack([np.full((2, 3, 4), value, np.uint8) for value in (10, 20, 30)])
    page = sheet(tiles, columns=2, gap=1)
    assert page.shape == (5, 7, 4)
    assert page[:, :, 0].tolist() == [
        [10, 10, 10, 0, 20, 20, 20],
        [10, 10, 10, 0, 20, 20, 20],
        [0, 0, 0, 0, 0, 0, 0],
        [30, 30, 30, 0, 0, 0, 0],
        [30, 30, 30, 0, 0, 0, 0],
    ]


def test_enlarging_makes_squares_of_pixels() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 3, 4)).astype(np.uint8)
    np.testing.assert_array_equal(enlarged(pixels, 3), np.kron(pixels, np.ones((3, 3, 1), np.uint8)))
