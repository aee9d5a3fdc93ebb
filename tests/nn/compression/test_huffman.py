"""Huffman codes: there and back, prefix-free, within one bit of the entropy, and as short as any prefix code."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import entropy

from shinso.nn.compression import HuffmanCode
from shinso.nn.compression import huffman as module

COUNTS = st.lists(st.integers(0, 1000), min_size=1, max_size=40).filter(any)


def words(code: HuffmanCode) -> dict[int, str]:
    """The code words as text, from the canonical rule: counting up, and doubling where words get longer."""
    result, word, length = {}, 0, 0
    for symbol in sorted(np.flatnonzero(code.lengths), key=lambda symbol: (code.lengths[symbol], symbol)):
        word <<= int(code.lengths[symbol]) - length
        length = int(code.lengths[symbol])
        result[int(symbol)] = f"{word:0{length}b}"
        word += 1
    return result


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 30), max_size=300))
def test_there_and_back_in_canonical_words(symbols: list[int]) -> None:
    array = np.array(symbols, np.int64)
    code = HuffmanCode.of(np.bincount(array, minlength=31))
    data = code.encode(array)
    table = words(code)
    text = "".join(table[symbol] for symbol in symbols)
    text += "0" * (-len(text) % 8)
    assert data == bytes(int(text[i : i + 8], 2) for i in range(0, len(text), 8))
    np.testing.assert_array_equal(code.decode(data, len(symbols)), array)


@settings(max_examples=60, deadline=None)
@given(COUNTS)
def test_no_word_begins_another_and_the_mean_length_is_within_a_bit_of_the_entropy(given_counts: list[int]) -> None:
    counts = np.array(given_counts)
    code = HuffmanCode.of(counts)
    table = words(code)
    assert set(table) == set(np.flatnonzero(counts).tolist())
    assert not any(b.startswith(a) for a, b in itertools.permutations(table.values(), 2))
    mean = (counts * code.lengths).sum() / counts.sum()
    bits = float(entropy(counts, base=2))
    assert bits - 1e-9 <= mean
    assert mean < bits + 1 or len(table) == 1
    if len(table) > 1:
        assert sum(2.0**-length for length in code.lengths[code.lengths > 0].tolist()) == 1


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=2, max_size=5))
def test_no_prefix_code_is_shorter(counts: list[int]) -> None:
    """All lengths that satisfy Kraft's inequality are those of some prefix code."""
    lengths = itertools.product(range(1, len(counts)), repeat=len(counts))
    costs = [
        sum(n * length for n, length in zip(counts, each, strict=True))
        for each in lengths
        if sum(2.0**-length for length in each) <= 1
    ]
    assert int((HuffmanCode.of(np.array(counts)).lengths * np.array(counts)).sum()) == min(costs)


def test_a_lone_symbol_has_one_bit_and_none_no_bytes() -> None:
    code = HuffmanCode.of(np.array([0, 9, 0]))
    assert code.encode(np.ones(9, np.int64)) == bytes(2)
    np.testing.assert_array_equal(code.decode(bytes(2), 9), np.ones(9))
    assert code.encode(np.zeros(0, np.int64)) == b""


def test_long_words(monkeypatch: pytest.MonkeyPatch) -> None:
    fibonacci = [1, 1]
    while len(fibonacci) < 58:
        fibonacci.append(sum(fibonacci[-2:]))
    code = HuffmanCode.of(np.array(fibonacci))
    assert code.lengths.max() == 57
    symbols = np.random.default_rng(0).permutation(np.arange(58).repeat(3))
    monkeypatch.setattr(module, "_BLOCK", 24)
    np.testing.assert_array_equal(code.decode(code.encode(symbols), len(symbols)), symbols)
    with pytest.raises(ValueError, match="a code word would have 58 bits, and 57 at most"):
        HuffmanCode.of(np.array([*fibonacci, sum(fibonacci[-2:])]))


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    symbols = np.random.default_rng(0).geometric(0.3, 5000) - 1
    code = HuffmanCode.of(np.bincount(symbols))
    data = code.encode(symbols)
    for block in (1, 17, 1000):
        monkeypatch.setattr(module, "_BLOCK", block)
        assert code.encode(symbols) == data
        np.testing.assert_array_equal(code.decode(code.encode(symbols), 5000), symbols)


def test_what_cannot_be_coded_or_decoded_is_refused() -> None:
    code = HuffmanCode.of(np.array([5, 3, 0, 1]))
    with pytest.raises(ValueError, match="symbol 2 has no code word"):
        code.encode(np.array([0, 2]))
    data = code.encode(np.zeros(16, np.int64))
    with pytest.raises(ValueError, match="the data end before symbol 16 of 17"):
        code.decode(data, 17)
