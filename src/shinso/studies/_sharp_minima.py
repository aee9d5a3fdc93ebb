"""Two minima from one start, one reached with small batches and one with large ones, and how sharp they are."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

    from shinso.studies._examples import Examples

_LOOK_EVERY = 5
"""Steps between two looks at the training loss, or a pass if that is shorter."""


@dataclass(frozen=True)
class Setting:
    """What is trained, until when, and how it is rescaled."""

    data: str
    target: str | None
    train_share: float
    width: int
    hidden_layers: int
    learning_rate: float
    small_batch: int
    large_share: float
    loss: float
    max_epochs: int
    factors: tuple[float, ...]


@dataclass(frozen=True)
class Minimum:
    """How sharp a minimum is by three measures, and how well it generalises."""

    epsilon_sharpness: float
    """In percent."""
    top_eigenvalue: float
    filter_normalized: float
    """In percent."""
    train_loss: float
    test_accuracy: float
    epochs: float


@dataclass(frozen=True)
class Pair:
    """The two minima of one seed, and the flat one's sharpnesses when its layers are rescaled."""

    small: Minimum
    large: Minimum
    factors: tuple[float, ...]
    epsilon_sharpness: tuple[float, ...]
    """Of the small batch's network with one layer times each factor and the next divided by it."""
    filter_normalized: tuple[float, ...]


def pair_of(setting: Setting, seed: int) -> Pair:
    """Both trainings of one seed, measured, and the small batches' network rescaled."""
    from torch.nn import functional as F  # noqa: N812

    from shinso.lens import Probe
    from shinso.lens.curvature import compare_rescalings
    from shinso.studies._examples import examples

    part = examples(setting.data, setting.target, seed, train_share=setting.train_share)
    large = max(1, round(setting.large_share * len(part.targets)))
    (flat, small), (_, big) = (_trained(setting, part, size, seed) for size in (setting.small_batch, large))
    probe = Probe(flat, F.cross_entropy, part.inputs, part.targets)
    found = compare_rescalings(probe, "1", "3", setting.factors)
    return Pair(
        small,
        big,
        setting.factors,
        tuple(found.epsilon_sharpness.tolist()),
        tuple(found.filter_normalized_sharpness.tolist()),
    )


def _trained(setting: Setting, part: "Examples", batch_size: int, seed: int) -> "tuple[nn.Module, Minimum]":
    import torch
    from torch.nn import functional as F  # noqa: N812

    from shinso.studies._descent import descend, seeded_mlp

    network = seeded_mlp(part.features, part.classes, setting.width, setting.hidden_layers, seed)
    each, loss = len(part.targets) // batch_size, math.inf
    path = descend(
        network, part.inputs, part.targets, learning_rate=setting.learning_rate, batch_size=batch_size, seed=seed
    )
    for step in path:
        # Small batches reach the loss within few passes: looked at once a pass, they would go far below it.
        if step % min(each, _LOOK_EVERY) == 0:
            with torch.no_grad():
                loss = F.cross_entropy(network(part.inputs), part.targets).item()
            if loss <= setting.loss or step >= setting.max_epochs * each:
                break
    network.eval()
    return network, _measured(network, part, loss, step / each)


def _measured(network: "nn.Module", part: "Examples", loss: float, epochs: float) -> Minimum:
    import torch
    from torch.nn import functional as F  # noqa: N812

    from shinso.lens import Probe
    from shinso.lens.curvature import epsilon_sharpness, filter_normalized_sharpness, hessian, top_eigenpairs

    probe = Probe(network, F.cross_entropy, part.inputs, part.targets)
    top = top_eigenpairs(hessian(probe), relative_error=1e-3)
    with torch.no_grad():
        right = network(part.test_inputs).argmax(1) == part.test_targets
    return Minimum(
        epsilon_sharpness(probe),
        float(top.values[0]),
        filter_normalized_sharpness(probe).value,
        loss,
        right.float().mean().item(),
        epochs,
    )
