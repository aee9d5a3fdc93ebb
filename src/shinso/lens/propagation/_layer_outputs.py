"""What each layer gives when a probe runs its model."""

from contextlib import ExitStack
from functools import partial
from typing import Any

from jaxtyping import Float
from torch import Tensor
from torch.utils import _pytree as pytree

from shinso.lens._probe import Parameters, Probe
from shinso.lens._subject import without_wrappers


def layer_outputs(probe: Probe, parameters: Parameters | None = None) -> tuple[dict[str, Float[Tensor, "..."]], Any]:
    """The outputs of the modules without children, by path in the order in which they ran, and the model's outputs.

    Of a module that runs several times each run has its own entry, with a number from the second on. They are copies
    that later operations in place do not change, with their graph where derivatives are on. Functions that are called
    without a module are not seen. Raises ValueError where no module gives a tensor of floating point.
    """
    seen: dict[str, Tensor] = {}
    with ExitStack() as hooks:
        for path, module in probe.model.named_modules():
            if not any(True for _ in module.children()):
                see = partial(_see, seen, without_wrappers(path) or type(module).__name__)
                hooks.callback(module.register_forward_hook(see).remove)
        outputs = probe.outputs(parameters)
    if not seen:
        raise ValueError(f"no module of {type(probe.model).__name__} gives a tensor of floating point: nothing to see")
    return seen, outputs


def _see(seen: dict[str, Tensor], path: str, module: object, inputs: object, output: Any) -> Any:
    leaves, structure = pytree.tree_flatten(output)
    place = next((i for i, leaf in enumerate(leaves) if isinstance(leaf, Tensor) and leaf.is_floating_point()), None)
    if place is None:
        return None
    runs = sum(name == path or name.startswith(f"{path} (") for name in seen)
    # The model goes on with a copy, so that what is kept is part of the graph and safe from operations in place.
    seen[f"{path} ({runs + 1})" if runs else path] = leaves[place]
    leaves[place] = leaves[place].clone()
    return pytree.tree_unflatten(leaves, structure)
