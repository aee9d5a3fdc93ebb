"""A model in eval mode as a function of its inputs alone, which leaves no trace in it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import nn

from shinso._run_with import run_with
from shinso.lens._capture import looking_away
from shinso.lens._eval_mode import in_eval_mode
from shinso.lens._other_generators import other_generators_unmoved
from shinso.lens._probe import arguments

Model = nn.Module | Callable[..., Any]
"""A module, which is put into eval mode while it is used; or any function of the inputs, used as it is."""


@contextmanager
def at_rest(model: Model) -> Iterator[Callable[[Any], Any]]:
    """The model as a function of its inputs, while the context lasts.

    It is in eval mode, runs without autocast, gives its parameters no gradient and its buffers no new values; its
    modes and the random state are put back at the end, and no watch sees it. Inputs are one argument, a tuple or list
    of them, or a mapping of them by name.
    """
    device = _device(model)
    with (
        in_eval_mode(model) if isinstance(model, nn.Module) else nullcontext(),
        looking_away(),
        torch.random.fork_rng([device] if device.type == "cuda" else []),
        other_generators_unmoved(),
        torch.autocast(device.type, enabled=False),
    ):
        yield partial(_run, model)


def _run(model: Model, inputs: Any) -> Any:
    positional, by_name = arguments(inputs)
    if not isinstance(model, nn.Module):
        return model(*positional, **by_name)
    # Detached, so that derivatives in the inputs keep nothing for derivatives in the parameters.
    state = {name: parameter.detach() for name, parameter in model.named_parameters()}
    state |= {name: buffer.clone() for name, buffer in model.named_buffers()}
    return run_with(model, state, positional, by_name)


def _device(model: Model) -> torch.device:
    parameter = next(model.parameters(), None) if isinstance(model, nn.Module) else None
    if parameter is not None:
        return parameter.device
    # Of a function it is not known where it runs; where there is a device, it runs there.
    return torch.device("cuda", torch.cuda.current_device()) if torch.cuda.is_available() else torch.device("cpu")
