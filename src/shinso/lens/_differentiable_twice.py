"""Running a model so that its derivatives can be differentiated once more."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel


@contextmanager
def differentiable_twice(model: nn.Module) -> Iterator[None]:
    """Without the kernels that have one derivative only: fused attention, and cuDNN's recurrent layers."""
    cudnn, enabled = torch.backends.cudnn, torch.backends.cudnn.enabled
    with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):
        try:
            cudnn.enabled = enabled and not any(isinstance(module, nn.RNNBase) for module in model.modules())
            yield
        finally:
            cudnn.enabled = enabled
