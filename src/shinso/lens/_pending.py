"""Readings on their way from the device to the host."""

import math
from collections.abc import Mapping

import numpy as np
import torch

from shinso.lens._lens import Reading


class Pending:
    """The readings of one step, packed into one copy to the host that nobody waits for until they are wanted."""

    def __init__(self, step: int, readings: Mapping[str, Reading]) -> None:
        self.step = step
        self.labels = {name: reading.labels for name, reading in readings.items()}
        self._shapes = {name: tuple(reading.values.shape) for name, reading in readings.items()}
        device = next(iter(readings.values())).values.device
        packed = torch.cat([reading.values.detach().flatten().to(device) for reading in readings.values()])
        if packed.dtype == torch.bfloat16:
            packed = packed.float()  # NumPy has no such type
        self._host = torch.empty(packed.shape, dtype=packed.dtype, pin_memory=device.type == "cuda")
        self._host.copy_(packed, non_blocking=device.type == "cuda")
        self._copied = torch.cuda.current_stream(device).record_event() if device.type == "cuda" else None

    def arrays(self) -> dict[str, np.ndarray]:
        """The readings by name, as soon as the copy is done."""
        if self._copied is not None:
            self._copied.synchronize()
        values, start, found = self._host.numpy(), 0, {}
        for name, shape in self._shapes.items():
            stop = start + math.prod(shape)
            found[name] = values[start:stop].reshape(shape)
            start = stop
        return found
