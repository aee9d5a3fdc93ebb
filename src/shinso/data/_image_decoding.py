"""From the bytes of an image file to pixels: checked once when a set is packed, then decoded again and again, fast.

A payload is either the file itself, when it is a JPEG that the fast road decodes to exactly the same pixels, or the
pixels (height, width, channels). Which of the two it is shows in its length: `height * width` or three times that are
pixels, any other length is a JPEG.
"""

import io
import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps, UnidentifiedImageError

_FORMATS = ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
"""What is opened at all: Pillow's other plug-ins are rarer, and one of them starts another program (EPS)."""
_DEEP_MODES = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")
_MODES = {1: "L", 3: "RGB"}


class BadImage(ValueError):
    """Raised for one file that is no usable image; the message is the reason alone."""


class Checked(NamedTuple):
    """One usable image: what to keep of it, and its size."""

    payload: bytes
    height: int
    width: int
    channels: int


def check_image(data: bytes, image_size: int | None) -> Checked:
    """The payload of an image file, resized (shorter side) and cropped (centre) to `image_size` when that is given.

    Palettes, CMYK and transparency (over white) become grayscale or RGB; the orientation that a camera noted is
    applied. Raises BadImage for truncated files, files that are no image, decompression bombs and more than 8 bits a
    channel.
    """
    image = _open(data)
    original_size = image.size
    image = _as_gray_or_rgb(image)
    if image_size is not None and image.size != (image_size, image_size):
        image = ImageOps.fit(image, (image_size, image_size), Image.Resampling.BICUBIC)
    pixels = image.tobytes()
    width, height = image.size
    if image.size == original_size and _is_faithful_jpeg(data, image, pixels):
        return Checked(data, height, width, len(image.getbands()))
    return Checked(pixels, height, width, len(image.getbands()))


def peek_size(data: bytes) -> tuple[int, int] | None:
    """Height and width from the header, or None when it is no image."""
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            return image.height, image.width
    except (OSError, ValueError, Image.DecompressionBombError):
        return None


def decode_images(
    payloads: Sequence[bytes], shape: tuple[int, int, int]
) -> UInt8[np.ndarray, "batch channels height width"]:
    """The pixels of payloads that `check_image` made, grayscale ones repeated over the channels of a colour set."""
    channels, height, width = shape
    mode = _MODES[channels]
    canvas = Image.new(mode, (width, height))  # one for the batch: making an image costs as much as a small JPEG
    batch = np.empty((len(payloads), height, width, channels), dtype=np.uint8)
    for pixels, payload in zip(batch, payloads, strict=True):
        if len(payload) in (height * width, 3 * height * width):
            pixels[...] = np.frombuffer(payload, dtype=np.uint8).reshape(height, width, -1)
        else:
            canvas.frombytes(payload, "jpeg", mode, "")
            pixels[...] = np.frombuffer(canvas.tobytes(), dtype=np.uint8).reshape(height, width, channels)
    return np.ascontiguousarray(batch.transpose(0, 3, 1, 2))


def _open(data: bytes) -> Image.Image:
    """The first frame, fully decoded and turned the right way up."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # remarks about metadata are no reason to refuse pixels
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data), formats=_FORMATS)
            image.load()
            return ImageOps.exif_transpose(image)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise BadImage(f"is a decompression bomb: more than {Image.MAX_IMAGE_PIXELS} pixels") from error
    except UnidentifiedImageError as error:
        raise BadImage(f"is not an image; expected one of {', '.join(_FORMATS)}") from error
    except Exception as error:  # Pillow's plug-ins raise many kinds for broken files
        raise BadImage(f"cannot be decoded: {error}") from error


def _as_gray_or_rgb(image: Image.Image) -> Image.Image:
    if image.mode in ("L", "RGB"):
        return image
    if image.mode in _DEEP_MODES:
        raise BadImage(f"has more than 8 bits a channel (mode {image.mode}); convert it to 8 bits")
    if image.has_transparency_data:
        page = Image.new("RGBA", image.size, "white")
        page.alpha_composite(image.convert("RGBA"))
        return page.convert("L" if image.mode in ("LA", "La") else "RGB")
    return image.convert("L" if image.mode in ("1", "LA", "La") else "RGB")


def _is_faithful_jpeg(data: bytes, image: Image.Image, pixels: bytes) -> bool:
    """Whether decoding without reading the header gives these pixels, and the length tells it from pixels."""
    area = image.width * image.height
    if not data.startswith(b"\xff\xd8") or len(data) in (area, 3 * area):
        return False
    canvas = Image.new(image.mode, image.size)
    try:
        canvas.frombytes(data, "jpeg", image.mode, "")
    except (ValueError, OSError):
        return False
    return canvas.tobytes() == pixels
