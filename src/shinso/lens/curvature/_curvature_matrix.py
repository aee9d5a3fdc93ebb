"""A curvature matrix of a loss in a model's parameters, known by its products with vectors."""

from collections.abc import Callable, Collection, Mapping

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from shinso.lens._differentiable_twice import differentiable_twice
from shinso.lens._probe import Probe
from shinso.lens.curvature._chunks import (
    Chunk,
    adds_up,
    batch_size,
    chunks,
    good_chunk_size,
    is_mean_over_examples,
    saved_bytes_by_example,
)
from shinso.lens.curvature._parameter_vectors import ParameterVectors

Named = Mapping[str, Shaped[Tensor, "..."]]
Product = Callable[[Named], Named]
"""From a vector to the matrix times it, both by parameter; names left out are left out of the matrix (a block)."""
MakeProduct = Callable[[Probe, Named], Product]
"""Builds the graph of one chunk at a point."""


class CurvatureMatrix:
    """A symmetric matrix over the trained parameters; ``matrix @ vector`` is a product, in the parameters' precision.

    Made by ``hessian``, ``gauss_newton`` or ``empirical_fisher``, at the parameters as they then are. Examples are
    taken in chunks; each chunk's graph is kept for the next product as long as all together take less memory than
    ``kept_bytes``, and built again for each product beyond that. Products are deterministic.
    """

    def __init__(self, probe: Probe, make: MakeProduct, chunk_size: int | None, kept_bytes: float) -> None:
        point = {name: value.clone().requires_grad_() for name, value in probe.parameters.items()}
        self.vectors = ParameterVectors(point)
        """How a flat vector and the parameters correspond."""
        self._point: Named = point
        self._make = make
        with differentiable_twice(probe.model):
            self._parts = _parts(probe, lambda part: make(part, point), chunk_size, kept_bytes)

    @property
    def size(self) -> int:
        """How many rows it has: the numbers in the parameters."""
        return self.vectors.size

    def __matmul__(self, vector: Float[Tensor, " parameters"]) -> Float[Tensor, " parameters"]:
        """The product with a vector; raises ValueError if that has another length."""
        directions = self.vectors.named(vector, self._point)
        total = torch.zeros(self.size, dtype=self.vectors.dtype, device=self.vectors.device)
        for part, kept in self._parts:
            with differentiable_twice(part.probe.model):
                product = kept or self._make(part.probe, self._point)
                total += part.share * self.vectors.flat(product(directions))
        return total

    @property
    def summands(self) -> list["CurvatureMatrix"]:
        """The shares of the chunks, which add up to it."""
        return [self._like(self.vectors, [part]) for part in self._parts]

    def block(self, names: Collection[str]) -> "CurvatureMatrix":
        """The diagonal block of some of the parameters, from the same graphs; raises KeyError for an unknown name."""
        unknown = [name for name in names if name not in self._point]
        if unknown:
            raise KeyError(f"{unknown} are no trained parameters; there are {list(self._point)}")
        vectors = ParameterVectors({name: self._point[name] for name in self.vectors.names if name in names})
        return self._like(vectors, self._parts)

    def _like(self, vectors: ParameterVectors, parts: list[tuple[Chunk, Product | None]]) -> "CurvatureMatrix":
        """Of the same graphs, with fewer rows or examples."""
        other = object.__new__(CurvatureMatrix)
        other.vectors, other._parts = vectors, parts
        other._point, other._make = self._point, self._make
        return other


def _parts(
    probe: Probe, build: Callable[[Probe], Product], chunk_size: int | None, kept_bytes: float
) -> list[tuple[Chunk, Product | None]]:
    """The batch in chunks, with the graphs of as many as fit into memory."""
    if chunk_size is not None and chunk_size < 1:
        raise ValueError(f"a chunk has at least one example; got chunk_size={chunk_size}")
    if is_mean_over_examples(probe):
        bytes_by_example = saved_bytes_by_example(probe, build)
        cuts = chunks(probe, chunk_size or good_chunk_size(probe, bytes_by_example))
        if adds_up(probe, cuts):
            return _built(cuts, build, bytes_by_example, kept_bytes)
    if chunk_size is not None and chunk_size < batch_size(probe):
        raise ValueError(
            f"the batch cannot be taken in chunks of {chunk_size}: its loss is not the mean of its parts' losses. "
            "That is so under batch normalisation in training mode, dropout, weighted classes or a summed loss: "
            "call model.eval(), make the loss a mean, or leave chunk_size out"
        )
    return [(Chunk(probe, 1.0), build(probe))]


def _built(
    cuts: list[Chunk], build: Callable[[Probe], Product], bytes_by_example: float, kept_bytes: float
) -> list[tuple[Chunk, Product | None]]:
    found: list[tuple[Chunk, Product | None]] = []
    for chunk in cuts:
        kept_bytes -= bytes_by_example * batch_size(chunk.probe)
        found.append((chunk, build(chunk.probe) if kept_bytes >= 0 else None))
    return found
