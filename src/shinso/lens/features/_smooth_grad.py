"""The gradient without its noise: a mean over noisy copies of the input."""

import torch
from jaxtyping import Float
from torch import Tensor

from shinso.lens.features._at_rest import Model, at_rest
from shinso.lens.features._input_gradient import check_real, input_gradient
from shinso.lens.features._score import Score


def smooth_grad(
    model: Model,
    inputs: Float[Tensor, "batch *shape"],
    score: Score,
    noise: float = 0.1,
    samples: int = 25,
    seed: int = 0,
) -> Float[Tensor, "batch *shape"]:
    """The mean of the scores' gradients at ``samples`` copies of the inputs with Gaussian noise (score by unit).

    ``noise`` is the standard deviation as a fraction of each example's range, from its smallest to its largest value;
    the paper advises 0.1 to 0.2. The noise is drawn from ``seed``.

    It is the gradient of a smoothed model: with much noise the copies are no longer like any data, and the model is
    explained where it never was. Raises ValueError for negative noise, no samples, or inputs that are not real numbers.

    Source: Smilkov et al. 2017, section 2.
    """
    check_real(inputs)
    if noise < 0 or samples < 1:
        raise ValueError(f"expected noise of at least 0 and at least one sample; got noise={noise}, samples={samples}")
    generator = torch.Generator(inputs.device).manual_seed(seed)
    flat = inputs.detach().reshape(len(inputs), -1)
    deviation = (noise * (flat.amax(1) - flat.amin(1))).view(-1, *[1] * (inputs.dim() - 1))
    total = torch.zeros_like(inputs)
    with at_rest(model) as run:
        for _ in range(samples):
            drawn = torch.randn(inputs.shape, generator=generator, dtype=inputs.dtype, device=inputs.device)
            total += input_gradient(run, inputs.detach() + deviation * drawn, score)
    return total / samples
