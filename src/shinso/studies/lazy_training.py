"""Lazy training of wide networks (Du et al., 2019, arXiv 1810.02054; lecture 001, Over-parametrization)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from shinso._picture import COLOURS, QUIET, band
from shinso.studies._interval import mean_difference, mean_interval
from shinso.studies._outcome import Outcome, Table, Verdict, claim_of
from shinso.studies._side_by_side import side_by_side

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from torch import nn

_FLOOR = 0.01
"""Share of the first loss down to which prediction and measurement are compared."""
_ROUNDING = 1e-20
"""The same for the bound: far below, squared errors are those of rounding."""


@dataclass(frozen=True)
class _Setting:
    examples: int
    features: int
    width: int
    steps: int


@dataclass(frozen=True)
class Training:
    """One gradient descent, and what its tangent kernel at the start said of it."""

    measured: tuple[float, ...]
    """Losses before the first step and after each."""
    predicted: tuple[float, ...]
    bound: tuple[float, ...]
    """L₀ exp(-cT), half the rate of the least eigenvalue (Du et al. 2019, theorem 3.2)."""
    least_eigenvalue: float
    parameter_distance: float
    kernel_distance: float

    @property
    def error(self) -> float:
        """The largest |ln(measured/predicted)| while the prediction is above a hundredth of the first loss."""
        import math

        pairs = zip(self.measured, self.predicted, strict=True)
        return max(abs(math.log(m / p)) for m, p in pairs if p >= _FLOOR * self.predicted[0])

    @property
    def is_below_bound(self) -> bool:
        """Whether no loss is above the bound."""
        pairs = zip(self.measured, self.bound, strict=True)
        return all(m <= 1.001 * b for m, b in pairs if b >= _ROUNDING * self.bound[0])


def lazy_training(
    *,
    widths: tuple[int, ...] = (16, 64, 256, 1024, 4096),
    examples: int = 40,
    features: int = 20,
    steps: int = 300,
    seeds: int = 5,
    jobs: int | None = None,
    full: bool = False,
) -> Outcome:
    """The wider a network, the less it moves and the closer its loss follows exp(-cT) as its kernel predicts.

    Networks f(x) = a·relu(Wx)/√m with fixed signs a, trained in W by gradient descent on the mean squared error of
    random targets of random unit vectors, at half the rate at which the kernel says it diverges: the setting of Du et
    al. It holds if from the narrowest to the widest the error of the predicted loss falls, the distance that the
    weights move relative to their length falls, and the least eigenvalue of the kernel grows (each by the 95 % interval
    over seeds), and if in the widest the loss is never above L₀ exp(-cT), c half of what the least eigenvalue says.

    Args:
        widths: Numbers m of rectified units, from few to many.
        examples: Random unit vectors that are trained on.
        features: Their dimension.
        steps: Steps of gradient descent.
        seeds: Data and initial weights for each width.
        jobs: Trainings at a time; by default one for each core.
        full: 1000 examples of 1000 dimensions and up to 10 000 units, as published.
    """
    if full:
        widths, examples, features = (500, 1000, 2000, 5000, 10_000), 1000, 1000
    if len(widths) < 2 or list(widths) != sorted(set(widths)):
        raise ValueError(f"the study compares the narrowest network with the widest: widths have to rise; got {widths}")
    settings = [_Setting(examples, features, width, steps) for width in widths]
    found = side_by_side(_training, settings, seeds, jobs=jobs)
    rows = [_row(width, runs) for width, runs in zip(widths, found, strict=True)]
    header = (
        "units",
        "error of the predicted loss",
        "‖θ - θ₀‖/‖θ₀‖",
        "‖Θ - Θ₀‖/‖Θ₀‖",
        "least eigenvalue",
        "final loss",
    )
    title = f"{examples} examples of {features} dimensions, {steps} steps, {seeds} seeds, means with 95 % intervals"
    return Outcome(
        claim=claim_of(lazy_training),
        source="Du et al., 2019, arXiv 1810.02054; Jacot et al., 2018, arXiv 1806.07572; lecture 001",
        tables=[Table(title, header, rows)],
        verdict=_verdict(widths, found),
        draw=partial(_draw, widths, found),
    )


def _training(setting: _Setting, seed: int) -> Training:
    import torch
    from torch.nn import functional as F  # noqa: N812

    from shinso.lens import Probe
    from shinso.lens.tangent_kernel import gradient_descent, lazy_training, predicted_convergence

    device = "cuda" if torch.cuda.is_available() else "cpu"
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(setting.examples, setting.features, generator=generator, dtype=torch.float64)
    inputs = (inputs / inputs.norm(dim=1, keepdim=True)).to(device)
    targets = torch.randn(setting.examples, 1, generator=generator, dtype=torch.float64).to(device)
    model = _network(setting.features, setting.width, generator).to(device)
    probe = Probe(model, F.mse_loss, inputs, targets)
    prediction = predicted_convergence(probe)
    rate = prediction.greatest_learning_rate / 2
    descent = gradient_descent(probe, rate, setting.steps)
    lazy = lazy_training(probe, descent.parameters)
    times = rate * torch.arange(setting.steps + 1, dtype=torch.float64)
    bound = descent.losses[0].cpu() * torch.exp(-prediction.rates[-1].cpu() / 2 * times)
    return Training(
        tuple(descent.losses.tolist()),
        tuple(prediction.descent(rate, setting.steps).tolist()),
        tuple(bound.tolist()),
        prediction.eigenvalues[-1].item(),
        lazy.parameter_distance,
        lazy.kernel_distance,
    )


def _network(features: int, width: int, generator: object) -> "nn.Module":
    """x ↦ a·relu(Wx)/√m with W standard normal and a random signs that are not trained."""
    import torch
    from torch import nn

    first, last = (nn.Linear(*shape, bias=False, dtype=torch.float64) for shape in ((features, width), (width, 1)))
    with torch.no_grad():
        first.weight.copy_(torch.randn(width, features, generator=generator, dtype=torch.float64))  # type: ignore[call-overload]
        signs = torch.randint(2, (1, width), generator=generator, dtype=torch.float64)  # type: ignore[call-overload]
        last.weight.copy_((2 * signs - 1) / width**0.5)
    last.weight.requires_grad_(False)
    return nn.Sequential(first, nn.ReLU(), last)


def _row(width: int, runs: Sequence[Training]) -> tuple[str, ...]:
    columns = (
        [run.error for run in runs],
        [run.parameter_distance for run in runs],
        [run.kernel_distance for run in runs],
        [run.least_eigenvalue for run in runs],
        [run.measured[-1] for run in runs],
    )
    return (str(width), *(str(mean_interval(column)) for column in columns))


def _verdict(widths: Sequence[int], found: Sequence[Sequence[Training]]) -> Verdict:
    narrow, wide = found[0], found[-1]
    error = mean_difference([run.error for run in wide], [run.error for run in narrow])
    moved = mean_difference([run.parameter_distance for run in wide], [run.parameter_distance for run in narrow])
    least = mean_difference([run.least_eigenvalue for run in wide], [run.least_eigenvalue for run in narrow])
    below = sum(run.is_below_bound for run in wide)
    of_wide = mean_interval([run.error for run in wide])
    because = (
        f"from {widths[0]} to {widths[-1]} units the error of the predicted log loss changes by {error} to {of_wide}, "
        f"the relative move of the weights by {moved}, the least eigenvalue by {least}; at {widths[-1]} units the loss "
        f"stays below exp(-cT) in {below} of {len(wide)} trainings"
    )
    return Verdict(error.high < 0 and moved.high < 0 and least.low > 0 and below == len(wide), because)


def _draw(widths: Sequence[int], found: Sequence[Sequence[Training]], figure: "Figure") -> None:
    figure.set_size_inches(13, 4.5)
    losses, moved, least = figure.subplots(1, 3)
    _draw_losses(losses, widths, [runs[0] for runs in found])
    distances = {
        "weights": [[run.parameter_distance for run in runs] for runs in found],
        "kernel": [[run.kernel_distance for run in runs] for runs in found],
    }
    for (name, values), colour in zip(distances.items(), COLOURS, strict=False):
        band(moved, widths, [mean_interval(each) for each in values], name, colour)
    moved.legend()
    moved.set(title="How far they move", ylabel="distance, relative to the start")
    band(least, widths, [mean_interval([run.least_eigenvalue for run in runs]) for runs in found], "", COLOURS[2])
    least.set(title="Least eigenvalue of the kernel", ylabel="least eigenvalue")
    moved.set(yscale="log")
    least.set(ylim=(0, None))
    for axes in (moved, least):
        axes.set(xscale="log", xlabel="hidden units")
        axes.set_xticks(widths, [str(width) for width in widths])
        axes.minorticks_off()


def _draw_losses(axes: "Axes", widths: Sequence[int], runs: Sequence[Training]) -> None:
    steps = range(len(runs[0].measured))
    for width, run, colour in ((widths[0], runs[0], COLOURS[1]), (widths[-1], runs[-1], COLOURS[0])):
        axes.plot(steps, run.measured, color=colour, label=f"{width} units, measured")
        axes.plot(steps, run.predicted, color=colour, ls="--", label="predicted by its kernel")
    axes.plot(steps, runs[-1].bound, color=QUIET, lw=1, ls=":", label=f"exp(-cT), {widths[-1]} units")
    axes.set(yscale="log", xlabel="step", ylabel="mean squared error", title="The loss over training")
    axes.legend(fontsize=8)
