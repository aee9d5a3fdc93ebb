"""Refusing models that run layers again in the backward pass, when other tensors are in their places."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

_REFUSED = (
    "the model checkpoints activations (torch.utils.checkpoint): it would run layers again in the backward pass, when "
    "its own parameters and running statistics are back in their places. Lenses that run the model again need it "
    "without checkpointing: leave that off at the steps that are watched, or inspect the trained model without it"
)


@contextmanager
def refusing_checkpointing() -> Iterator[None]:
    """Raise ValueError where activations are checkpointed while the context lasts."""
    hooks = torch._C._autograd
    before = hooks._saved_tensors_hooks_get_disabled_error_message()
    # torch.autograd.graph.disable_saved_tensors_hooks would refuse hooks around this too, such as those of save_on_cpu.
    hooks._saved_tensors_hooks_disable(_REFUSED, False)
    try:
        yield
    except RuntimeError as error:
        if str(error) == _REFUSED:
            raise ValueError(_REFUSED) from None
        raise
    finally:
        if before is None:
            hooks._saved_tensors_hooks_enable()
        else:
            hooks._saved_tensors_hooks_disable(before, False)
