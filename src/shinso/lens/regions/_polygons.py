"""Convex polygons in the unit square, many at once: each a row of vertices, shorter ones repeat their last vertex."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

CLOSE = 1e-10
"""Vertices this close are one, where the square has side 1; also how close to a line counts as on it."""


def unit_square() -> Float[Tensor, "1 4 2"]:
    """The square itself."""
    return torch.tensor([[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]], dtype=torch.float64)


def centres(polygons: Float[Tensor, "polygon vertex 2"]) -> Float[Tensor, "polygon 2"]:
    """A point inside each polygon: the mean of its vertices as they are written, repeated ones more than once."""
    return polygons.mean(dim=1)


def extents(polygons: Float[Tensor, "polygon vertex 2"]) -> Float[Tensor, "polygon 2"]:
    """How far the vertices are from the centre at most, along both axes."""
    return (polygons - centres(polygons)[:, None]).abs().amax(dim=1)


def areas(polygons: Float[Tensor, "polygon vertex 2"]) -> Float[Tensor, " polygon"]:
    """As shares of the square."""
    x, y = polygons.unbind(dim=2)
    return (x * y.roll(-1, 1) - x.roll(-1, 1) * y).sum(dim=1).abs() / 2


def distances(
    polygons: Float[Tensor, "polygon vertex 2"], lines: Float[Tensor, "polygon 3"]
) -> Float[Tensor, "polygon vertex"]:
    """Of the vertices from one line for each polygon, with a sign.

    A line is (a, b, c) with ax + by + c = 0 and a² + b² = 1; with a = b = 0 all distances are c.
    """
    a, b, c = lines[:, None, :].unbind(dim=2)
    return polygons[:, :, 0] * a + polygons[:, :, 1] * b + c


def clipped(
    polygons: Float[Tensor, "polygon vertex 2"], lines: Float[Tensor, "polygon 3"]
) -> Float[Tensor, "polygon vertices 2"]:
    """The part of each polygon on the positive side of its line, which it must have.

    Source: Sutherland and Hodgman 1974, for one line.
    """
    apart = distances(polygons, lines)
    apart = torch.where(apart.abs() <= CLOSE, 0.0, apart)
    following, next_apart = polygons.roll(-1, 1), apart.roll(-1, 1)
    crosses = apart * next_apart < 0
    share = torch.where(crosses, apart / (apart - next_apart), 0.0)
    crossings = polygons + share[:, :, None] * (following - polygons)
    repeats = (polygons == polygons.roll(1, 1)).all(dim=2)
    repeats[:, 0] = False
    # Each vertex is followed by the crossing on the edge that starts at it.
    vertices = torch.stack([polygons, crossings], dim=2).flatten(1, 2)
    return _compacted(vertices, torch.stack([(apart >= 0) & ~repeats, crosses], dim=2).flatten(1))


def joined(parts: list[Float[Tensor, "_ _ 2"]]) -> Float[Tensor, "all most 2"]:
    """All polygons as one tensor."""
    most = max(part.shape[1] for part in parts)
    return torch.cat([torch.cat([part, part[:, -1:].expand(-1, most - part.shape[1], -1)], dim=1) for part in parts])


def _compacted(
    vertices: Float[Tensor, "polygon many 2"], kept: Bool[Tensor, "polygon many"]
) -> Float[Tensor, "polygon vertices 2"]:
    """Only the vertices to keep, in their order, then the last of them again and again."""
    if not len(vertices):
        return vertices[:, :1]
    counts = kept.sum(dim=1, keepdim=True)
    order = torch.argsort(~kept, dim=1, stable=True)[:, : int(counts.max())]
    places = torch.arange(order.shape[1]).expand_as(order)
    order = order.gather(1, places.minimum(counts - 1))
    return vertices.gather(1, order[:, :, None].expand(-1, -1, 2))
