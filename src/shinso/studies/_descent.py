"""Gradient descent by batches, in the open: for studies that look at the network between two steps."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn


def seeded_mlp(features: int, classes: int, width: int, hidden_layers: int, seed: int) -> "nn.Module":
    """A perceptron whose initial weights depend on the seed alone, on the GPU if there is one."""
    import torch

    from shinso.models import mlp

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = mlp(num_classes=classes, in_features=features, width=width, hidden_layers=hidden_layers)
    return network.to("cuda" if torch.cuda.is_available() else "cpu")


def descend(
    model: "nn.Module", inputs: "Tensor", targets: "Tensor", *, learning_rate: float, batch_size: int, seed: int
) -> Iterator[int]:
    """Takes a step of plain descent on cross-entropy each time it is asked for one, and yields how many it took.

    No momentum, no weight decay, a constant rate, examples in a new order for each pass; what is left of a pass that
    does not fill a batch is left out. Raises ValueError for a batch that is larger than the data.
    """
    import torch
    from torch.nn import functional as F  # noqa: N812

    if not 1 <= batch_size <= len(targets):
        raise ValueError(f"a batch holds between 1 and all {len(targets)} training examples; got {batch_size}")
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)
    generator, step = torch.Generator().manual_seed(seed), 0
    model.train()
    while True:
        order = torch.randperm(len(targets), generator=generator).to(targets.device)
        for batch in order[: len(order) // batch_size * batch_size].view(-1, batch_size):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs[batch]), targets[batch]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            step += 1
            yield step
