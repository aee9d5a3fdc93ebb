"""Targets as classes, for estimators that group examples by their target."""

import torch
from jaxtyping import Int, Shaped
from torch import Tensor


def classes_of(targets: Shaped[Tensor, "example *parts"]) -> Int[Tensor, " example"]:
    """A number from 0 up for each different target; real numbers are cut at their quartiles into four groups.

    Targets are taken for real numbers when they are floating point, one for each example, and more than half of them
    differ; rows of several numbers (one-hot targets, say) are classes by their values.

    Raises ValueError where there are no targets, or more than half of the rows of several numbers differ: then group
    them first (``torch.bucketize``), for no two examples would share a class.

    >>> classes_of(torch.tensor([5, 2, 5])).tolist()
    [1, 0, 1]
    >>> classes_of(torch.tensor([0.1, 0.2, 0.3, 0.4])).tolist()
    [0, 1, 2, 3]
    """
    if len(targets) == 0:
        raise ValueError("there are no targets: give at least one example")
    rows = targets.reshape(len(targets), -1)
    different: Tensor
    classes: Tensor
    different, classes = torch.unique(rows, dim=0, return_inverse=True)
    if not targets.is_floating_point() or len(different) <= max(2, len(rows) // 2):
        return classes
    if rows.shape[1] > 1:
        raise ValueError(
            f"{len(different)} of {len(rows)} targets of shape {tuple(targets.shape[1:])} differ, so that they form no "
            "classes: group them first, for example one of their numbers by torch.bucketize"
        )
    values = rows[:, 0].double()
    quartiles = values.quantile(torch.tensor([0.25, 0.5, 0.75], dtype=values.dtype, device=values.device))
    return torch.bucketize(values, quartiles)
