"""The eigenvalues of a tangent kernel, and how it lies to the targets."""

import torch
from jaxtyping import Float
from torch import Tensor


def kernel_spectrum(
    kernel: Float[Tensor, "example output example output"],
) -> Float[Tensor, " eigenvalue"]:
    """Its eigenvalues in double precision, falling; none is negative but for rounding.

    The greatest bounds the learning rate, the least the slowest rate of convergence (Du et al. 2019, theorem 3.2).
    Those below about 1e-7 of the greatest (in single precision) are rounding errors: then the batch has examples that
    the network cannot tell apart, or more outputs than parameters. Compute the kernel in float64 to be sure.
    """
    size = kernel.shape[0] * kernel.shape[1]
    rising: Tensor = torch.linalg.eigvalsh(kernel.reshape(size, size).double())
    return rising.flip(0)


def target_alignment(
    kernel: Float[Tensor, "example output example output"], targets: Float[Tensor, "example target"]
) -> Float[Tensor, ""]:
    """How alike examples of like targets are to the kernel: 0 for no relation, 1 where it is proportional to Y Yᵀ.

    The kernel is averaged over outputs, and both are centred over the examples. Large alignment means that the targets
    lie along the directions learned first. NaN where all targets are equal. It grows by itself for few examples: two
    of them are always aligned. Source: Cortes, Mohri and Rostamizadeh 2012, definition 4.
    """
    similar = kernel.double().diagonal(dim1=1, dim2=3).mean(dim=-1)
    similar = _centred(_centred(similar).T)
    wanted = _centred(targets.double())
    wanted = wanted @ wanted.T
    alike: Tensor = (similar * wanted).sum() / (similar.norm() * wanted.norm())
    return alike


def _centred(values: Float[Tensor, "example column"]) -> Float[Tensor, "example column"]:
    return values - values.mean(dim=0)
