"""Lenses on the gradients of the examples of a batch."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim import Optimizer

from shinso.lens._lens import Need, Reading
from shinso.lens._nested import tensors_in
from shinso.lens._step import Step
from shinso.lens.per_sample._bins import BINS, bin_names, bins
from shinso.lens.per_sample._entries import entries_of_step
from shinso.lens.per_sample._gradient_tests import batch_tests
from shinso.lens.per_sample._noise import noise, signal_to_noise, variance_by_parameter
from shinso.lens.per_sample._per_sample import PerSample, per_sample_of
from shinso.lens.per_sample._sgd_noise import momentum_noise_scale, sgd_noise_scale


def _quartiles(values: Float[Tensor, " count"]) -> Float[Tensor, "5"]:
    """The smallest, the quartiles and the largest; ``torch.quantile`` takes ten times as long for a few numbers."""
    ordered = values.sort().values
    below, above, beyond = _places_of_quartiles(len(values), values.device)
    return torch.lerp(ordered[below], ordered[above], beyond.to(ordered.dtype))


@lru_cache(maxsize=8)
def _places_of_quartiles(count: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    below, share = [(count - 1) * quarter // 4 for quarter in range(5)], [(count - 1) * q % 4 / 4 for q in range(5)]
    above = [min(place + 1, count - 1) for place in below]
    return torch.tensor(below, device=device), torch.tensor(above, device=device), torch.tensor(share, device=device)


def _norms_of_examples(gradients: PerSample) -> Float[Tensor, " batch"]:
    """Over the parameters that are seen of all examples; NaN where there are none."""
    unseen = gradients.squared_norms.isnan().any(1, keepdim=True)
    squares = torch.where(unseen, 0, gradients.squared_norms).sum(0)
    return torch.where(unseen.all(), float("nan"), squares).sqrt()


@dataclass(frozen=True)
class PerSampleNorms:
    """Reads how large the gradients of single examples are, and how much they differ, by parameter tensor.

    - ``per_sample/norm``: quantiles over the examples of the norm of an example's whole gradient, over the parameters
      that are seen. A few examples far above the rest are wrongly labelled, odd, or not yet learned.
    - ``per_sample/variance``: by parameter tensor, the variance of one example's gradient summed over its entries.
    - ``per_sample/signal_to_noise``: by parameter tensor, |G|² over the variance of the batch's gradient; below 1 the
      step of that tensor is mostly noise.

    The loss is taken to be the mean over the examples, which lie along the first axis of the model's input. NaN where a
    parameter's gradient cannot be told apart by example. Through batch normalisation in training the loss of an example
    depends on all of them; read there is each example's contribution to the gradient of the batch, which is what its
    row of every layer adds. ``PerSample`` says of which orders of rows inside the model the readings are wrong. Do not
    read more than the order of magnitude from batches of fewer than about 16.
    Source: Goodfellow 2015, arXiv 1510.01799; lecture 003 §2.4 eq. 43-45.
    """

    name = "per_sample_norms"
    needs = frozenset({Need.EXAMPLE_SUMS})

    def read(self, step: Step) -> Mapping[str, Reading]:
        """The readings; nothing when no parameter received a gradient."""
        if not step.calls.parameters:
            return {}
        gradients = step.once(per_sample_of)
        quantiles = _quartiles(_norms_of_examples(gradients))
        names = gradients.parameters
        return {
            "per_sample/norm": Reading(quantiles, ("smallest", "lower quarter", "median", "upper quarter", "largest")),
            "per_sample/variance": Reading(variance_by_parameter(gradients), names),
            "per_sample/signal_to_noise": Reading(signal_to_noise(gradients), names),
        }


@dataclass(frozen=True)
class GradientNoise:
    """Reads ``gradient_noise/variance`` (tr Σ), ``/squared_gradient`` (|G|²) and ``/simple_scale``, their ratio.

    The simple noise scale is a number of examples: much smaller batches waste steps, much larger ones examples. One
    step's ratio scatters: average with ``averaged_noise_scale``. Over the parameters that are seen (``PerSampleNorms``
    tells which). Source: McCandlish et al. 2018, arXiv 1812.06162, appendix A.1; lecture 003 §2.4.
    """

    name = "gradient_noise"
    needs = frozenset({Need.EXAMPLE_SUMS})

    def read(self, step: Step) -> Mapping[str, Reading]:
        """The readings; nothing when no parameter received a gradient."""
        if not step.calls.parameters:
            return {}
        parts = noise(step.once(per_sample_of))
        return {
            "gradient_noise/variance": Reading(parts.variance),
            "gradient_noise/squared_gradient": Reading(parts.squared_gradient),
            "gradient_noise/simple_scale": Reading(parts.simple_scale),
        }


@dataclass(frozen=True)
class SGDNoise:
    """Reads ``sgd_noise_scale``: g = ε (N/B - 1), or ε N / (B (1 - m)) under momentum, at the rate as it is now.

    The batch is what ``watch.step`` was given. With several groups of parameters, the rate and momentum are those of
    the first. See ``sgd_noise_scale`` for what it means, and for which optimizers.
    """

    optimizer: Optimizer
    train_size: int

    name = "sgd_noise"
    needs = frozenset[Need]()

    def read(self, step: Step) -> Mapping[str, Reading]:
        """The reading; raises ValueError if the step was given no batch."""
        sized = [tensor for tensor in tensors_in(step.inputs) if tensor.dim()]
        if not sized:
            raise ValueError("the noise scale needs the size of the batch: watch.step(inputs, targets)")
        group = self.optimizer.param_groups[0]
        rate, momentum = float(group["lr"]), float(group.get("momentum", 0.0))
        if momentum:
            scale = momentum_noise_scale(rate, self.train_size, len(sized[0]), momentum)
        else:
            scale = sgd_noise_scale(rate, self.train_size, len(sized[0]))
        return {"sgd_noise_scale": Reading(torch.tensor(scale))}


@dataclass(frozen=True)
class GradientTests:
    """Reads ``gradient_test/norm``, ``/inner_product`` and ``/orthogonality``: the bounds this batch just passes.

    See ``BatchTests`` for what they mean and when not to trust them.
    """

    name = "gradient_tests"
    needs = frozenset({Need.EXAMPLE_SUMS})

    def read(self, step: Step) -> Mapping[str, Reading]:
        """The readings; nothing when no parameter received a gradient."""
        if not step.calls.parameters:
            return {}
        tests = batch_tests(step.once(per_sample_of))
        return {f"gradient_test/{test}": Reading(value) for test, value in tests._asdict().items()}


@dataclass(frozen=True)
class GradientHistogram:
    """Reads ``gradient_histogram/share``: which share of the entries of the examples' gradients lies in each bin.

    Bins are half decades of each sign; a label names the bin's end that is nearer to zero. Estimated from 4096 entries
    drawn at random, each of an example drawn at random; ``gradient_histogram/error`` is the standard error
    √(p (1 - p) / 4096) of a share. A bin that no draw hit reads 0 with error 0, and holds less than 3 / 4096 with 95 %
    confidence. Shares that pile up near zero for a sign or a layer's size show vanishing gradients. Of parameters that
    are not seen (``PerSampleNorms``) no entries are counted.
    Source: Schneider et al. 2021, arXiv 2102.06604, §3 (there over all entries).
    """

    name = "gradient_histogram"
    needs = frozenset({Need.EXAMPLE_SUMS, Need.EXAMPLE_ENTRIES})

    def read(self, step: Step) -> Mapping[str, Reading]:
        """The readings; nothing when no parameter received a gradient."""
        if not step.calls.parameters:
            return {}
        values = step.once(entries_of_step).values
        count = max(len(values), 1)
        share = torch.bincount(bins(values), minlength=BINS).to(values.dtype) / count
        error = (share * (1 - share) / count).sqrt()
        labels = bin_names()
        return {"gradient_histogram/share": Reading(share, labels), "gradient_histogram/error": Reading(error, labels)}


@dataclass(frozen=True)
class GradientParameterHistogram:
    """Reads ``gradient_parameter_histogram/share``: shares by bins of gradient (rows) and parameter (columns).

    Both axes have the bins of ``GradientHistogram``, and the same random entries are used, of the parameters as they
    were before the step. Structure across columns shows which weights still move: large weights with large gradients
    point at unstable layers, weights at zero with zero gradient at dead units. The standard error of a share p is
    √(p (1 - p) / 4096). Source: Schneider et al. 2021, arXiv 2102.06604, §3.
    """

    name = "gradient_parameter_histogram"
    needs = frozenset({Need.EXAMPLE_SUMS, Need.EXAMPLE_ENTRIES, Need.PARAMETERS_BEFORE})

    def read(self, step: Step) -> Mapping[str, Reading]:
        """The reading; nothing when no parameter received a gradient."""
        if not step.calls.parameters:
            return {}
        entries = step.once(entries_of_step)
        before = step.parameters_before
        parts = [before[name].reshape(-1)[at.to(before[name].device)] for name, at in entries.places.items()]
        parameters = torch.cat([entries.values.new_zeros(0), *(part.to(entries.values) for part in parts)])
        cells = bins(entries.values) * BINS + bins(parameters)
        share = torch.bincount(cells, minlength=BINS * BINS).to(entries.values.dtype) / max(len(cells), 1)
        return {"gradient_parameter_histogram/share": Reading(share.view(BINS, BINS), bin_names())}
