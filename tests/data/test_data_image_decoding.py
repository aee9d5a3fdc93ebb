"""Every kind of image file against Pillow's plain decoding; what is no usable image is refused with its reason."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from shinso.data._image_decoding import BadImage, check_image, decode_images

PIXELS = np.random.default_rng(3).integers(0, 256, (12, 9, 3), dtype=np.uint8)


def encoded(image: Image.Image, format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def decoded(data: bytes, channels: int = 3) -> np.ndarray:
    checked = check_image(data, None)
    pixels: np.ndarray = decode_images([checked.payload], (channels, checked.height, checked.width))[0]
    return pixels


@pytest.mark.parametrize(
    ("format", "options"),
    [
        ("PNG", {}),
        ("BMP", {}),
        ("TIFF", {}),
        ("WEBP", {"lossless": True}),
        ("JPEG", {"quality": 90}),
        ("JPEG", {"quality": 90, "progressive": True, "subsampling": 0}),
        ("JPEG", {"quality": 20, "subsampling": 2}),
    ],
)
def test_colour_files_decode_as_pillow_decodes_them(format: str, options: dict[str, Any]) -> None:
    data = encoded(Image.fromarray(PIXELS), format, **options)
    expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).transpose(2, 0, 1)
    assert np.array_equal(decoded(data), expected)


def test_a_grayscale_file_is_repeated_over_the_channels_of_a_colour_set() -> None:
    for format in ("PNG", "JPEG"):
        data = encoded(Image.fromarray(PIXELS[..., 0]), format)
        gray = np.asarray(Image.open(io.BytesIO(data)))
        assert np.array_equal(decoded(data, 1), gray[None])
        assert np.array_equal(decoded(data, 3), np.stack([gray] * 3))


def test_palette_and_cmyk_become_rgb() -> None:
    for image, format in (
        (Image.fromarray(PIXELS).quantize(16), "PNG"),
        (Image.fromarray(PIXELS).convert("CMYK"), "JPEG"),
    ):
        data = encoded(image, format)
        expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).transpose(2, 0, 1)
        assert np.array_equal(decoded(data), expected)


def test_transparency_shows_white() -> None:
    alpha = np.zeros((12, 9, 1), dtype=np.uint8)
    alpha[:, 4:] = 255
    shown = decoded(encoded(Image.fromarray(np.concatenate([PIXELS, alpha], axis=2)), "PNG")).transpose(1, 2, 0)
    assert (shown[:, :4] == 255).all()
    assert np.array_equal(shown[:, 4:], PIXELS[:, 4:])


def test_the_orientation_a_camera_noted_is_applied() -> None:
    exif = Image.Exif()
    for orientation, quarters in ((6, -1), (3, 2)):  # a turn by half keeps the size
        exif[0x0112] = orientation
        for format in ("JPEG", "PNG"):
            data = encoded(Image.fromarray(PIXELS), format, exif=exif)
            plain = np.asarray(Image.open(io.BytesIO(data)))
            assert np.array_equal(decoded(data).transpose(1, 2, 0), np.rot90(plain, k=quarters))


def test_resizing_keeps_the_shape_and_crops_the_centre() -> None:
    image = Image.fromarray(PIXELS)
    checked = check_image(encoded(image, "PNG"), 6)
    expected = np.asarray(ImageOps.fit(image, (6, 6), Image.Resampling.BICUBIC))
    assert (checked.height, checked.width) == (6, 6)
    assert np.array_equal(decode_images([checked.payload], (3, 6, 6))[0].transpose(1, 2, 0), expected)


def test_a_jpeg_as_long_as_its_pixels_is_not_mistaken_for_them() -> None:
    image = Image.fromarray(np.full((16, 16), 7, dtype=np.uint8))
    data = encoded(image, "JPEG")
    side = int(len(data) ** 0.5) + 1
    data = encoded(Image.fromarray(np.full((side, side), 7, dtype=np.uint8)), "JPEG")
    data += b"\0" * (side * side - len(data))  # bytes after the end of a JPEG are allowed
    assert len(data) == side * side
    assert (decoded(data, 1) == 7).all()


def test_a_batch_mixes_payloads_of_both_kinds() -> None:
    files = [encoded(Image.fromarray(PIXELS), format) for format in ("JPEG", "PNG", "JPEG")]
    payloads = [check_image(file, None).payload for file in files]
    batch = decode_images(payloads, (3, 12, 9))
    assert batch.shape == (3, 3, 12, 9)
    assert np.array_equal(batch, np.stack([decoded(file) for file in files]))


def bomb() -> bytes:
    """A small file that claims to be 60000 pixels wide and high."""
    data = bytearray(encoded(Image.new("L", (1, 1)), "BMP"))
    data[18:26] = (60000).to_bytes(4, "little") * 2
    return bytes(data)


WHOLE_JPEG = encoded(Image.fromarray(PIXELS), "JPEG")
WHOLE_PNG = encoded(Image.fromarray(PIXELS), "PNG")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is not an image; expected one of JPEG, PNG"),
        (b"not an image", "is not an image; expected one of JPEG, PNG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is not an image"),
        (WHOLE_JPEG[:-20], "cannot be decoded: .*truncated"),
        (WHOLE_PNG[: len(WHOLE_PNG) // 2], "cannot be decoded: .*(?i:truncated)"),
        (bomb(), r"is a decompression bomb: more than \d+ pixels"),
        (
            encoded(Image.new("I;16", (4, 4)), "PNG"),
            r"has more than 8 bits a channel \(mode I;16\); convert it to 8 bits",
        ),
        (encoded(Image.new("F", (4, 4)), "TIFF"), r"has more than 8 bits a channel \(mode F\)"),
    ],
)
def test_unusable_files_are_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(BadImage, match=reason):
        check_image(data, None)


def test_a_bomb_within_pillows_warning_is_refused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)  # 108 pixels: Pillow itself only warns up to twice the limit
    with pytest.raises(BadImage, match="is a decompression bomb: more than 100 pixels"):
        check_image(WHOLE_PNG, None)
