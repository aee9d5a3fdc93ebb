"""Runs that can be repeated: the same random numbers each time, and nothing changed afterwards."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


@contextmanager
def repeatable(buffers: Iterable[Tensor] = ()) -> Iterator[None]:
    """Inside it random numbers are those of one seed; after it they go on as before, and buffers are put back."""
    held = list(buffers)
    saved = [buffer.clone() for buffer in held]
    accelerator = torch.accelerator.current_accelerator()
    devices = list(range(torch.accelerator.device_count()))
    try:
        with torch.random.fork_rng(devices=devices, device_type=accelerator.type if accelerator else "cuda"):
            torch.manual_seed(0)
            yield
    finally:
        with torch.no_grad():
            for buffer, value in zip(held, saved, strict=True):
                buffer.copy_(value)
