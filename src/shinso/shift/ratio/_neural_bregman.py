"""The density ratio by a neural network, under any Bregman divergence."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from shinso.shift.ratio._convex_functions import BinaryLogistic, ConvexFunction, bregman_risk
from shinso.shift.ratio._density_ratio import DensityRatio, fitted
from shinso.shift.ratio._samples import read_samples
from shinso.shift.ratio._settings import check_numbers, check_positive
from shinso.shift.ratio._table import Table

if TYPE_CHECKING:
    from torch import Generator, Tensor
    from torch.nn import Module

LARGEST_LOG_RATIO = 12.0
"""A network's output is bent to stay within: ratios beyond exp(12) = 160,000 are no estimate."""
HELD_OUT = 5
"""Every fifth row tells when to stop."""


def two_hidden_layers(columns: int) -> "Module":
    """A perceptron of two hidden layers of 64 smooth units, with one output."""
    from torch.nn import Linear, Sequential, SiLU

    return Sequential(Linear(columns, 64), SiLU(), Linear(64, 64), SiLU(), Linear(64, 1))


@dataclass(frozen=True)
class NeuralBregman:
    """log r by a network that makes the Bregman divergence of ``f`` from the true ratio least (the b-GAN form).

    Training stops where the divergence of every fifth row, held out, is least: the objective's own validation. For
    ratios with structure in many columns, and some thousands of rows; with fewer, in many columns, it can
    do worse than no weights at all.
    Of the convex functions the logistic is the steadiest; the squared one chases single large ratios.
    The network is one that takes rows on the scale of the fit. Raises ValueError for
    settings that cannot be, and for tables that do not fit together.
    Source: Uehara, Sato, Suzuki, Nakayama and Matsuo 2016; lecture 001, the slide on b-GAN.
    """

    f: ConvexFunction = field(default_factory=BinaryLogistic)
    network: Callable[[int], "Module"] = two_hidden_layers
    """Makes the network, from the number of columns; one output a row."""
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    batch_size: int = 256
    most_epochs: int = 200
    patience: int = 15
    """Epochs without a better held-out divergence, after which training stops."""
    rows: int = 20_000
    seed: int = 0

    def __post_init__(self) -> None:
        check_numbers(batch_size=self.batch_size, rows=self.rows)
        check_positive(learning_rate=self.learning_rate)

    def fit(self, numerator: Table, denominator: Table) -> DensityRatio:
        """The ratio of the density of the numerator's rows to that of the denominator's."""
        import torch

        samples = read_samples(numerator, denominator, self.rows, np.random.default_rng(self.seed))
        # A fork, so that the caller's random numbers go on as if nothing had been drawn.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            network = self.network(samples.numerator.shape[1])
            epochs = self._train(
                network, *(torch.from_numpy(s).float() for s in (samples.numerator, samples.denominator))
            )

        def log_ratio(rows: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, " rows"]:
            with torch.no_grad():
                return _bent(network, torch.from_numpy(rows).float()).double().numpy()

        return fitted(self, samples, log_ratio, {"epochs": epochs})

    def _train(self, network: "Module", above: "Tensor", below: "Tensor") -> int:
        """After how many epochs the held-out divergence was least; the network is left as it was then."""
        import torch

        held_out = [sample[::HELD_OUT] for sample in (above, below)]
        train = [sample[torch.arange(len(sample)) % HELD_OUT != 0] for sample in (above, below)]
        generator = torch.Generator().manual_seed(self.seed)
        optimizer = torch.optim.AdamW(network.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay)
        best, best_epoch, kept = float("inf"), 0, deepcopy(network.state_dict())
        for epoch in range(self.most_epochs + 1):
            network.eval()
            with torch.no_grad():
                risk = float(bregman_risk(self.f, *(_bent(network, sample) for sample in held_out)))
            if risk < best:
                best, best_epoch, kept = risk, epoch, deepcopy(network.state_dict())
            elif epoch - best_epoch >= self.patience:
                break
            network.train()
            for batch in _batches(train, self.batch_size, generator):
                optimizer.zero_grad()
                bregman_risk(self.f, *(_bent(network, sample) for sample in batch)).backward()  # type: ignore[no-untyped-call]
                optimizer.step()
        network.load_state_dict(kept)
        network.eval()
        return best_epoch


def _bent(network: "Module", rows: "Tensor") -> "Tensor":
    output: Tensor = network(rows).flatten() / LARGEST_LOG_RATIO
    return LARGEST_LOG_RATIO * output.tanh()


def _batches(samples: list["Tensor"], size: int, generator: "Generator") -> Iterator[list["Tensor"]]:
    """Each row of the larger sample once, beside as many batches of the smaller, gone through again and again."""
    import torch

    orders = [torch.split(torch.randperm(len(sample), generator=generator), size) for sample in samples]
    for number in range(max(len(order) for order in orders)):
        yield [sample[order[number % len(order)]] for sample, order in zip(samples, orders, strict=True)]
