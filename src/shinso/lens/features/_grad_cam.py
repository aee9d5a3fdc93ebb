"""Where in a layer's maps the score comes from."""

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from shinso.lens.features._at_rest import at_rest
from shinso.lens.features._layer_outputs import seeing_outputs, seen_output
from shinso.lens.features._score import Score, checked


def grad_cam(
    model: nn.Module, inputs: Shaped[Tensor, "batch ..."], score: Score, layer: str
) -> Float[Tensor, "batch *positions"]:
    """ReLU(Σ_k α_k A_k) by position of the layer's maps A, α_k being the mean over positions of the score's gradient.

    Gradients are in the output of ``layer``, in eval mode; the last convolution is usual. Only what speaks for the
    score is shown. The maps are as coarse as the layer: a bright cell stands for its whole receptive field, which is
    wider than the cell. For layers before the last the mean over positions is a rough summary, and the map can point at
    what the model does not use. Raises ValueError for a layer whose output is not [batch, channels, positions…], such
    as one of tokens, or on which the score does not depend.

    Source: Selvaraju et al. 2017, equations 1 and 2.
    """
    with seeing_outputs(model, [layer]) as seen, at_rest(model) as run, torch.enable_grad():
        # A copy goes in, since the model may overwrite its input in place.
        scores = checked(score(run(inputs.detach().clone())), len(inputs))
        maps = seen_output(seen, layer)
        if maps.dim() < 3:
            raise ValueError(
                f"Grad-CAM needs a layer with maps, [batch, channels, positions…]; the output of {layer!r} has the "
                f"shape {tuple(maps.shape)}: name an earlier layer, such as the last convolution"
            )
        gradient = torch.autograd.grad(scores.sum(), maps, allow_unused=True)[0] if scores.requires_grad else None
        if gradient is None:
            raise ValueError(f"the score does not depend on the output of {layer!r}: name a layer on the way to it")
    weights = gradient.flatten(2).mean(2)
    return torch.einsum("bc,bc...->b...", weights, maps.detach()).relu()
