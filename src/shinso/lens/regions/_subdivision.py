"""Cutting a plane into the polygons on which a network is affine, one piecewise-linear function after another."""

from itertools import count
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from shinso._run_with import run_with
from shinso.lens._subject import unwrapped, without_wrappers
from shinso.lens.regions._affine_run import FRAME, AffineRun, OnPlane, Reached
from shinso.lens.regions._at_rest import at_rest, in_double_precision
from shinso.lens.regions._cells import subdivided
from shinso.lens.regions._plane import Plane
from shinso.lens.regions._polygons import centres, joined, unit_square


class Subdivision(NamedTuple):
    """What is left of a plane when each piecewise-linear function has cut it."""

    layers: tuple[str, ...]
    polygons: tuple[Float[Tensor, "_ _ 2"], ...]
    """After each of the layers; the last ones are those of the whole network."""
    outputs: Float[Tensor, "polygon 3 output"]
    """Of the affine function of each last polygon: at the plane's corner, and its change along both edges."""


_ENTRIES_AT_ONCE = 4_000_000
"""Numbers that a piecewise-linear function chooses between, in all polygons that are run as one batch."""


_AGREEMENT = 1e-6
"""Of the outputs at the vertices with the functions found, relative to the largest output."""


class TooManyRegions(ValueError):
    """There are more regions than were allowed for; what was counted until then is here."""

    def __init__(self, most: int, layer: str, layers: tuple[str, ...], counts: tuple[int, ...]) -> None:
        super().__init__(
            f"there are more than {most} regions by {layer}: take a smaller plane (examples closer together, a smaller "
            "margin), a line, or allow for more with `most`"
        )
        self.layer = layer
        """Where there were too many."""
        self.layers = layers
        """Those before it."""
        self.counts = counts


def subdivide(model: nn.Module, plane: Plane, most: int) -> Subdivision:
    """Run the model once for each of its piecewise-linear functions, and cut by it what the ones before have left."""
    model = unwrapped(model)
    layers: list[str] = []
    after: list[Tensor] = []
    polygons, entries = unit_square(), 1
    with at_rest(model), torch.no_grad():
        state = in_double_precision(model)
        for number in count():
            cuts: list[_Cut] = []
            outputs: list[Tensor] = []
            for some in torch.split(polygons, max(1, _ENTRIES_AT_ONCE // entries)):
                part = _run(model, state, plane, some, number)
                if isinstance(part, Tensor):
                    outputs.append(part)
                    continue
                cuts.append(_Cut(part.layer, subdivided(some, part.scores, most)))
                entries = max(entries, part.scores[0].numel())
                if sum(len(cut.polygons) for cut in cuts) > most:
                    name = without_wrappers(part.layer)
                    raise TooManyRegions(most, name, tuple(layers), tuple(map(len, after)))
            if outputs:
                found = Subdivision(tuple(layers), (*after,) or (polygons,), torch.cat(outputs))
                _check_at_vertices(model, state, plane, found)
                return found
            layers.append(without_wrappers(cuts[0].layer))
            polygons = joined([cut.polygons for cut in cuts])
            after.append(polygons)
    raise AssertionError("a model calls finitely many functions")


def _check_at_vertices(model: nn.Module, state: dict[str, Tensor], plane: Plane, found: Subdivision) -> None:
    """Raise ValueError where the model is not what was found: a bend of an unknown function may lie off the frame."""
    device = next(model.parameters()).device
    scale = found.outputs.abs().max()
    at_once = max(1, _ENTRIES_AT_ONCE // (found.polygons[-1].shape[1] * max(1, plane.corner.numel())))
    for vertices, functions in zip(
        *(torch.split(part, at_once) for part in (found.polygons[-1], found.outputs)), strict=True
    ):
        inputs = plane.points(vertices.flatten(0, 1)).to(device)
        leaves = [leaf for leaf in pytree.tree_leaves(run_with(model, state, (inputs,), {})) if _is_real(leaf)]
        seen = torch.cat([leaf.reshape(*vertices.shape[:2], -1) for leaf in leaves], dim=2).cpu()
        apart = seen - functions[:, :1] - vertices @ functions[:, 1:]
        if not apart.abs().max() <= _AGREEMENT * scale:
            raise ValueError(
                "the model bends within what was found to be one region: it computes something that is neither affine "
                "nor a piecewise-linear function that is known here (ReLU and its kin, clamp, abs, maximum, max "
                "pooling); take grid_regions for an estimate"
            )


def _is_real(leaf: Any) -> bool:
    return isinstance(leaf, Tensor) and leaf.is_floating_point()


class _Scores(NamedTuple):
    layer: str
    scores: Float[Tensor, "polygon 3 place piece"]


class _Cut(NamedTuple):
    layer: str
    polygons: Tensor


def _run(
    model: nn.Module, state: dict[str, Tensor], plane: Plane, polygons: Float[Tensor, "polygon vertex 2"], stop_at: int
) -> Tensor | _Scores:
    """What the function with that number chooses by, or the outputs where the model has fewer of them."""
    device = next(model.parameters()).device
    frame = plane.points(FRAME).to(device)
    inputs = frame.repeat(len(polygons), *(1 for _ in frame.shape[1:])).as_subclass(OnPlane)
    run = AffineRun(centres(polygons), stop_at)
    with run.knowing_where(model), run:
        try:
            outputs = run_with(model, state, (inputs,), {})
        except Reached as reached:
            outputs = reached
    if not isinstance(outputs, Reached):
        return _affine_outputs(outputs, run, len(polygons))
    scores = outputs.choice.scores.as_subclass(Tensor)
    scores = scores.reshape(len(polygons), len(FRAME), -1, scores.shape[-1])[:, :3]
    return _Scores(outputs.layer, scores.cpu())


def _affine_outputs(outputs: Any, run: AffineRun, polygons: int) -> Float[Tensor, "polygon 3 output"]:
    leaves = [leaf for leaf in pytree.tree_leaves(outputs) if isinstance(leaf, OnPlane) and leaf.is_floating_point()]
    if not leaves or any(len(leaf) != polygons * len(FRAME) or not run.is_affine(leaf) for leaf in leaves):
        raise ValueError(
            "the model's outputs are no affine function of its input even where all known piecewise-linear functions "
            "are: it computes something across examples or hidden from torch; take grid_regions for an estimate"
        )
    values = torch.cat([leaf.as_subclass(Tensor).reshape(polygons, len(FRAME), -1) for leaf in leaves], dim=2).cpu()
    return torch.stack([values[:, 0], values[:, 1] - values[:, 0], values[:, 2] - values[:, 0]], dim=1)
