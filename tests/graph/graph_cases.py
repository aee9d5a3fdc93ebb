"""Networks and functions that the tests of graphs go through, each with a loss."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from shinso.models import lenet5, mlp, resnet


class WithLoss(nn.Module):
    """A network and its loss as one module."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(self.network(x), y)


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(11, 8)
        self.lstm = nn.LSTM(8, 12, 2, batch_first=True)
        self.classifier = nn.Linear(12, 10)

    def forward(self, tokens: Tensor) -> Tensor:
        states, _ = self.lstm(self.embedding(tokens))
        return self.classifier(states[:, -1])


class Attentive(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2)
        self.classifier = nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.encoder(x).mean(1))


@dataclass(frozen=True)
class Case:
    network: Callable[[], nn.Module]
    inputs: Callable[[], Tensor]

    def make(self) -> tuple[nn.Module, tuple[Tensor, Tensor]]:
        """The network with its loss in float64, in training mode, and a batch."""
        torch.manual_seed(0)
        return WithLoss(self.network()).double(), (self.inputs(), torch.randint(10, (4,)))


def _images(channels: int, size: int) -> Callable[[], Tensor]:
    return lambda: torch.randn(4, channels, size, size, dtype=torch.float64)


def _resnet(**options: Any) -> Callable[[], nn.Module]:
    return lambda: resnet(depth=8, width=8, **options)


CASES = {
    "mlp": Case(
        lambda: mlp(in_features=20, num_classes=10, dropout=0.3), lambda: torch.randn(4, 20, dtype=torch.float64)
    ),
    "lenet5": Case(lenet5, _images(1, 28)),
    **{
        f"resnet-{normalization}": Case(_resnet(normalization=normalization, dropout=0.2), _images(3, 16))
        for normalization in ("none", "batch", "layer", "instance", "group")
    },
    "lstm": Case(Recurrent, lambda: torch.randint(11, (4, 7))),
    "transformer": Case(Attentive, lambda: torch.randn(4, 7, 16, dtype=torch.float64)),
}


def lecture_example(y: Tensor, x: Tensor, W: Tensor, b: Tensor) -> Tensor:  # noqa: N803
    """Lecture 003, figure 1."""
    p = torch.sigmoid(torch.tanh(x * W + b) + x)
    return F.binary_cross_entropy(p, y)


def lecture_inputs() -> tuple[Tensor, ...]:
    return tuple(torch.tensor(number, dtype=torch.float64) for number in (1.0, 0.5, 3.0, -1.0))
