"""Checked chunks from a stream of encoded images, wherever their bytes come from."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from shinso.data._dataset import LeftOut
from shinso.data._image_decoding import BadImage, Checked, check_image
from shinso.data._source import Chunk, Part

_CHUNK_BYTES = 16 * 2**20
_CHUNK_EXAMPLES = 4096


class Encoded(NamedTuple):
    """The bytes of one image file (or the reason why they could not be read), with its target."""

    where: str
    data: bytes | BadImage
    target: int | np.ndarray


def checked_chunks(images: Iterable[Encoded], image_size: int | None, part: Part) -> Iterator[Chunk]:
    """The usable images in chunks of bounded size, each beside the reasons why others were left out."""
    good: list[tuple[Encoded, Checked]] = []
    bad: list[LeftOut] = []
    held = 0
    for image in images:
        try:
            if isinstance(image.data, BadImage):
                raise image.data
            checked = check_image(image.data, image_size)
        except BadImage as reason:
            bad.append(LeftOut(image.where, str(reason)))
            continue
        good.append((image._replace(data=b""), checked))
        held += len(checked.payload)
        if held >= _CHUNK_BYTES or len(good) >= _CHUNK_EXAMPLES:
            yield _chunk(good, bad, part)
            good, bad, held = [], [], 0
    if good or bad:
        yield _chunk(good, bad, part)


def _chunk(good: list[tuple[Encoded, Checked]], bad: list[LeftOut], part: Part) -> Chunk:
    return Chunk(
        payloads=pa.array([checked.payload for _, checked in good], pa.large_binary()),
        targets=np.array([image.target for image, _ in good]),
        where=pa.array([image.where for image, _ in good], pa.string()),
        part=part,
        left_out=bad,
        sizes=np.array([checked[1:] for _, checked in good], dtype=np.int32).reshape(-1, 3),
    )
