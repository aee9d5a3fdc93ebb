"""The features that a network, or any function, finds in images and the like."""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float64

_BATCH = 256


def network_features(features: Callable[[Any], Any], data: Any) -> Float64[np.ndarray, "rows features"]:
    """What ``features`` makes of the data, batch by batch, flattened to a matrix.

    A torch module is run as it predicts: in evaluation mode (afterwards each part is as it was), without gradients, and
    on the device of its parameters. Another callable gets the data's slices as they are. Raises ValueError where it
    gives back another number of rows or no array, for data of no rows, and for a torch ``Dataset`` or ``DataLoader``.
    """
    if any(kind.__module__.startswith("torch.utils.data") for kind in type(data).__mro__):
        raise ValueError(
            f"features are found in rows that can be sliced: an array, a tensor, a table, a list; got a "
            f"{type(data).__name__}: give the examples, as by torch.stack([example for example, _ in dataset])"
        )
    if not len(data):
        raise ValueError("there are no rows to find features in")
    if hasattr(features, "named_parameters"):
        return _of_module(features, data)
    return np.concatenate([_matrix(features(batch), len(batch)) for batch in _batches(data)])


def _of_module(module: Any, data: Any) -> Float64[np.ndarray, "rows features"]:
    import torch

    modes = {part: part.training for part in module.modules()}
    weight = next(iter(module.parameters()), torch.zeros(()))
    module.eval()
    try:
        with torch.no_grad():
            parts = []
            for batch in _batches(data):
                rows = _tensor(batch).to(weight.device)
                rows = rows.to(weight.dtype) if rows.is_floating_point() else rows
                parts.append(_matrix(_found(module, rows), len(rows)))
    finally:
        for part, training in modes.items():
            part.training = training
    return np.concatenate(parts)


def _tensor(batch: Any) -> Any:
    import torch

    if isinstance(batch, list | tuple) and isinstance(batch[0], torch.Tensor):
        return torch.stack(tuple(batch))
    return torch.as_tensor(np.array(batch) if hasattr(batch, "iloc") else batch)


def _found(module: Any, rows: Any) -> Any:
    try:
        return module(rows)
    except RuntimeError as error:
        if rows.is_floating_point():
            raise
        raise ValueError(
            f"the network does not take {rows.dtype} ({error}): give floats, scaled as those that it was trained on"
        ) from error


def _batches(data: Any) -> list[Any]:
    return [data[start : start + _BATCH] for start in range(0, len(data), _BATCH)]


def _matrix(found: Any, rows: int) -> Float64[np.ndarray, "rows features"]:
    if isinstance(found, tuple | dict):
        raise ValueError(
            f"features are one array for a batch; they made a {type(found).__name__}: choose one part of it, as by "
            "features=lambda batch: network(batch)[0]"
        )
    if hasattr(found, "detach"):
        found = found.detach().cpu().double().numpy()
    array = np.asarray(found, dtype=np.float64)
    if array.ndim == 0 or len(array) != rows:
        raise ValueError(f"features give one row for each given; of {rows} rows they made the shape {array.shape}")
    return array.reshape(rows, -1)
