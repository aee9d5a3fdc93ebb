"""What the score loses when a patch of the image is covered."""

import torch
from jaxtyping import Float
from torch import Tensor

from shinso.lens.features._at_rest import Model, at_rest
from shinso.lens.features._score import Score, checked


@torch.no_grad()
def occlusion(
    model: Model,
    images: Float[Tensor, "batch channels height width"],
    score: Score,
    patch: int = 4,
    stride: int | None = None,
    value: float = 0.0,
) -> Float[Tensor, "batch rows columns"]:
    """The score of each image minus its score with a square of ``patch`` pixels set to ``value``, by place.

    Squares are ``stride`` pixels apart (None: side by side), those at the far edges cut off by the image. One forward
    pass for each place.

    Needs no gradient, so that it can check those that do. What a square hides must not be told by its neighbours:
    redundant evidence shows nothing, and the square itself is an image the model never saw. Raises ValueError for a
    ``patch`` or ``stride`` below 1.

    Source: Zeiler and Fergus 2014, section 4.2 and figure 7.
    """
    stride = patch if stride is None else stride
    if patch < 1 or stride < 1:
        raise ValueError(f"patch and stride are numbers of pixels, at least 1; got {patch} and {stride}")
    height, width = images.shape[2:]
    drops = []
    with at_rest(model) as run:
        whole = checked(score(run(images.clone())), len(images))
        for top in range(0, height, stride):
            for left in range(0, width, stride):
                covered = images.clone()
                covered[:, :, top : top + patch, left : left + patch] = value
                drops.append(whole - checked(score(run(covered)), len(images)))
    return torch.stack(drops, 1).reshape(len(images), -(-height // stride), -(-width // stride))
