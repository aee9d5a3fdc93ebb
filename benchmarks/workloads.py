"""The four workloads that training speed is measured on: float32, two threads, data in memory."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from shinso import models


@dataclass(frozen=True)
class Workload:
    """A network, its data, and how many steps make a round of a few seconds."""

    name: str
    build: Callable[[], nn.Module]
    inputs: Tensor
    targets: Tensor
    batch_size: int
    steps: int
    classes: int


class LSTMLanguageModel(nn.Module):
    """One LSTM layer of 256 between an embedding and a linear layer over a vocabulary of 64."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(64, 256)
        self.lstm = nn.LSTM(256, 256, batch_first=True)
        self.head = nn.Linear(256, 64)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.lstm(self.embedding(tokens))[0])


def mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10))


def convolutional() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32 * 49, 128), nn.ReLU(), nn.Linear(128, 10),
    )  # fmt: skip


def workloads() -> dict[str, Workload]:
    """W1 to W4 on random data: nothing that is timed depends on the values."""
    generator = torch.Generator().manual_seed(0)

    def random(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    def classes(*shape: int, count: int = 10) -> Tensor:
        return torch.randint(count, shape, generator=generator)

    tokens = classes(32 * 40, 65, count=64)
    made = (
        Workload("W1 mlp", mlp, random(128 * 400, 784), classes(128 * 400), 128, 800, 10),
        Workload("W2 conv", convolutional, random(128 * 100, 1, 28, 28), classes(128 * 100), 128, 300, 10),
        Workload("W3 resnet20", models.resnet, random(128 * 20, 3, 32, 32), classes(128 * 20), 128, 20, 10),
        Workload("W4 lstm", LSTMLanguageModel, tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous(), 32, 40, 64),
    )
    return {workload.name[:2]: workload for workload in made}
