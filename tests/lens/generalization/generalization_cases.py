"""Small networks, and a probe of one, for the tests of generalisation."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from shinso.lens import Probe


class ResidualSum(nn.Module):
    """x + W₂ relu(W₁ x), then a head."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.head = nn.Linear(3, 4), nn.Linear(4, 3), nn.Linear(3, 2)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(inputs + self.second(F.relu(self.first(inputs))))


def classifier(seed: int = 0, dtype: torch.dtype = torch.float64) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3)).to(dtype)


def batch(examples: int = 12, seed: int = 1) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(examples, 3, generator=generator, dtype=torch.float64)
    return inputs, torch.randint(3, (examples,), generator=generator)


def probe_of(model: nn.Module, **batch_options: Any) -> Probe:
    return Probe(model, F.cross_entropy, *batch(**batch_options))
