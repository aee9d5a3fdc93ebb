"""Counts of a network by torch's own means, to hold against published numbers."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

Row = tuple[str, int, int, int, int, int, int, int, int, str]
"""Name, parameters, multiply-accumulates, statistics, parameters of normalisation, parameter tensors, convolutions,
linear and normalisation layers, and the shapes after the stages."""


def check_row(function: Callable[..., nn.Module], row: Row, input_shape: tuple[int, ...], classes: int) -> None:
    """Holds the network that ``function`` builds by default against a row of the published numbers."""
    with torch.device("meta"):
        model = function().eval()
        images = torch.empty(1, *input_shape)
    shapes: set[str] = set()

    def note(module: nn.Module, inputs: Any, output: Tensor) -> None:
        shapes.add("x".join(map(str, output.shape[1:])))

    for child in model.children():
        child.register_forward_hook(note)
    with FlopCounterMode(display=False) as counter:
        output = model(images)
    assert output.shape == (1, classes)
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    assert row[1:9] == (
        sum(p.numel() for p in model.parameters()),
        counter.get_total_flops() // 2,
        sum(b.numel() for name, b in model.named_buffers() if not name.endswith("num_batches_tracked")),
        sum(p.numel() for norm in norms for p in norm.parameters()),
        len(list(model.parameters())),
        sum(isinstance(module, nn.Conv2d) for module in model.modules()),
        sum(isinstance(module, nn.Linear) for module in model.modules()),
        len(norms),
    )
    assert set(row[9].split(" > ")) <= shapes


def check_he_initialisation(model: nn.Module) -> None:
    """Holds the weights of every large layer against the variance of He et al., and all biases against 0."""
    layers = [module for module in model.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    assert any(layer.weight.numel() >= 4000 for layer in layers)
    for layer in layers:
        is_convolution = isinstance(layer, nn.Conv2d)
        fan = layer.weight[:, 0].numel() if is_convolution else layer.weight.shape[1]
        if layer.weight.numel() >= 4000:
            # Five standard errors of the variance of a normal sample.
            slack = 5 * (2 / layer.weight.numel()) ** 0.5
            assert abs(layer.weight.var().item() * fan / 2 - 1) < slack
        if layer.bias is not None:
            assert (layer.bias == 0).all()


def parameter_count(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())
