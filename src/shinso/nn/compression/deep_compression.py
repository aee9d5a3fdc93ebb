"""Pruning, weight sharing and Huffman coding (Han et al., 2016, "Deep Compression", arXiv 1510.00149; lecture 003,
figures 16 and 27).
"""

import json
import math
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils import prune

from shinso.nn.compression.huffman import HuffmanCode
from shinso.nn.compression.stored_weights import with_plain_weights
from shinso.nn.compression.weight_sharing import check_bits, shared_values

_MAGIC = b"shinso.compressed.1\n"
_LONGEST_GAP = 63
"""A longer run of zeros is written as several."""


@dataclass(frozen=True)
class Compressed:
    """A network's state in few bytes: what to write to a file, and ``Compressed(what was read)`` to get it back."""

    bytes: bytes
    """Everything: names and shapes, values, code tables and codes."""

    def decompress(self) -> dict[str, Tensor]:
        """The state dict, exactly that of the pruned network with shared weights.

        Raises ValueError if the bytes are not those of ``compress``, or not all of them.
        """
        entries, data = _opened(self.bytes)
        state: dict[str, Tensor] = {}
        for entry in entries:
            decode = _unshared if "values" in entry else _plain
            size = entry["size"]
            state[entry["name"]] = decode(entry, data[:size])
            data = data[size:]
        return state


def compress(network: nn.Module, *, bits: int = 6, sparsity: float = 0.0) -> Compressed:
    """The network's state, each weight with at most 2^bits values beside 0, and Huffman coded.

    Weights are the tensors of floating point with two axes or more. In each, the share ``sparsity`` of smallest
    magnitude is set to 0; zeros of before count. Written are the values, the lengths of the runs of zeros and which
    value ends each run, the latter two in Huffman codes. All else, biases and running statistics, stays as it is.

    It is exact for a network that is pruned and has shared weights. To keep the accuracy: prune with
    torch.nn.utils.prune, train and prune.remove; ``share_weights`` and train; then compress with sparsity 0. Raises
    ValueError for bits other than 1 to 8, a sparsity that is no share, and weights that are not finite.
    """
    check_bits(bits)
    if not 0 <= sparsity < 1:
        raise ValueError(f"sparsity is the share of weights set to 0, from 0 to below 1; got {sparsity}")
    entries, blobs = [], []
    for name, tensor in with_plain_weights(network).state_dict().items():
        is_weight = tensor.is_floating_point() and tensor.ndim >= 2 and tensor.numel() > 0
        fields, blob = _shared(tensor, bits, sparsity) if is_weight else ({}, _bytes_of(tensor))
        common = {"name": name, "dtype": str(tensor.dtype), "shape": list(tensor.shape), "size": len(blob)}
        entries.append(common | fields)
        blobs.append(blob)
    header = zlib.compress(json.dumps(entries, separators=(",", ":")).encode(), 9)
    content = len(header).to_bytes(4, "big") + header + b"".join(blobs)
    return Compressed(_MAGIC + zlib.crc32(content).to_bytes(4, "big") + content)


def _opened(data: bytes) -> tuple[list[dict[str, Any]], memoryview]:
    if not data.startswith(_MAGIC):
        raise ValueError(f"these bytes are not a network compressed by shinso; they begin with {data[:20]!r}")
    checksum, content = data[len(_MAGIC) : len(_MAGIC) + 4], memoryview(data)[len(_MAGIC) + 4 :]
    if zlib.crc32(content).to_bytes(4, "big") != checksum:
        raise ValueError("the compressed network is damaged or cut off: its checksum is another")
    end = 4 + int.from_bytes(content[:4], "big")
    return json.loads(zlib.decompress(content[4:end])), content[end:]


def _shared(tensor: Tensor, bits: int, sparsity: float) -> tuple[dict[str, int], bytes]:
    """A weight as a table of values and two streams: runs of zeros, and the value after each."""
    kept = prune.L1Unstructured(sparsity).prune(tensor.detach().cpu())  # type: ignore[no-untyped-call]
    values, numbers = shared_values(kept, bits)
    flat = numbers.flatten().numpy().astype(np.int64)
    places = np.flatnonzero(flat)
    gaps = _split(np.diff(places, prepend=-1) - 1)
    gap_code, gap_data = _coded(gaps, _LONGEST_GAP + 1)
    code, data = _coded(flat[places] - 1, len(values))
    fields = {"values": len(values), "count": len(places), "gaps": len(gaps), "gap_bytes": len(gap_data)}
    return fields, b"".join([_bytes_of(values), gap_code, code, gap_data, data])


def _unshared(entry: dict[str, Any], blob: memoryview) -> Tensor:
    dtype: torch.dtype = getattr(torch, entry["dtype"].removeprefix("torch."))
    ends = np.cumsum([entry["values"] * dtype.itemsize, _LONGEST_GAP + 1, entry["values"], entry["gap_bytes"]]).tolist()
    table, gap_code, code, gap_data, data = (bytes(blob[a:b]) for a, b in zip([0, *ends], [*ends, None], strict=True))
    gaps = _joined(_decoded(gap_code, gap_data, entry["gaps"]))
    numbers = torch.from_numpy(_decoded(code, data, entry["count"]))
    flat = torch.zeros(math.prod(entry["shape"]), dtype=dtype)
    flat[torch.from_numpy(np.cumsum(gaps + 1) - 1)] = _tensor(table, dtype, [entry["values"]])[numbers]
    return flat.reshape(entry["shape"])


def _plain(entry: dict[str, Any], blob: memoryview) -> Tensor:
    return _tensor(bytes(blob), getattr(torch, entry["dtype"].removeprefix("torch.")), entry["shape"])


def _split(gaps: NDArray[np.int64]) -> NDArray[np.int64]:
    """Runs of zeros as numbers up to the longest one, which stands for so many zeros without a value after them."""
    whole = gaps // _LONGEST_GAP
    result = np.full(len(gaps) + int(whole.sum()), _LONGEST_GAP, np.int64)
    result[np.cumsum(whole + 1) - 1] = gaps % _LONGEST_GAP
    return result


def _joined(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    totals = np.cumsum(numbers)[numbers < _LONGEST_GAP]
    return np.diff(totals, prepend=0)


def _coded(symbols: NDArray[np.int64], alphabet: int) -> tuple[bytes, bytes]:
    """The code's table and the symbols in it."""
    code = HuffmanCode.of(np.bincount(symbols, minlength=alphabet))
    return code.lengths.tobytes(), code.encode(symbols)


def _decoded(table: bytes, data: bytes, count: int) -> NDArray[np.int64]:
    return HuffmanCode(np.frombuffer(table, np.uint8)).decode(data, count)


def _bytes_of(tensor: Tensor) -> bytes:
    if not tensor.numel():
        return b""
    return tensor.detach().cpu().flatten().contiguous().view(torch.uint8).numpy().tobytes()


def _tensor(data: bytes, dtype: torch.dtype, shape: list[int]) -> Tensor:
    if not data:
        return torch.zeros(shape, dtype=dtype)
    return torch.frombuffer(bytearray(data), dtype=dtype).reshape(shape)
