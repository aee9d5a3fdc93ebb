"""How much each input value changes the score: its gradient."""

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from shinso.lens.features._at_rest import Model, at_rest
from shinso.lens.features._score import Score, checked


def input_gradient(model: Model, inputs: Float[Tensor, "batch *shape"], score: Score) -> Float[Tensor, "batch *shape"]:
    """The gradient of each example's score in its inputs, in eval mode (score by unit of input).

    Says which values the score would react to if they changed a little, not what it is made of: where the model is
    saturated, what decided it has gradient 0. In deep rectified networks it is noisy. Models whose examples act on each
    other mix their gradients. Raises ValueError for inputs that are not real numbers, such as tokens: explain the part
    of the model behind the embedding.

    Source: Simonyan, Vedaldi and Zisserman 2014, section 3, "Deep inside convolutional networks".
    """
    check_real(inputs)
    with at_rest(model) as run, torch.enable_grad():
        leaf = inputs.detach().clone().requires_grad_()
        # A copy goes in, since the model may overwrite its input in place.
        scores = checked(score(run(leaf.clone())), len(inputs))
        (gradient,) = torch.autograd.grad(scores.sum(), leaf, materialize_grads=True)
    return gradient


def gradient_times_input(
    model: Model, inputs: Float[Tensor, "batch *shape"], score: Score
) -> Float[Tensor, "batch *shape"]:
    """The gradient of each score times the input (in units of the score).

    For a network of rectified layers without biases the attributions add up to the score; else see
    ``completeness_gap``. What is 0 gets nothing: in standardised images 0 is the mean colour, not black.

    Source: Shrikumar et al. 2016, "Not just a black box"; Ancona et al. 2018, table 1.
    """
    return input_gradient(model, inputs, score) * inputs.detach()


def check_real(inputs: Shaped[Tensor, "..."]) -> None:
    """Raise unless the inputs are a batch of real numbers."""
    if not inputs.is_floating_point():
        raise ValueError(
            f"gradients are taken in inputs of real numbers; got {inputs.dtype}. For tokens, give the part of the "
            "model behind the embedding, and the embedded tokens"
        )
    if not inputs.dim() or not len(inputs):
        raise ValueError(f"expected a batch with at least one example; got inputs of shape {tuple(inputs.shape)}")
