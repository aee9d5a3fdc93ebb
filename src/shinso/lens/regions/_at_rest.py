"""A model in evaluation mode and in double precision, without a trace of having been run."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from shinso.lens._capture import looking_away
from shinso.lens._eval_mode import in_eval_mode
from shinso.lens._other_generators import other_generators_unmoved
from shinso.lens._probe import RandomStates


def in_double_precision(model: nn.Module) -> dict[str, Tensor]:
    """Copies of its parameters and buffers, to run it with."""
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    return {name: value.double() if value.is_floating_point() else value.clone() for name, value in tensors.items()}


@contextmanager
def at_rest(model: nn.Module) -> Iterator[None]:
    """In eval mode, unseen by watches, with autocast off and random states as they were when it is over."""
    states = RandomStates(model)
    autocast = torch.autocast(states.device.type, enabled=False)
    with in_eval_mode(model), looking_away(), states.put_back(), other_generators_unmoved(), autocast:
        yield
