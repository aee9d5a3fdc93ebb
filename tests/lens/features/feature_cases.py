"""Small networks for the tests of what a network has learnt."""

import torch
from torch import Tensor, nn


def convolutional(seed: int = 0) -> nn.Sequential:
    """Two convolutions with what makes it hard to look inside: normalisation, rectification in place, dropout."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Conv2d(4, 5, 3),
        nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Dropout(0.5), nn.Linear(20, 3),
    ).double()  # fmt: skip


def images(count: int = 4, seed: int = 1) -> Tensor:
    return torch.randn(count, 3, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def state_of(model: nn.Module) -> dict[str, object]:
    """All that must stay: modes, tensors, gradients, hooks, random state."""
    return {
        "modes": [module.training for module in model.modules()],
        "tensors": {name: tensor.tolist() for name, tensor in model.state_dict().items()},
        "gradients": [parameter.grad for parameter in model.parameters()],
        "hooks": [(len(m._forward_hooks), len(m._forward_pre_hooks)) for m in model.modules()],
        "random": torch.get_rng_state().tolist(),
    }
