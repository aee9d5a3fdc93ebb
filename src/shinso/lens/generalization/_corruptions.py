"""What the randomization test does to labels and images (Zhang et al. 2017, arXiv 1611.03530, §2.1).

All leave their arguments as they are, draw from the generator that is passed, and return tensors on the same device.
"""

import torch
from jaxtyping import Int, Shaped
from torch import Tensor


def corrupted_labels(
    targets: Int[Tensor, " examples"], classes: int, share: float, generator: torch.Generator
) -> Int[Tensor, " examples"]:
    """Each label replaced, with probability ``share``, by one drawn uniformly from all classes.

    By chance the drawn label is often the true one: of K classes about share · (1 − 1/K) of the labels are wrong then.
    Raises ValueError for a share outside 0..1.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share is the probability of a label to be drawn anew, from 0 to 1; got {share}")
    if classes < 1 or (len(targets) and not 0 <= int(targets.min()) <= int(targets.max()) < classes):
        raise ValueError(
            f"labels have to be class numbers in 0..{classes - 1}; got {int(targets.min())} to {int(targets.max())}"
        )
    chosen = torch.rand(targets.shape, generator=generator) < share
    drawn = torch.randint(classes, targets.shape, generator=generator, dtype=targets.dtype)
    return torch.where(chosen.to(targets.device), drawn.to(targets.device), targets)


def random_labels(
    targets: Int[Tensor, " examples"], classes: int, generator: torch.Generator
) -> Int[Tensor, " examples"]:
    """Every label drawn uniformly from all classes: inputs and labels have nothing to do with each other any more."""
    return corrupted_labels(targets, classes, 1.0, generator)


def shuffled_pixels(
    inputs: Shaped[Tensor, "examples *input"], generator: torch.Generator
) -> Shaped[Tensor, "examples *input"]:
    """The pixels of all images in one same new order, channels together; of tables the columns.

    With a generator in the same state it is the same order again, as a test part needs.
    """
    places = _by_place(inputs)
    order = torch.randperm(places.shape[-1], generator=generator).to(inputs.device)
    return places[..., order].reshape(inputs.shape)


def random_pixels(
    inputs: Shaped[Tensor, "examples *input"], generator: torch.Generator
) -> Shaped[Tensor, "examples *input"]:
    """The pixels of each image in a new order of its own, channels together; of tables the columns of each row."""
    places = _by_place(inputs)
    order = torch.rand(len(places), places.shape[-1], generator=generator).argsort(1).to(inputs.device)
    return places.gather(-1, order[:, None, :].expand_as(places)).reshape(inputs.shape)


def gaussian_pixels(
    inputs: Shaped[Tensor, "examples *input"], generator: torch.Generator
) -> Shaped[Tensor, "examples *input"]:
    """Noise with the mean and variance of each channel (of tables: column) over all images, as floating numbers."""
    values = inputs if inputs.is_floating_point() else inputs.float()
    axes = [0, *range(2, values.dim())]
    noise = torch.randn(values.shape, generator=generator, dtype=torch.float32).to(values)
    mean = values.mean(axes, keepdim=True)
    return mean + noise * (values - mean).square().mean(axes, keepdim=True).sqrt()


def _by_place(inputs: Tensor) -> Tensor:
    """Inputs ``[examples, channels, places]``; a table has one channel."""
    if inputs.dim() < 2:
        raise ValueError(f"expected inputs [examples, features] or more axes; got the shape {tuple(inputs.shape)}")
    return inputs.flatten(2) if inputs.dim() > 2 else inputs[:, None, :]
