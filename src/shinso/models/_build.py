"""From a name and the shape of the data to a network."""

import difflib
import importlib.util
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import nn

from shinso.models._catalogue import CATALOGUE


def names() -> tuple[str, ...]:
    """The names that ``build`` knows, families together, oldest first."""
    return tuple(CATALOGUE)


def build(
    name: str,
    num_classes: int = 1000,
    in_channels: int = 3,
    *,
    input_shape: tuple[int, ...] | None = None,
    **options: Any,
) -> nn.Module:
    """The network of that name (or ``FILE.py:function``) with ``num_classes`` outputs, its weights initialised.

    ``input_shape`` is that of an example without the batch axis, where it is known; its channels then count. The
    function is called with ``options`` and with those of ``num_classes``, ``in_channels``, ``in_features``,
    ``image_size`` and ``input_shape`` that it takes. Raises ValueError for an unknown name or option, or images for a
    network of tables.
    """
    function = _function(name)
    facts = {"in_channels": in_channels} if input_shape is None else _facts(input_shape)
    facts |= {"num_classes": num_classes}
    parameters = inspect.signature(function).parameters
    _check_options(name, options, parameters)
    _check_shape(name, input_shape, parameters)
    try:
        network = function(**{key: value for key, value in facts.items() if key in parameters} | options)
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError) as error:
        raise ValueError(f"{name} failed: {type(error).__name__}: {error}") from error
    if not isinstance(network, nn.Module):
        raise ValueError(f"{name} must return a torch.nn.Module; it returned a {type(network).__name__}")
    return network


def takes_dropout(name: str) -> bool:
    """Whether the network of that name has an argument ``dropout``."""
    return "dropout" in inspect.signature(_function(name)).parameters


def _facts(input_shape: tuple[int, ...]) -> dict[str, Any]:
    features = 1
    for size in input_shape:
        features *= size
    facts: dict[str, Any] = {"input_shape": input_shape, "in_features": features}
    if len(input_shape) == 3:
        facts |= {"in_channels": input_shape[0], "image_size": input_shape[-1]}
    return facts


def _check_shape(name: str, input_shape: tuple[int, ...] | None, parameters: Mapping[str, inspect.Parameter]) -> None:
    if input_shape is None:
        if "in_features" in parameters:
            raise ValueError(
                f"{name} depends on the size of an example: give input_shape, such as (20,) or (1, 28, 28)"
            )
        return
    if "in_channels" in parameters and len(input_shape) != 3:
        raise ValueError(
            f"{name} takes images [channels, height, width], but an example here has shape {input_shape}: "
            f"try --model mlp"
        )
    if "image_size" in parameters and len(input_shape) == 3 and input_shape[1] != input_shape[2]:
        raise ValueError(f"{name} takes square images, but an example here has shape {input_shape}: set --image-size")


def _check_options(name: str, options: Mapping[str, Any], parameters: Mapping[str, inspect.Parameter]) -> None:
    if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values()):
        return
    for key in options:
        if key not in parameters:
            raise ValueError(f"{name} has no option {key!r}; it takes: {', '.join(parameters) or 'none'}")


def _function(name: str) -> Callable[..., nn.Module]:
    if name in CATALOGUE:
        return CATALOGUE[name].function
    path, separator, function_name = name.rpartition(":")
    if not separator or not path.endswith(".py"):
        containing = [other for other in CATALOGUE if name and name in other]
        near = containing or difflib.get_close_matches(name, CATALOGUE, cutoff=0.4) or ["mlp", "resnet"]
        raise ValueError(
            f"unknown model {name!r}; near it are {', '.join(near[:5])}. `shinso models` lists all {len(CATALOGUE)}; "
            f"FILE.py:function takes one of your own"
        )
    return _from_file(Path(path), function_name)


def _from_file(path: Path, function_name: str) -> Callable[..., nn.Module]:
    if not path.is_file():
        raise ValueError(f"there is no file {path}, wanted for its function {function_name!r}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None  # true of every .py file that exists
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ValueError(f"{path} cannot be loaded: {type(error).__name__}: {error}") from error
    function = getattr(module, function_name, None)
    if not callable(function):
        raise ValueError(f"{path} has no function {function_name!r}")
    return function  # type: ignore[no-any-return]
