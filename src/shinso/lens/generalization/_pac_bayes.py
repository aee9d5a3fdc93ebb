"""PAC-Bayes flatness: how much noise on its weights a network bears."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from shinso.lens._eval_mode import in_eval_mode
from shinso.lens._lens import Need, Reading
from shinso.lens._probe import Parameters, Probe
from shinso.lens._step import Step
from shinso.lens.generalization._estimate import Estimate, estimated_mean
from shinso.lens.generalization._examples import count_classes, count_examples

_LARGEST = 10.0
_HALVINGS = 40
_REFINEMENTS = 12
_GRID = 10
"""Prior deviations on trial for each factor of e."""


@dataclass(frozen=True)
class Flatness:
    """The noise that a network bears, and what that says about its errors on new data."""

    sigma: float
    """The largest deviation of Gaussian noise on every parameter at which the mean loss rises by no more than asked.

    In units of the weights; 0 where the smallest noise is too much, NaN where the loss is not finite.
    """
    loss: float
    """Without noise."""
    rise: Estimate
    """Of the loss under noise of deviation ``sigma``."""
    prior_sigma: float
    """``sigma`` rounded down to exp(−j/10) with j = 1, 2, …: those on which the prior was tried."""
    divergence: float
    """KL(posterior ‖ prior) = ‖w − w₀‖² / 2σ², in nats."""
    error: Estimate | None
    """Fraction of wrong predictions under noise of ``prior_sigma``; None where targets are no classes."""
    bound: float
    """With probability 1 − δ no larger is the mean error of the noisy network on new data; NaN without ``error``."""


def pac_bayes_flatness(
    probe: Probe,
    rise: float = 0.1,
    *,
    center: Parameters | None = None,
    examples: int | None = None,
    delta: float = 0.05,
    draws: int = 16,
    seed: int = 0,
) -> Flatness:
    """The largest σ at which E[loss(w + σu)] exceeds the loss by at most ``rise``, u standard normal, and its bound.

    σ is that of the expected sharpness of Neyshabur et al. 2017 (arXiv 1706.08947, eq. 7-8: posterior N(w, σ²), prior
    N(w₀, σ²), not optimised), found by bisection with the same ``draws`` of u at each σ. The bound is that of Dziugaite
    and Roy 2017 (arXiv 1703.11008, eq. 3 and §3.2): kl(error ‖ bound) ≤ (KL + ln(2√n/δ) + ln(π²j²/6)) / n, where the
    last term pays for having chosen the prior's σ among exp(−j/10) by the data. w₀ is ``center``: 0 by default, but
    much better the initial parameters, which depend on no data. ``examples`` is n, by default of the batch.

    A large σ means a wide flat region. Do not trust σ alone between networks of different weight scale: under ReLU and
    normalisation a network can be rescaled at will, and σ with it (Dinh et al. 2017), which is why the bound divides
    ‖w − w₀‖ by it. Do not read the bound as a guarantee: it holds for the noisy network, up to the Monte-Carlo error of
    ``error``, and is mostly near 1, vacuous, unless the posterior is optimised as Dziugaite and Roy do.

    Raises ValueError for a rise or δ outside its range, fewer than two draws, or no trained parameters.
    """
    _check(probe, rise, delta, draws)
    count = examples or count_examples(probe.inputs if probe.targets is None else probe.targets)
    noise = _Noise(probe, draws, seed)
    with torch.no_grad():
        loss = float(probe.loss())
        sigma = _largest_sigma(noise, loss, rise) if math.isfinite(loss) else math.nan
        risen = estimated_mean([value - loss for value in noise.losses(sigma)])
        if not sigma > 0:
            return Flatness(sigma, loss, risen, sigma, math.inf, None, math.nan)
        step = max(1, math.ceil(-_GRID * math.log(sigma)))
        prior = math.exp(-step / _GRID)
        divergence = _squared_distance(probe.parameters, center) / (2 * prior**2)
        errors = noise.errors(prior)
    if errors is None:
        return Flatness(sigma, loss, risen, prior, divergence, None, math.nan)
    error = estimated_mean(errors)
    budget = divergence + math.log(2 * math.sqrt(count) / delta) + math.log((math.pi * step) ** 2 / 6)
    return Flatness(sigma, loss, risen, prior, divergence, error, _largest_mean(error.mean, budget / count))


@dataclass(frozen=True)
class PacBayesFlatness:
    """Reads ``pac_bayes/sigma`` in eval mode, and ``/divergence``, ``/error`` and ``/bound`` that follow from it.

    See ``pac_bayes_flatness``; ``examples`` is the size of the whole training set, by default of the batch. The prior
    is centred at 0, so that the bound is mostly vacuous: it is σ that tells something. Some dozens of forward passes
    times ``draws``.

    Source: Neyshabur et al. 2017 (σ); Dziugaite and Roy 2017 (bound); lecture 003 §2.3.
    """

    rise: float = 0.1
    examples: int | None = None
    draws: int = 8
    seed: int = 0

    name = "pac_bayes_flatness"
    needs = frozenset({Need.PROBE})

    def read(self, step: Step) -> Mapping[str, Reading]:
        """Numbers; NaN for what is unknown."""
        with in_eval_mode(step.probe.model):
            found = pac_bayes_flatness(step.probe, self.rise, examples=self.examples, draws=self.draws, seed=self.seed)
        values = {
            "sigma": found.sigma,
            "divergence": found.divergence,
            "error": math.nan if found.error is None else found.error.mean,
            "bound": found.bound,
        }
        return {f"pac_bayes/{name}": Reading(torch.tensor(v, dtype=torch.float64)) for name, v in values.items()}


class _Noise:
    """A probe under noise; the same draws for each deviation, so that the loss is a smooth function of it."""

    def __init__(self, probe: Probe, draws: int, seed: int) -> None:
        self._probe, self._draws, self._seed = probe, draws, seed

    def losses(self, sigma: float) -> list[float]:
        return [float(self._probe.loss(self._at(sigma, draw))) for draw in range(self._draws)]

    def errors(self, sigma: float) -> list[float] | None:
        """Fractions of wrong predictions; None where targets are no classes."""
        found = []
        for draw in range(self._draws):
            outputs, targets = self._probe.outputs(self._at(sigma, draw)), self._probe.targets
            if count_classes(outputs, targets) is None:
                return None
            found.append(float((outputs.argmax(1) != targets).double().mean()))
        return found

    def _at(self, sigma: float, draw: int) -> dict[str, Tensor]:
        generator = torch.Generator().manual_seed(self._seed * 1_000_003 + draw)
        return {
            name: value + sigma * torch.randn(value.shape, generator=generator, dtype=torch.float32).to(value)
            for name, value in self._probe.parameters.items()
        }


def _largest_sigma(noise: _Noise, loss: float, rise: float) -> float:
    def too_much(sigma: float) -> bool:
        losses = noise.losses(sigma)
        return not sum(losses) / len(losses) - loss <= rise  # also where it is NaN

    high = _LARGEST
    for _ in range(_HALVINGS):
        if not too_much(high / 2):
            break
        high /= 2
    else:
        return 0.0
    low = high / 2
    if high == _LARGEST and not too_much(high):
        return high
    for _ in range(_REFINEMENTS):
        middle = math.sqrt(low * high)
        low, high = (low, middle) if too_much(middle) else (middle, high)
    return low


def _largest_mean(error: float, budget: float) -> float:
    """The largest q with kl(error ‖ q) ≤ budget, for Bernoulli means, by bisection."""
    low, high = error, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _divergence(error, middle) <= budget else (low, middle)
    return high


def _divergence(p: float, q: float) -> float:
    terms = [a * math.log(a / b) if b > 0 else math.inf for a, b in ((p, q), (1 - p, 1 - q)) if a > 0]
    return math.fsum(terms)


def _squared_distance(parameters: Parameters, center: Parameters | None) -> float:
    if center is not None and (missing := [name for name in parameters if name not in center]):
        raise ValueError(f"center lacks the parameter {missing[0]!r}; expected all trained parameters by name")
    return math.fsum(
        (value.double() - (0 if center is None else center[name].to(value).double())).square().sum().item()
        for name, value in parameters.items()
    )


def _check(probe: Probe, rise: float, delta: float, draws: int) -> None:
    if not rise > 0:
        raise ValueError(f"rise is how much the loss may grow and must be positive; got {rise}")
    if not 0 < delta < 1:
        raise ValueError(f"delta is a probability between 0 and 1; got {delta}")
    if draws < 2:
        raise ValueError(f"a mean with its error needs at least two draws; got {draws}")
    if not probe.parameters:
        raise ValueError(f"no parameter of {type(probe.model).__name__} is trained: there is nothing to put noise on")
