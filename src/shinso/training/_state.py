"""Everything that a resumed training needs besides the weights: to a dictionary and back, the same for any number
of processes.
"""

import random
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor, distribute_tensor


def weights_of(model: nn.Module) -> dict[str, Tensor]:
    """A copy of all parameters and buffers, whole, on the CPU."""
    return {name: _whole(value).detach().cpu().clone() for name, value in model.state_dict().items()}


def load_weights(model: nn.Module, weights: dict[str, Tensor]) -> None:
    """Puts weights into the model in place, whatever its layout in memory or over processes."""
    current = model.state_dict()
    model.load_state_dict({name: _laid_out_like(current[name], value) for name, value in weights.items()})


def optimizer_state(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """The optimizer's state with whole tensors."""
    state = optimizer.state_dict()
    moments = {
        index: {key: _whole(value) if isinstance(value, Tensor) else value for key, value in entry.items()}
        for index, entry in state["state"].items()
    }
    return {"state": moments, "param_groups": state["param_groups"]}


def load_optimizer_state(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Continues with a state that ``optimizer_state`` gave."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    moments = {
        index: {
            key: _laid_out_like(parameters[index], value) if isinstance(value, Tensor) and value.ndim else value
            for key, value in entry.items()
        }
        for index, entry in state["state"].items()
    }
    optimizer.load_state_dict({"state": moments, "param_groups": state["param_groups"]})


def random_state() -> dict[str, Any]:
    """The state of every generator that training may draw from."""
    kind, keys, position, has_gauss, gauss = np.random.get_state(legacy=True)
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "numpy": [kind, torch.from_numpy(np.asarray(keys).astype(np.int64)), position, has_gauss, gauss],
        "python": random.getstate(),
    }


def load_random_state(state: dict[str, Any]) -> None:
    """Continues all generators from a state that ``random_state`` gave."""
    torch.set_rng_state(state["torch"])
    if torch.cuda.is_available() and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])
    kind, keys, *rest = state["numpy"]
    np.random.set_state((kind, keys.numpy().astype(np.uint32), *rest))
    version, internal, gauss = state["python"]
    random.setstate((version, tuple(internal), gauss))


def _whole(tensor: Tensor) -> Tensor:
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def _laid_out_like(current: Tensor, value: Tensor) -> Tensor:
    if isinstance(current, DTensor):
        return distribute_tensor(value.to(current.device), current.device_mesh, current.placements)
    return value
