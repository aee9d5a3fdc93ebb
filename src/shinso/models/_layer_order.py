"""The order of a file's layers that is the order of a network's.

A safetensors file keeps its tensors sorted by name, so that the order in which a network defines its modules is lost:
"bn1" comes before "conv1", "layer1.10" before "layer1.2". What is left is how modules are nested, and the numbers in
their names. An order that keeps both and has the network's shapes is searched for, module by module.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Optional

from shinso.models._stored_layer import StoredLayer

# What names agree on everywhere: a shortcut, and the older of two inputs.
_ROLES = (re.compile("downsample|shortcut|skip"), re.compile("prev"))
_MOST_STEPS = 200_000


@dataclass(eq=False)
class _Module:
    """A module of the file: a layer, or a container of modules in the natural order of their names."""

    name: str
    layer: StoredLayer | None = None
    children: list["_Module"] = field(default_factory=list)


# What is still to come: the other modules of the innermost open container, then what comes after that container.
_Rest = tuple[tuple[_Module, ...], Optional["_Rest"]]


def in_order_of(own: Sequence[StoredLayer], given: Sequence[StoredLayer]) -> list[StoredLayer] | None:
    """The given layers, each once, so that each fits the network's own at its place; None where no such order is found.

    Every module of the file stays in one piece, and names that differ in their last number alone stay in its order.
    Where several orders fit, a shortcut goes to a shortcut, what stands beside the last layer comes before what stands
    inside another module, and then the natural order of names decides.
    """
    if not own:
        return []
    chosen: list[StoredLayer] = []
    way: list[_Rest] = []
    choices = [_choices((tuple(_tree(given).children), None), own[0])]
    dead_ends: set[_Rest] = set()
    for _ in range(_MOST_STEPS):
        layer, rest = next(choices[-1], (None, None))
        if layer is None or rest is None:
            choices.pop()
            if not choices:
                return None
            chosen.pop()
            dead_ends.add(way.pop())
        elif rest not in dead_ends:
            chosen.append(layer)
            if len(chosen) == len(own):
                return chosen
            way.append(rest)
            choices.append(_choices(rest, own[len(chosen)]))
    return None


def _choices(rest: _Rest, wanted: StoredLayer) -> Iterator[tuple[StoredLayer, _Rest]]:
    """What can come next and fits, the likeliest first: of the same role, then in the same module as the last."""
    fitting = ((layer, later) for layer, later in _next_layers(rest) if layer.fits(wanted))
    return iter(sorted(fitting, key=lambda choice: (_differing_roles(choice[0], wanted), choice[0].path.count("."))))


def _differing_roles(given: StoredLayer, own: StoredLayer) -> int:
    return sum(bool(role.search(given.path)) != bool(role.search(own.path)) for role in _ROLES)


def _next_layers(rest: _Rest | None) -> Iterator[tuple[StoredLayer, _Rest]]:
    """The layers that can come next, each with what is to come after it."""
    while rest is not None and not rest[0]:
        rest = rest[1]
    if rest is None:
        return
    modules, after = rest
    for module in _first_of_each_series(modules):
        others: _Rest = (tuple(other for other in modules if other is not module), after)
        if module.layer is not None:
            yield module.layer, others
        else:
            yield from _next_layers((tuple(module.children), others))


def _first_of_each_series(modules: Sequence[_Module]) -> Iterator[_Module]:
    """Of names like conv1, conv2 and 3a, 3b the first one, of all others each."""
    seen = set()
    for module in modules:
        series = re.sub(r"\d+[a-z]?$", "#", module.name)
        if series not in seen:
            yield module
        if series.endswith("#"):
            seen.add(series)


def _tree(layers: Sequence[StoredLayer]) -> _Module:
    top = _Module("")
    containers = {"": top}
    for layer in layers:
        container = top
        for depth, name in enumerate(parts := layer.path.split(".")):
            path = ".".join(parts[: depth + 1])
            if path not in containers:
                containers[path] = _Module(name)
                container.children.append(containers[path])
            container = containers[path]
        container.children.append(_Module("", layer))
    for container in containers.values():
        container.children.sort(key=lambda module: _natural(module.name))
    return top


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Numbers in a name compare as numbers, and come before words."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.findall(r"\d+|\D+", name)]
