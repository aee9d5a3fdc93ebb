"""Fitting random signs with a network, for Rademacher complexity."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from shinso.lens._probe import arguments
from shinso.lens.generalization._rademacher import Fit


def network_fit(build: Callable[[], nn.Module], steps: int = 300, learning_rate: float = 1e-2, seed: int = 0) -> Fit:
    """A ``fit`` that trains the networks which ``build`` makes, each from a start of its own, on all inputs at once.

    The network gives one number for each example, whose sign is the prediction in {−1, 1}; trained by Adam on the
    logistic loss, in training mode, and read in eval mode. The global generator is left as it was.
    """
    made = 0

    def fit(inputs: Any, signs: Tensor) -> Tensor:
        nonlocal made
        made += 1
        with torch.random.fork_rng(), torch.enable_grad():
            torch.manual_seed(seed * 1_000_003 + made)
            network = build().train()
            return _trained_on(network, inputs, signs, steps, learning_rate)

    return fit


def _trained_on(network: nn.Module, inputs: Any, signs: Tensor, steps: int, learning_rate: float) -> Tensor:
    first = next(network.parameters())
    targets = ((signs + 1) / 2).to(first)
    positional, by_name = arguments(inputs)
    optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate)
    for _ in range(steps):
        optimizer.zero_grad()
        F.binary_cross_entropy_with_logits(_flat(network(*positional, **by_name), signs), targets).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    with torch.no_grad():
        outputs = _flat(network.eval()(*positional, **by_name), signs)
    return torch.where(outputs > 0, 1.0, -1.0).to(signs)


def _flat(outputs: Any, signs: Tensor) -> Tensor:
    if not isinstance(outputs, Tensor) or outputs.numel() != len(signs):
        shape = tuple(outputs.shape) if isinstance(outputs, Tensor) else type(outputs).__name__
        raise ValueError(f"the network has to give one number for each of the {len(signs)} examples; got {shape}")
    return outputs.flatten()
