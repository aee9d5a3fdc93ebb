"""The exclusive or, which no linear model learns (lecture 004, section 6.1; Goodfellow et al., 2016, section 6.1)."""

from functools import partial
from typing import TYPE_CHECKING

from shinso.studies._outcome import Outcome, Table, Verdict, claim_of

if TYPE_CHECKING:
    import torch
    from matplotlib.figure import Figure
    from torch import nn


def xor(*, widths: tuple[int, ...] = (2, 3, 4, 8), trials: int = 100, steps: int = 5000, seed: int = 0) -> Outcome:
    """No linear model computes exclusive or; two rectified units do, and descent finds such a network.

    Args:
        widths: Numbers of rectified units that are trained.
        trials: Networks of each width, each from other initial weights.
        steps: Steps of gradient descent for each.
        seed: Of the initial weights.
    """
    import torch

    from shinso.models import train_xor, xor_linear, xor_network, xor_points

    points, targets = xor_points()
    linear, published = xor_linear(), xor_network()
    trained = [train_xor(width, trials, steps=steps, generator=torch.Generator().manual_seed(seed)) for width in widths]
    with torch.no_grad():
        rows = [
            (_bits(point), f"{target:.0f}", f"{linear(point).item():.2f}", f"{published(point).item():.0f}")
            for point, target in zip(points, targets.flatten().tolist(), strict=True)
        ]
        is_exact = bool((published(points) == targets).all())
    rates = [result.success_rate for result in trained]
    is_flat = all(abs(weight) < 1e-6 for weight in linear.weight.flatten().tolist())
    is_half = abs(linear.bias.item() - 0.5) < 1e-6
    because = (
        f"the best linear model answers {linear.bias.item():.2f} everywhere, the published network is "
        f"{'exact' if is_exact else 'wrong'}, and descent with {widths[-1]} units ends at a solution in {rates[-1]:.0%}"
    )
    solved = next((net for r in trained for net, ok in zip(r.networks, r.solved, strict=True) if ok), None)
    return Outcome(
        claim=claim_of(xor),
        source="Goodfellow et al., 2016, section 6.1; lecture 004, equations 6.1 to 6.6",
        tables=[
            Table("What each computes", ("point", "target", "linear", "published"), rows),
            Table(
                f"Gradient descent, {trials} networks of each width, {steps} steps",
                ("rectified units", "solved"),
                [(str(width), f"{rate:.0%}") for width, rate in zip(widths, rates, strict=True)],
            ),
        ],
        verdict=Verdict(is_exact and is_flat and is_half and max(rates) > 0, because),
        draw=partial(_draw, {"linear": linear, "published": published} | ({"trained": solved} if solved else {})),
    )


def _bits(point: "torch.Tensor") -> str:
    return "(" + ", ".join(f"{value:.0f}" for value in point.tolist()) + ")"


def _draw(networks: "dict[str, nn.Module]", figure: "Figure") -> None:
    from shinso.models import decision_surface, xor_points

    points, targets = xor_points()
    all_axes = figure.subplots(1, len(networks), sharey=True, squeeze=False)[0]
    for axes, (name, network) in zip(all_axes, networks.items(), strict=True):
        ticks, values = decision_surface(network)
        image = axes.contourf(ticks, ticks, values.clamp(-0.5, 1.5), levels=20, cmap="RdBu_r", vmin=-0.5, vmax=1.5)
        if values.max() - values.min() > 1e-3:  # what is flat has no edge
            axes.contour(ticks, ticks, values, levels=[0.5], colors="black", linewidths=1)
        for (first, second), target in zip(points.tolist(), targets.flatten().tolist(), strict=True):
            axes.text(first, second, f"{target:.0f}", ha="center", va="center", fontsize=12, fontweight="bold")
        axes.set(title=name, xlabel="first input", aspect="equal")
        axes.grid(False)
    all_axes[0].set_ylabel("second input")
    figure.colorbar(image, ax=list(all_axes), shrink=0.7, ticks=[-0.5, 0, 0.5, 1, 1.5], label="output")
