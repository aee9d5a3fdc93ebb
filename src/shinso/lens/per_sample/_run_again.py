"""Running a call again as it ran, with the same random numbers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from shinso.lens._call import Call
from shinso.lens._nested import tensors_in, with_tensors


def run_again(call: Call, replace: Callable[[Tensor], Any], **kwargs: Any) -> list[Tensor]:
    """The tensors that the call returns, with other tensors for those that it was given."""
    args, named = with_tensors((call.args, call.kwargs), replace)
    with drawing_the_same(call):
        return tensors_in(call.function(*args, **{**named, **kwargs}))


@contextmanager
def drawing_the_same(call: Call) -> Iterator[None]:
    """While the context lasts, random numbers are those that the call drew; the generators are left as they were."""
    if call.random_state is None:
        yield
        return
    device = next(tensor.device for tensor in tensors_in((call.args, call.kwargs)))
    on_cuda = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(on_cuda):
        if on_cuda:
            torch.cuda.set_rng_state(call.random_state, device)
        else:
            torch.set_rng_state(call.random_state)
        yield
