"""What a network computes, linearised in its parameters."""

from collections.abc import Iterable

import torch
from torch import Tensor

from shinso.lens.curvature._curvature_matrix import Named


class Linearized:
    """The derivative of outputs in the parameters: ``forward`` from parameters to outputs, ``back`` its transpose.

    The forward derivative is that of the backward one, which is linear in what it is given, so that both need one kept
    graph and no operation needs a forward derivative in torch.
    """

    def __init__(self, outputs: tuple[Tensor, ...], point: Named) -> None:
        self._outputs = outputs
        self._point = point
        self._adjoint = tuple(torch.zeros_like(output).requires_grad_() for output in outputs)
        pulled = torch.autograd.grad(
            outputs, list(point.values()), self._adjoint, create_graph=True, materialize_grads=True
        )
        self._pulled = {name: part for name, part in zip(point, pulled, strict=True) if part.requires_grad}

    def forward(self, vector: Named) -> tuple[Tensor, ...]:
        """How the outputs change along a vector; parameters left out stay."""
        rows = [name for name in vector if name in self._pulled]
        if not rows:
            return tuple(torch.zeros_like(output) for output in self._outputs)
        pulled, directions = [self._pulled[name] for name in rows], [vector[name] for name in rows]
        return torch.autograd.grad(pulled, self._adjoint, directions, retain_graph=True, materialize_grads=True)

    def back(self, changes: tuple[Tensor, ...], names: Iterable[str]) -> Named:
        """What the transpose makes of changes of the outputs, for the named parameters."""
        names = list(names)
        leaves = [self._point[name] for name in names]
        pulled = torch.autograd.grad(self._outputs, leaves, changes, retain_graph=True, materialize_grads=True)
        return dict(zip(names, pulled, strict=True))
