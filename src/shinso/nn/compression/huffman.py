"""Huffman codes (Huffman, 1952, "A Method for the Construction of Minimum-Redundancy Codes"; Han et al., 2016, arXiv
1510.00149, section 4), in canonical form, so that the lengths are all there is to keep of one.
"""

import heapq
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

_BLOCK = 1 << 20
"""So many symbols are encoded, and so many bits decoded, at a time."""
_LONGEST = 57
"""A window of 64 bits has so many from any bit of its first byte on. Only of 10^12 symbols can a word be longer."""


@dataclass(frozen=True, eq=False)
class HuffmanCode:
    """A prefix code for the symbols 0, 1, ….

    Code words of the same length ascend with the symbols, and each length begins where the shorter ones end.
    """

    lengths: NDArray[np.uint8]
    """Of each symbol's code word in bits; 0 for a symbol that has none."""

    @classmethod
    def of(cls, counts: NDArray[np.int64]) -> Self:
        """The code that needs the fewest bits if each symbol comes so many times; no word for those that never do.

        A lone symbol has one bit. Raises ValueError for counts so uneven that a word has more than 57.
        """
        lengths = np.zeros(len(counts), np.uint8)
        heap = [(int(counts[symbol]), int(symbol), [int(symbol)]) for symbol in np.flatnonzero(counts)]
        heapq.heapify(heap)
        if len(heap) == 1:
            lengths[heap[0][2]] = 1
        while len(heap) > 1:
            first, second = heapq.heappop(heap), heapq.heappop(heap)
            symbols = first[2] + second[2]
            lengths[symbols] += 1
            heapq.heappush(heap, (first[0] + second[0], first[1], symbols))
        if lengths.size and lengths.max() > _LONGEST:
            raise ValueError(f"a code word would have {lengths.max()} bits, and {_LONGEST} at most can be decoded")
        return cls(lengths)

    def encode(self, symbols: NDArray[np.int64]) -> bytes:
        """The code words one after another, the last byte filled up with zeros.

        Raises ValueError for a symbol without a code word.
        """
        without = symbols[self.lengths[symbols] == 0]
        if without.size:
            raise ValueError(f"symbol {without[0]} has no code word")
        order, words = self._words()
        by_symbol = np.zeros(len(self.lengths), np.uint64)
        by_symbol[order] = words
        blocks = [symbols[start : start + _BLOCK] for start in range(0, len(symbols), _BLOCK)]
        bits = [_bits(by_symbol[block], self.lengths[block].astype(np.int64)) for block in blocks]
        return np.packbits(np.concatenate([np.zeros(0, np.uint8), *bits])).tobytes()

    def decode(self, data: bytes, count: int) -> NDArray[np.int64]:
        """The first ``count`` symbols. Raises ValueError where the data end before."""
        order, words = self._words()
        lengths = self.lengths[order].astype(np.int64)
        padded = np.frombuffer(data + bytes(8), np.uint8).astype(np.uint64)
        found: list[NDArray[np.int64]] = []
        position, missing = 0, count
        while missing:
            start, end = position, min(position + _BLOCK, 8 * len(data))
            rank = _ranks(padded, start, end, words)
            places, position = _walk(lengths[rank].tolist(), start, missing)
            found.append(order[rank[places]])
            missing -= len(places)
            if not places or position > 8 * len(data):
                raise ValueError(f"the data end before symbol {count - missing} of {count}")
        return np.concatenate(found) if found else np.zeros(0, np.int64)

    def _words(self) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
        """The symbols in the order of their code words, and these, left-justified in 64 bits."""
        order = np.flatnonzero(self.lengths)
        order = order[np.argsort(self.lengths[order], kind="stable")]
        widths = np.uint64(1) << (64 - self.lengths[order].astype(np.uint64))
        return order, np.cumsum(widths, dtype=np.uint64) - widths


def _bits(words: NDArray[np.uint64], lengths: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The first so many bits of each word, left-justified in 64 bits, one after another."""
    ends = np.cumsum(lengths)
    place = np.arange(ends[-1]) - np.repeat(ends - lengths, lengths)
    bits = np.repeat(words, lengths) >> (63 - place).astype(np.uint64) & np.uint64(1)
    return bits.astype(np.uint8)


def _ranks(data: NDArray[np.uint64], start: int, end: int, words: NDArray[np.uint64]) -> NDArray[np.int64]:
    """For each bit in the range the rank of the code word that would begin there."""
    first, last = start // 8, (end + 7) // 8
    windows = np.zeros(last - first, np.uint64)
    for byte in range(8):
        windows |= data[first + byte : last + byte] << np.uint64(56 - 8 * byte)
    bits = np.arange(start, end)
    shifted = windows[bits // 8 - first] << (bits % 8).astype(np.uint64)
    return np.searchsorted(words, shifted, side="right") - 1


def _walk(lengths: list[int], start: int, most: int) -> tuple[list[int], int]:
    """Where code words begin, counted from ``start``, until the lengths or the words wanted end; and the bit after."""
    places: list[int] = []
    place = 0
    while place < len(lengths) and len(places) < most:
        places.append(place)
        place += lengths[place]
    return places, start + place
