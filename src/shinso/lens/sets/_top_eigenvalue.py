"""The largest eigenvalue of the Hessian, followed from step to step."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from shinso.lens._lens import Need, Reading
from shinso.lens._probe import Probe
from shinso.lens._step import Step
from shinso.lens._subset import generator_of, random_examples
from shinso.lens.sets._gradient_graph import GradientGraph, Vector
from shinso.lens.sets._hessian import dot, hessian_product, random_normals


def top_eigenvalue(
    probe: Probe, products: int, start: Vector | None, generator: torch.Generator
) -> tuple[Float[Tensor, ""], Float[Tensor, ""], Vector]:
    """The largest eigenvalue of the Hessian of the loss, a bound on its error, and its eigenvector.

    By ``products`` steps of Lanczos' method with all vectors kept orthogonal, from a vector that points the right way
    or from a random one. Some eigenvalue of the Hessian lies within the bound ‖Hv - λv‖ of the reading, which itself
    is never above the largest one. All are NaN where the Hessian is not finite. Raises ValueError for fewer than one
    product.
    """
    if products < 1:
        raise ValueError(f"an eigenvalue needs at least one product with the Hessian; got {products}")
    graph = GradientGraph(probe)
    basis: list[Vector] = []
    images: list[Vector] = []
    vector = random_normals(graph.at, generator) if start is None else start
    for _ in range(products):
        length = dot(vector, vector).sqrt()
        if not basis or length > 1e-6 * dot(images[-1], images[-1]).sqrt():
            basis.append({name: value / length for name, value in vector.items()})
            images.append(hessian_product(graph, basis[-1]))
        vector = _orthogonal(images[-1], basis)
    small = torch.stack([torch.stack([dot(v, image) for image in images]) for v in basis]).double()
    if not small.isfinite().all():
        unknown = torch.full_like(images[0][next(iter(images[0]))].sum(), float("nan"))
        return unknown, unknown, {name: torch.full_like(value, float("nan")) for name, value in basis[0].items()}
    values, vectors = torch.linalg.eigh((small + small.T) / 2)
    weights = vectors[:, -1].to(images[0][next(iter(images[0]))].dtype)
    found, image = _combined(basis, weights), _combined(images, weights)
    rest = {name: image[name] - values[-1].to(value.dtype) * value for name, value in found.items()}
    return values[-1].to(weights.dtype), dot(rest, rest).sqrt(), found


def _orthogonal(vector: Vector, basis: list[Vector]) -> Vector:
    for _ in range(2):  # once is not enough in floating point
        for direction in basis:
            along = dot(direction, vector)
            vector = {name: value - along * direction[name] for name, value in vector.items()}
    return vector


def _combined(vectors: list[Vector], weights: Float[Tensor, " vectors"]) -> Vector:
    return {
        name: torch.stack([w * v[name] for w, v in zip(weights, vectors, strict=True)]).sum(0) for name in vectors[0]
    }


@dataclass(frozen=True)
class TopHessianEigenvalue:
    """Reads ``hessian/top_eigenvalue`` and its error bound ``hessian/top_eigenvalue_error``, from a few examples.

    Each reading starts from the eigenvector of the one before, so that it follows the largest curvature through
    training; the first ones are too small. Plain gradient descent is stable along it while the learning rate is below
    2 / λ (Cohen et al. 2021, arXiv 2103.00065). The bound is for the Hessian of the chosen examples; that of all data
    is usually smaller, because the examples chosen at random share less curvature than it. One object serves one
    training. Source: Lanczos 1950; Schneider et al. 2021, arXiv 2102.06604, §3.
    """

    examples: int = 16
    products: int = 4
    seed: int = 0
    _vector: Vector = field(default_factory=dict, repr=False, compare=False)

    name = "top_hessian_eigenvalue"
    needs = frozenset({Need.PROBE, Need.GRADIENTS})

    def read(self, step: Step) -> Mapping[str, Reading]:
        """The readings; starts anew where the parameters are not those of the reading before, or that was NaN."""
        generator = generator_of(step, self.seed)
        probe = random_examples(step.probe, self.examples, generator)
        shapes = {name: value.shape for name, value in probe.parameters.items()}
        known = {name: value.shape for name, value in self._vector.items()} == shapes
        start = dict(self._vector) if known else None
        value, error, vector = top_eigenvalue(probe, self.products, start, generator)
        self._vector.clear()
        if value.isfinite():
            self._vector.update(vector)
        return {"hessian/top_eigenvalue": Reading(value), "hessian/top_eigenvalue_error": Reading(error)}
