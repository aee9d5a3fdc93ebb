"""Cutting polygons where the greatest of several affine functions changes."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from shinso.lens.regions._affine_run import at_points
from shinso.lens.regions._polygons import CLOSE, centres, clipped, distances, extents, joined

_NOTHING = 1e-12
"""Slopes and values this small, relative to the greatest value, are rounding errors."""


def subdivided(
    polygons: Float[Tensor, "polygon vertex 2"], scores: Float[Tensor, "polygon 3 place piece"], most: int
) -> Float[Tensor, "more vertices 2"]:
    """The polygons cut so that in each place one piece has the greatest score all over a polygon.

    Scores are affine functions, given at the points (0, 0), (1, 0) and (0, 1). Cells thinner than 1e-10 are dropped.
    It stops early when there are more than ``most``.
    """
    scale = scores.abs().max().item() * _NOTHING
    places = _listed(_contested(polygons, scores, scale))
    parents = torch.arange(len(polygons))
    for number in range(places.shape[1]):
        place = places[parents, number]
        cut = place >= 0
        frame = scores[parents[cut], :, place[cut]]
        functions = torch.stack([frame[:, 1] - frame[:, 0], frame[:, 2] - frame[:, 0], frame[:, 0]], dim=2)
        cells = [_cell(piece, polygons[cut], functions, scale) for piece in range(scores.shape[3])]
        polygons = joined([polygons[~cut], *(cell for cell, _ in cells)])
        parents = torch.cat([parents[~cut], *(parents[cut][origin] for _, origin in cells)])
        if len(polygons) > most:
            break
    return polygons


def _contested(
    polygons: Float[Tensor, "polygon vertex 2"], scores: Float[Tensor, "polygon 3 place piece"], scale: float
) -> Bool[Tensor, "polygon place"]:
    """Where within the box around a polygon another piece could come out on top than at its centre."""
    at_centre = at_points(scores, centres(polygons))
    best = at_centre.argmax(dim=2, keepdim=True)
    slopes = scores[:, 1:] - scores[:, :1]
    steepness = (slopes.gather(3, best[:, None].expand(-1, 2, -1, -1)) - slopes).abs()
    apart = at_centre.gather(2, best) - at_centre
    within_reach = apart <= (steepness * extents(polygons)[:, :, None, None]).sum(dim=1)
    return (within_reach & (steepness.amax(dim=1) > scale)).any(dim=2)


def _listed(contested: Bool[Tensor, "polygon place"]) -> Int[Tensor, "polygon most"]:
    """The contested places of each polygon, with -1 after the last."""
    polygon, place = contested.nonzero(as_tuple=True)
    counts = contested.sum(dim=1)
    number = torch.arange(len(polygon)) - (counts.cumsum(0) - counts)[polygon]
    places = polygon.new_full((len(contested), int(counts.max())), -1)
    places[polygon, number] = place
    return places


def _cell(
    piece: int, polygons: Float[Tensor, "polygon vertex 2"], functions: Float[Tensor, "polygon piece 3"], scale: float
) -> tuple[Float[Tensor, "cell vertices 2"], Int[Tensor, " cell"]]:
    """The part of each polygon in which this piece is the greatest, and of which polygon it is a part."""
    origin = torch.arange(len(polygons))
    for other in range(functions.shape[1]):
        if other == piece or not len(origin):
            continue
        lines = _border(functions[origin, piece] - functions[origin, other], scale, first=piece < other)
        kept = distances(polygons, lines).amax(dim=1) > CLOSE
        polygons, origin = clipped(polygons[kept], lines[kept]), origin[kept]
    return polygons, origin


def _border(difference: Float[Tensor, "polygon 3"], scale: float, first: bool) -> Float[Tensor, "polygon 3"]:
    """The lines on which the difference is zero, as distances; of two equal functions the first is the greater."""
    steepness = difference[:, :2].norm(dim=1, keepdim=True)
    # A constant difference has no line: all of the polygon is on one side, an infinite distance away.
    beyond = torch.where(difference[:, 2].abs() <= scale, 1.0 if first else -1.0, difference[:, 2].sign())
    constant = torch.stack([torch.zeros_like(beyond), torch.zeros_like(beyond), beyond], dim=1)
    return torch.where(steepness <= scale, constant, difference / steepness.clamp_min(1e-300))
