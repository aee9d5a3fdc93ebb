"""From a name and the shape of the data to a network."""

import importlib.util
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import nn

from shinso.models._lenet5 import lenet5
from shinso.models._mlp import mlp
from shinso.models._resnet import resnet

_NETWORKS: dict[str, Callable[..., nn.Module]] = {"lenet5": lenet5, "mlp": mlp, "resnet": resnet}


def names() -> tuple[str, ...]:
    """The names that ``build`` knows."""
    return tuple(_NETWORKS)


def build(name: str, *, input_shape: tuple[int, ...], num_classes: int, **options: Any) -> nn.Module:
    """The network of that name (or ``FILE.py:function``) for examples of ``input_shape`` and ``num_classes`` outputs.

    The function is called with ``options`` and with those of ``num_classes``, ``in_channels``, ``in_features``,
    ``image_size`` and ``input_shape`` that it takes. Raises ValueError for an unknown name or option, or images for a
    network of tables.
    """
    function = _function(name)
    facts = _facts(input_shape) | {"num_classes": num_classes}
    parameters = inspect.signature(function).parameters
    _check_options(name, options, parameters)
    if "in_channels" in parameters and "in_channels" not in facts:
        raise ValueError(
            f"{name} takes images [channels, height, width], but an example here has shape {input_shape}: "
            f"try --model mlp"
        )
    if "image_size" in parameters and len(input_shape) == 3 and input_shape[1] != input_shape[2]:
        raise ValueError(f"{name} takes square images, but an example here has shape {input_shape}: set --image-size")
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


def _check_options(name: str, options: Mapping[str, Any], parameters: Mapping[str, inspect.Parameter]) -> None:
    if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values()):
        return
    for key in options:
        if key not in parameters:
            raise ValueError(f"{name} has no option {key!r}; it takes: {', '.join(parameters) or 'none'}")


def _function(name: str) -> Callable[..., nn.Module]:
    if name in _NETWORKS:
        return _NETWORKS[name]
    path, separator, function_name = name.rpartition(":")
    if not separator or not path.endswith(".py"):
        raise ValueError(f"unknown model {name!r}; expected one of {', '.join(_NETWORKS)}, or FILE.py:function")
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
