"""A model as it is used: in eval mode for a while."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def in_eval_mode(model: nn.Module) -> Iterator[None]:
    """While the context lasts, dropout is off and batch normalisation uses its running statistics.

    Recurrent layers run without cuDNN, which takes no derivatives in eval mode.
    """
    modes = {module: module.training for module in model.modules()}
    cudnn, enabled = torch.backends.cudnn, torch.backends.cudnn.enabled
    model.eval()
    try:
        if enabled and any(isinstance(module, nn.RNNBase) for module in modes):
            cudnn.enabled = False
        yield
    finally:
        if cudnn.enabled != enabled:
            cudnn.enabled = enabled
        for module, mode in modes.items():
            module.training = mode
