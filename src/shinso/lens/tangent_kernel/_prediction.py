"""The loss curve that a tangent kernel predicts."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from shinso.lens._probe import Probe
from shinso.lens.tangent_kernel._tangent_kernel import outputs_of, tangent_kernel


@dataclass(frozen=True, eq=False)
class Prediction:
    """How the mean squared error falls under full-batch gradient descent while the kernel does not change.

    Along each eigenvector of the kernel the error has a share of the loss that shrinks at a rate of its own.
    """

    eigenvalues: Float[Tensor, " mode"]
    """Falling."""
    shares: Float[Tensor, " mode"]
    """Of the loss at the start; their sum is that loss."""

    @property
    def rates(self) -> Float[Tensor, " mode"]:
        """c in loss ∝ exp(-cT) along each eigenvector, T being learning rate times steps: 4λ / (number of outputs)."""
        return 4 * self.eigenvalues.clamp_min(0) / len(self.eigenvalues)

    @property
    def greatest_learning_rate(self) -> float:
        """Above it gradient descent diverges along the first eigenvector: (number of outputs) / λ₁; ∞ if that is 0."""
        greatest = self.eigenvalues[0].item()
        return len(self.eigenvalues) / greatest if greatest > 0 else math.inf

    def flow(self, times: Float[Tensor, " time"]) -> Float[Tensor, " time"]:
        """The loss under gradient flow after these times (learning rate times steps)."""
        return torch.exp(-torch.outer(times.to(self.rates), self.rates)) @ self.shares

    def descent(self, learning_rate: float, steps: int) -> Float[Tensor, " step"]:
        """The loss before the first step and after each of ``steps`` steps of gradient descent."""
        factors = 1 - learning_rate * self.rates / 2
        powers = 2 * torch.arange(steps + 1, device=factors.device)
        return factors[None, :] ** powers[:, None] @ self.shares


def predicted_convergence(
    probe: Probe, kernel: Float[Tensor, "example output example output"] | None = None
) -> Prediction:
    """The prediction for the probe's batch and loss, which has to be the mean squared error over all outputs.

    With eigenvalues λ and the part r of the error f - y along each eigenvector, the loss after time T is
    1/R Σ r² exp(-4λT/R) for R outputs in the batch: linear convergence, no slower than exp(-cT) with the least λ.
    Exact for a model that is linear in its parameters. For others trust it as far as ``lazy_training`` finds the
    training lazy: useful networks learn features, and then fall faster than this in the end.

    Raises ValueError for any other loss: ``linearized_descent`` takes those.

    Source: Du et al. 2019, theorem 3.2 and equation 8; Jacot et al. 2018, section 5; lecture 001, Over-parametrization.
    """
    with torch.no_grad():
        outputs, loss = outputs_of(probe), probe.loss()
    _check_mean_squared(outputs, probe.targets, loss)
    kernel = tangent_kernel(probe) if kernel is None else kernel
    error = (outputs - probe.targets).flatten().double()
    eigenvalues, vectors = torch.linalg.eigh(kernel.reshape(len(error), len(error)).double())
    shares = (vectors.T @ error).square() / len(error)
    return Prediction(eigenvalues.flip(0), shares.flip(0))


def _check_mean_squared(outputs: Float[Tensor, "example *output"], targets: object, loss: Float[Tensor, ""]) -> None:
    if not isinstance(targets, Tensor) or targets.shape != outputs.shape:
        found = tuple(targets.shape) if isinstance(targets, Tensor) else type(targets).__name__
        raise ValueError(
            f"the curve is predicted for targets shaped like the outputs, {tuple(outputs.shape)}; got {found}: "
            "linearized_descent takes any loss and targets"
        )
    expected = F.mse_loss(outputs, targets.to(outputs))
    if not torch.isclose(loss.to(expected), expected, rtol=1e-4):
        raise ValueError(
            f"the curve is predicted for the mean squared error, here {expected.item():.6g}, and the loss is "
            f"{loss.item():.6g}: use torch.nn.functional.mse_loss, or linearized_descent, which takes any loss"
        )
