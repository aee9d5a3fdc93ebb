"""The Hessian of a loss times a vector, without the Hessian (lecture 004 equation 6.59), in two ways."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils import _pytree as pytree

from shinso.graph.derivatives._parameter_vectors import check_parameters, flat_vector, in_the_shape_of

Loss = Callable[[Any], Tensor]
_TWICE_DIFFERENTIABLE = SDPBackend.MATH  # of torch's kernels for attention; the fused ones have one derivative


class DoubleBackward:
    """Hessian times vector as ∇[(∇loss)ᵀv] (lecture 004 equation 6.59; Pearlmutter 1994).

    The gradient and its graph are made once and kept, so that each product is one sweep back through both.
    """

    def __init__(self, loss: Loss, parameters: Any) -> None:
        check_parameters(parameters)
        self.parameters = _own(parameters)
        leaves, structure = pytree.tree_flatten(self.parameters)
        self._leaves = [leaf.requires_grad_() for leaf in leaves]
        with torch.enable_grad(), sdpa_kernel(_TWICE_DIFFERENTIABLE):
            value = loss(pytree.tree_unflatten(self._leaves, structure))
            check_scalar(value)
            found = torch.autograd.grad(value, self._leaves, create_graph=True, materialize_grads=True)
        self._gradient = {number: part for number, part in enumerate(found) if part.requires_grad}
        self._constant = {number: part for number, part in enumerate(found) if not part.requires_grad}
        if self._constant:
            self._check_constant(loss, structure)

    def __call__(self, vector: Any) -> Any:
        """The product, like the vector: flat, or nested as the parameters are."""
        directions = pytree.tree_leaves(in_the_shape_of(vector, self.parameters))
        parts = [torch.zeros_like(leaf) for leaf in self._leaves]
        if self._gradient:
            chosen = [directions[number] for number in self._gradient]
            parts = list(
                torch.autograd.grad(
                    list(self._gradient.values()), self._leaves, chosen, retain_graph=True, materialize_grads=True
                )
            )
        return _like(vector, parts, self.parameters)

    def _check_constant(self, loss: Loss, structure: Any) -> None:
        """Raises RuntimeError if a part of the gradient that torch sees no derivative of is other elsewhere."""
        elsewhere = [(leaf.detach() * 1.01 + 0.01).requires_grad_() for leaf in self._leaves]
        with torch.enable_grad():
            value = loss(pytree.tree_unflatten(elsewhere, structure))
            moved = torch.autograd.grad(value, elsewhere, materialize_grads=True)
        for number, part in self._constant.items():
            if not torch.allclose(part, moved[number], rtol=1e-3, atol=1e-6, equal_nan=True):
                raise RuntimeError(
                    "the gradient changes from point to point but has no derivative: the backward of an operation is "
                    "not differentiable, as that of a custom autograd.Function marked once_differentiable"
                )


class ForwardOverReverse:
    """Hessian times vector as the forward derivative of the gradient in the vector's direction.

    Nothing is kept from one product to the next; each runs the loss, its gradient and both their tangents.
    """

    def __init__(self, loss: Loss, parameters: Any) -> None:
        check_parameters(parameters)
        self.parameters = _own(parameters)
        self._loss = loss

    def __call__(self, vector: Any) -> Any:
        """The product, like the vector: flat, or nested as the parameters are."""
        direction = in_the_shape_of(vector, self.parameters)
        tangent = torch.func.jvp(torch.func.grad(self._checked_loss), (self.parameters,), (direction,))[1]
        return _like(vector, pytree.tree_leaves(tangent), self.parameters)

    def _checked_loss(self, parameters: Any) -> Tensor:
        with sdpa_kernel(_TWICE_DIFFERENTIABLE):
            value = self._loss(parameters)
        check_scalar(value)
        return value


def hessian_product_by_double_backward(loss: Loss, parameters: Any, vector: Any) -> Any:
    """The Hessian of ``loss(parameters)`` times a vector, by differentiating the gradient backward once more.

    Parameters are a tensor, or a nest of dicts and lists of them; the vector is like them, or flat, and so is the
    product. Raises ValueError for another vector or a loss that is no scalar, RuntimeError from torch where an
    operation has no second derivative. For many products make one ``DoubleBackward``.
    """
    return DoubleBackward(loss, parameters)(vector)


def hessian_product_forward_over_reverse(loss: Loss, parameters: Any, vector: Any) -> Any:
    """The same by pushing the vector forward through the gradient; it takes what the other takes.

    Raises NotImplementedError from torch where an operation has no forward derivative.
    """
    return ForwardOverReverse(loss, parameters)(vector)


def _own(parameters: Any) -> Any:
    """Copies: a Hessian belongs to a point, and training may go on from there."""
    return pytree.tree_map(lambda leaf: leaf.detach().clone(), parameters)


def _like(vector: Any, parts: list[Tensor], parameters: Any) -> Any:
    given, structure = pytree.tree_flatten(vector)
    same = [tuple(leaf.shape) for leaf in given] == [tuple(part.shape) for part in parts]
    if same and structure == pytree.tree_structure(parameters):
        return pytree.tree_unflatten([part.detach() for part in parts], structure)
    return flat_vector(parts).detach()


def check_scalar(value: Any) -> None:
    """Raises ValueError unless the value of a loss is one number without axes."""
    if not isinstance(value, Tensor) or value.ndim != 0:
        what = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"type {type(value).__name__}"
        raise ValueError(f"the loss is of {what}; a Hessian needs a scalar: take its mean or sum")
