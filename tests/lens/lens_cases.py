"""The three kinds of network on which nothing may change by being watched, and one step of training for each."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812


class Residual(nn.Module):
    """Batch normalisation, rectification in place, and a residual sum in place."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, images: Tensor) -> Tensor:
        hidden = self.relu(self.first_norm(self.first(images)))
        hidden = self.second_norm(self.second(hidden))
        hidden += images
        return F.relu(hidden, inplace=True)


class Recurrent(nn.Module):
    """An embedding, a recurrent layer that returns a tuple, and a head with a bounded activation."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(11, 6)
        self.lstm = nn.LSTM(6, 8, num_layers=2, batch_first=True)
        self.head = nn.Linear(8, 4)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(torch.tanh(self.lstm(self.embedding(tokens))[0])).mean(dim=1)


@dataclass(frozen=True)
class Case:
    """A network by name, how to build it, and how to make a batch of inputs for it."""

    name: str
    build: Callable[[], nn.Module]
    inputs: Callable[[], Tensor]


def mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Dropout(0.4), nn.Linear(16, 8), nn.Tanh(), nn.Linear(8, 4))


def convolutional() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(inplace=True), Residual(4),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 4),
    )  # fmt: skip


CASES = (
    Case("mlp", mlp, lambda: torch.randn(6, 5)),
    Case("convolutional", convolutional, lambda: torch.randn(6, 2, 8, 8)),
    Case("recurrent", Recurrent, lambda: torch.randint(11, (6, 7))),
)


def cross_entropy(model: nn.Module, inputs: Tensor) -> Tensor:
    """The loss for targets that are drawn anew at each call, from the global generator."""
    return F.cross_entropy(model(inputs).float(), torch.randint(4, (len(inputs),)))
