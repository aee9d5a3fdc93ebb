"""The energy distance."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from shinso.shift.detection._gaussian_kernel import distances
from shinso.shift.detection._pair_sums import pair_sums
from shinso.shift.detection._permutations import permutation_p_value
from shinso.shift.detection._relabelled import Relabelled, witness
from shinso.shift.detection._test_result import Seed, TestResult
from shinso.shift.detection._two_matrices import Matrix


@dataclass(frozen=True)
class EnergyDistance:
    """The energy distance 2E‖X - Y‖ - E‖X - X'‖ - E‖Y - Y'‖, tested by permutations.

    It is zero only where the distributions are the same, and has no bandwidth to choose: a good first test for few
    rows. Do not trust it on features of very different scales or with extreme values: the widest decide (``detect``
    standardises). Changes of shape that leave the means are seen later than by the classifier. Of more than
    ``max_rows`` rows in a sample a random part is used: time is quadratic. ``scipy.stats.energy_distance`` is the
    square root of the statistic, for one feature.

    The effect is the statistic's share of the mean distance between the samples, which is from 0 to 1.
    Source: Székely and Rizzo 2013, section 6 (the statistic, and the effect as their coefficient of inhomogeneity).
    """

    permutations: int = 999
    max_rows: int = 2000

    def test(
        self, reference: Float64[np.ndarray, "m d"], current: Float64[np.ndarray, "n d"], seed: Seed = 0
    ) -> TestResult:
        """Whether the samples differ. Raises ValueError for fewer than two rows and for values that are not finite."""
        drawn = Relabelled.of(reference, current, self.max_rows, self.permutations, seed)
        m, n = drawn.rows
        sums = pair_sums(distances, drawn.pooled, drawn.labels)
        between = 2 * sums.between / (m * n)
        energy = between - sums.first / m**2 - sums.second / n**2
        effect = float(energy[0] / between[0]) if between[0] > 0 else 0.0
        p_value = permutation_p_value(energy[0], energy[1:])
        meaning = "share of the distance between the samples that is not within them"
        return TestResult("energy distance", float(energy[0]), p_value, effect, meaning, m, n)

    def scores(
        self, reference: Float64[np.ndarray, "m d"], current: Float64[np.ndarray, "n d"], seed: Seed = 0
    ) -> Float64[np.ndarray, " n"]:
        """By current row its mean distance to a random 500 reference rows, less that to as many current ones."""
        return witness(reference, current, lambda *_: _nearness, self.max_rows, seed)


def _nearness(left: Matrix, right: Matrix) -> Matrix:
    nearness: Matrix = -distances(left, right)
    return nearness
