"""The maximum mean discrepancy."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from shinso.shift.detection._gaussian_kernel import gaussian_kernel, median_bandwidth
from shinso.shift.detection._pair_sums import Kernel, pair_sums
from shinso.shift.detection._permutations import permutation_p_value
from shinso.shift.detection._relabelled import Relabelled, witness
from shinso.shift.detection._test_result import Seed, TestResult


@dataclass(frozen=True)
class MMD:
    """The squared maximum mean discrepancy of a Gaussian kernel, unbiased, tested by permutations.

    It sees every difference between two distributions at the scale of its bandwidth, of location best. Do not trust it
    on features of very different scales: the widest decides (``detect`` standardises them). In many dimensions all
    distances become alike and differences of single features drown: the classifier or the features one by one see more.
    Of more than ``max_rows`` rows in a sample a random part is used: time is quadratic.

    The effect is the statistic's share of the mean similarity within the samples: 0 where rows of different samples are
    as alike as rows of one, 1 where they have no similarity; chance makes it a little negative half of the time.
    Source: Gretton et al. 2012, equation 3 and section 5 (witness: section 2.3).
    """

    bandwidth: float | None = None
    """Of the kernel; by default the median distance between all rows, over √2."""
    permutations: int = 999
    max_rows: int = 2000

    def test(
        self, reference: Float64[np.ndarray, "m d"], current: Float64[np.ndarray, "n d"], seed: Seed = 0
    ) -> TestResult:
        """Whether the samples differ. Raises ValueError for fewer than two rows and for values that are not finite."""
        drawn = Relabelled.of(reference, current, self.max_rows, self.permutations, seed)
        m, n = drawn.rows
        sums = pair_sums(self._kernel(drawn.pooled, drawn.generator), drawn.pooled, drawn.labels)
        # A row is wholly similar to itself, which says nothing of the distributions.
        within = (sums.first - m) / (m * (m - 1)) + (sums.second - n) / (n * (n - 1))
        squared = within - 2 * sums.between / (m * n)
        effect = squared[0] / within[0] if within[0] > 0 else 0.0
        p_value = permutation_p_value(squared[0], squared[1:])
        meaning = "share of the similarity within the samples that is missing between them"
        return TestResult("MMD", float(squared[0]), p_value, float(effect), meaning, m, n)

    def scores(
        self, reference: Float64[np.ndarray, "m d"], current: Float64[np.ndarray, "n d"], seed: Seed = 0
    ) -> Float64[np.ndarray, " n"]:
        """The witness at each current row: how much more alike it is to the current rows than to the reference.

        Means are over a random 500 rows of each sample, where there are more.
        """
        return witness(reference, current, self._kernel, self.max_rows, seed)

    def _kernel(self, pooled: Float64[np.ndarray, "rows d"], generator: np.random.Generator) -> Kernel:
        return gaussian_kernel(self.bandwidth if self.bandwidth is not None else median_bandwidth(pooled, generator))
