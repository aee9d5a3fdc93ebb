"""The commands about networks: ``shinso graph`` and ``shinso models``."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class GraphFlags:
    """What a network computes and costs: parameters, multiply-accumulates and memory by module. Nothing is run."""

    model: Annotated[str, tyro.conf.Positional]
    """A name that `shinso models` lists, FILE.py:function, or a FILE.pt2 written by torch.export.save."""
    input: Annotated[tuple[str, ...], tyro.conf.UseAppendAction]
    """Shape of an input with its batch axis, such as 1,3,224,224; for whole numbers 4,16:int64. Once for each input."""
    num_classes: int = 10
    """Outputs of a network that is built by name."""
    model_options: dict[str, int | float | bool | str] = field(default_factory=dict)
    """Keyword arguments of the network, such as: depth 56 normalization group."""
    depth: int | None = None
    """How deep into modules the table and the picture go."""
    values: bool = False
    """List every value and operation as well."""
    svg: Path | None = None
    """Write the drawing to this file."""


def graph_command(arguments: list[str]) -> int:
    """Prints what a network costs and draws it; returns the exit status."""
    flags = tyro.cli(GraphFlags, prog="shinso graph", args=arguments)
    from shinso.graph import trace

    inputs = [_input(text) for text in flags.input]
    network = _network(flags, tuple(inputs[0].shape[1:]))
    try:
        graph = trace(network, *inputs)
    except (RuntimeError, TypeError, IndexError) as error:
        shapes = " and ".join(flags.input)
        raise ValueError(f"{flags.model} does not take an input of {shapes}: {error}") from error
    if flags.values:
        print(graph, end="\n\n")
    print(graph.cost().table(depth=flags.depth))
    if flags.svg is not None:
        print(graph.draw(flags.svg, depth=flags.depth))
    return 0


def _network(flags: GraphFlags, input_shape: tuple[int, ...]) -> "nn.Module":
    from shinso import models
    from shinso.graph.exported import load_exported

    if flags.model.endswith(".pt2"):
        return load_exported(flags.model)
    options: dict[str, Any] = flags.model_options
    return models.build(flags.model, input_shape=input_shape, num_classes=flags.num_classes, **options)


def _input(text: str) -> "Tensor":
    """A tensor of zeros of the shape and type that a flag says."""
    import torch

    sizes, _, name = text.partition(":")
    dtype = getattr(torch, name or "float32", None)
    try:
        shape = [int(size) for size in sizes.split(",")]
    except ValueError:
        shape = []
    if not shape or min(shape) < 1 or not isinstance(dtype, torch.dtype):
        raise ValueError(f"--input takes a shape such as 1,3,224,224, or with a type 4,16:int64; got {text!r}")
    return torch.zeros(shape, dtype=dtype)
