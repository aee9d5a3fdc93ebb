"""A kernel's spectrum, and the loss it predicts next to the loss that was measured, as a picture."""

from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from shinso.lens.tangent_kernel._prediction import Prediction

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_convergence(
    prediction: Prediction, measured: Float[Tensor, " step"], learning_rate: float, figure: "Figure"
) -> None:
    """Draw the eigenvalues on the left, and on the right the measured losses of gradient descent on the predicted.

    ``measured`` is as ``gradient_descent(…).losses``: before the first step and after each.
    """
    left, right = figure.subplots(1, 2)
    _draw_spectrum(left, prediction)
    _draw_losses(right, prediction, measured.detach().cpu().double(), learning_rate)


def _draw_spectrum(axes: "Axes", prediction: Prediction) -> None:
    values = prediction.eigenvalues.cpu()
    ranks = torch.arange(1, len(values) + 1)
    real = values > 1e-15 * values[0]
    shares = (prediction.shares / prediction.shares.sum().clamp_min(1e-300)).cpu()
    axes.scatter(ranks[real], values[real], s=14 + 260 * shares[real], color="#165e83", alpha=0.75, lw=0)
    axes.set(xscale="log", yscale="log", xlabel="rank", ylabel="eigenvalue of the tangent kernel")
    axes.set_title(
        "What is learned fast (left) and slowly\nlarger dots: more of the loss lies there", fontsize="medium"
    )


def _draw_losses(axes: "Axes", prediction: Prediction, measured: Float[Tensor, " step"], learning_rate: float) -> None:
    steps = torch.arange(len(measured))
    predicted = prediction.descent(learning_rate, len(measured) - 1).cpu()
    flow = prediction.flow(learning_rate * steps).cpu()
    slowest = measured[0] * torch.exp(-prediction.rates[-1].cpu() * learning_rate * steps)
    axes.plot(steps, measured, color="#c4472b", label="measured")
    axes.plot(steps, predicted, color="#165e83", ls="--", label="predicted, by steps")
    axes.plot(steps, flow, color="#4f8fb5", ls=":", label="predicted, gradient flow")
    axes.plot(steps, slowest, color="0.6", lw=1, label="bound exp(−cT) of the least eigenvalue")
    lowest = min(measured.min().item(), predicted.min().item())
    axes.set(yscale="log", xlabel="step", ylabel="mean squared error", ylim=(max(lowest / 3, 1e-12), None))
    axes.set_title(f"The loss at learning rate {learning_rate:.3g}", fontsize="medium")
    axes.legend()
