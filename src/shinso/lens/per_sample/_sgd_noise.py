"""The noise that gradient descent by batches adds to its path, as a temperature; and how to change the batch."""

import math
from dataclasses import dataclass


def sgd_noise_scale(learning_rate: float, train_size: int, batch_size: int) -> float:
    """g = ε (N/B - 1): the scale of the noise in the path of plain gradient descent by batches.

    Runs with the same g reach minima that generalise alike, by conjecture and experiment, not by proof; of other
    optimizers than plain descent it says little. Source: Smith and Le 2018, arXiv 1710.06451; lecture 003 §2.4 eq. 48,
    fig. 12. Raises ValueError where the batch is larger than the data.

    >>> sgd_noise_scale(0.1, train_size=1000, batch_size=10)
    9.9
    """
    _check(learning_rate, train_size, batch_size)
    return learning_rate * (train_size / batch_size - 1)


def momentum_noise_scale(learning_rate: float, train_size: int, batch_size: int, momentum: float) -> float:
    """g ≈ ε N / (B (1 - m)): the same with momentum, for batches much smaller than the data.

    Source: Smith and Le 2018, arXiv 1710.06451, §5; lecture 003 §2.4 footnote 13. Raises ValueError where the batch is
    larger than the data or the momentum is not in [0, 1).

    >>> momentum_noise_scale(0.1, train_size=1000, batch_size=10, momentum=0.5)
    20.0
    """
    _check(learning_rate, train_size, batch_size)
    if not 0 <= momentum < 1:
        raise ValueError(f"momentum must be at least 0 and below 1; got {momentum}")
    return learning_rate * train_size / (batch_size * (1 - momentum))


@dataclass(frozen=True)
class Suggestion:
    """A batch size and a learning rate, and what they do to the noise."""

    batch_size: int
    learning_rate: float
    noise_scale_before: float
    """g = ε (N/B - 1) as it was."""
    noise_scale_after: float
    """g with the suggestion: where it is much smaller than before, expect worse generalisation from the same epochs."""


def suggested_batch(simple_scale: float, learning_rate: float, train_size: int, batch_size: int) -> Suggestion:
    """The batch size at which time and examples are traded evenly, and the learning rate that goes with it.

    The batch size is the simple noise scale, rounded to a power of two and at most the data; there a run takes twice as
    many steps as with the whole data in each, and twice as many examples as with batches of one (McCandlish et al.
    2018, arXiv 1812.06162, eq. 2.11). The rate keeps ε (1 + scale/B) as it is (eq. 2.6), in proportion to the batch
    while that is small (Goyal et al. 2017; lecture 003 §2.4). Do not trust it early in training, when the scale still
    grows by orders of magnitude, nor beyond plain or momentum descent: for Adam the rate goes rather with the root.

    Raises ValueError for a scale that is not positive: average it over more steps.

    >>> suggested_batch(100.0, learning_rate=0.1, train_size=50_000, batch_size=32).batch_size
    128
    """
    if not (simple_scale > 0 and math.isfinite(simple_scale)):
        raise ValueError(f"the noise scale must be positive and finite; got {simple_scale}: average it over more steps")
    before = sgd_noise_scale(learning_rate, train_size, batch_size)
    wanted = min(2 ** max(0, round(math.log2(simple_scale))), train_size)
    rate = learning_rate * (1 + simple_scale / batch_size) / (1 + simple_scale / wanted)
    return Suggestion(wanted, rate, before, sgd_noise_scale(rate, train_size, wanted))


def _check(learning_rate: float, train_size: int, batch_size: int) -> None:
    if not 1 <= batch_size <= train_size:
        raise ValueError(f"a batch holds between 1 and all {train_size} training examples; got {batch_size}")
    if not learning_rate > 0:
        raise ValueError(f"the learning rate must be positive; got {learning_rate}")
