"""The Hessian of a probe's loss: products with vectors from one graph, and all eigenvalues of small ones."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from shinso.lens._probe import Probe


class Hessian:
    """The Hessian of the mean loss in all trained parameters, as a linear map on flat vectors.

    The graph of the gradient is kept, so that each product costs two backward passes and no forward pass.
    Raises ValueError for a model without trained parameters.
    """

    def __init__(self, probe: Probe) -> None:
        at = {name: value.clone().requires_grad_() for name, value in probe.parameters.items()}
        if not at:
            raise ValueError(f"no parameter of {type(probe.model).__name__} requires a gradient: nothing has curvature")
        self._at = list(at.values())
        with torch.enable_grad(), _twice_differentiable():
            gradients = torch.autograd.grad(probe.loss(at), self._at, create_graph=True, materialize_grads=True)
            self._gradient = _flat(gradients)

    @property
    def size(self) -> int:
        """The number of parameters."""
        return self._gradient.numel()

    def __matmul__(self, vector: Float[Tensor, " parameters"]) -> Float[Tensor, " parameters"]:
        """The product with a vector, in the vector's type."""
        if not self._gradient.requires_grad:  # the loss is linear in the parameters
            return torch.zeros_like(vector)
        with _twice_differentiable():
            product = torch.autograd.grad(
                self._gradient, self._at, vector.to(self._gradient), retain_graph=True, materialize_grads=True
            )
        return _flat(product).to(vector)

    def eigenvalues(self) -> Float[Tensor, " parameters"]:
        """All eigenvalues, ascending, from the dense matrix: as many products as there are parameters.

        NaN where the loss has no finite curvature.
        """
        unit = torch.zeros_like(self._gradient, requires_grad=False)
        columns = []
        for place in range(self.size):
            unit[place] = 1
            columns.append((self @ unit).double())
            unit[place] = 0
        matrix = torch.stack(columns)
        if not matrix.isfinite().all():
            return torch.full_like(matrix[0], float("nan"))
        eigenvalues: Tensor = torch.linalg.eigvalsh((matrix + matrix.mT) / 2)
        return eigenvalues


def _flat(tensors: tuple[Tensor, ...]) -> Tensor:
    return torch.cat([tensor.reshape(-1) for tensor in tensors])


@contextmanager
def _twice_differentiable() -> Iterator[None]:
    # The fused kernels of attention and cuDNN's recurrent layers have no second derivative.
    with sdpa_kernel(SDPBackend.MATH), torch.backends.cudnn.flags(enabled=False):
        yield
