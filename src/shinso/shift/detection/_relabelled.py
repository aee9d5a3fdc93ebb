"""What the tests by distances between rows have in common: random relabellings, and scores of single rows."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from shinso.shift.detection._pair_sums import WITNESSES, Kernel, mean_kernel
from shinso.shift.detection._permutations import Labels, relabellings
from shinso.shift.detection._test_result import Seed
from shinso.shift.detection._two_matrices import Matrix, random_part, two_matrices


@dataclass(frozen=True)
class Relabelled:
    """At most so many rows of both samples, pooled and centred, and labels as they are and at random."""

    pooled: Matrix
    labels: Labels
    rows: tuple[int, int]
    generator: np.random.Generator

    @classmethod
    def of(cls, reference: Matrix, current: Matrix, most: int, permutations: int, seed: Seed) -> "Relabelled":
        """Raises ValueError for matrices that do not fit together, and for fewer than two rows."""
        generator = np.random.default_rng(seed)
        parts = [random_part(rows, most, generator) for rows in two_matrices(reference, current, least=2)]
        pooled = np.concatenate(parts)
        rows = len(parts[0]), len(parts[1])
        labels = relabellings(rows[0], sum(rows), permutations, generator)
        return cls(pooled - pooled.mean(axis=0), labels, rows, generator)


def witness(
    reference: Matrix,
    current: Matrix,
    similarity: Callable[[Matrix, np.random.Generator], Kernel],
    most: int,
    seed: Seed,
) -> Float64[np.ndarray, " n"]:
    """By current row its mean similarity to a random 500 current rows, less that to as many of the reference.

    The similarity may depend on the rows that are drawn.
    """
    reference, current = two_matrices(reference, current, least=2)
    generator = np.random.default_rng(seed)
    centre = reference.mean(axis=0)
    some, others = (random_part(rows, min(most, WITNESSES), generator) - centre for rows in (reference, current))
    similar = similarity(np.concatenate([some, others]), generator)
    at = current - centre
    further: Float64[np.ndarray, " n"] = mean_kernel(similar, at, others) - mean_kernel(similar, at, some)
    return further
