"""From three parts to a set, with the statistics of the training part."""

import torch

from shinso.data._dataset import BadData, DataSet, LeftOut, Split
from shinso.data._statistics import SAMPLE, input_statistics, target_statistics


def assemble(
    train: Split,
    valid: Split,
    test: Split,
    *,
    classes: tuple[str, ...] | None,
    normalize: bool,
    seed: int,
    source: str,
    left_out: tuple[LeftOut, ...] = (),
    notes: tuple[str, ...] = (),
) -> DataSet:
    """The set of these three parts, with the statistics of the training part."""
    if len(train) == 0:
        raise BadData(f"{source} leaves no examples to train on; expected at least one after the split")
    example = train.fetch(torch.zeros(1, dtype=torch.int64))[0][0]
    if normalize:
        mean, std = input_statistics(train, seed)
        if len(train) > SAMPLE:
            notes += (f"mean and standard deviation are those of a random sample of {SAMPLE} training examples",)
    else:
        shape = (len(example), 1, 1) if example.ndim == 3 else tuple(example.shape)
        mean, std = torch.zeros(shape), torch.ones(shape)
    target_mean, target_std = target_statistics(train.targets) if classes is None else (None, None)
    return DataSet(
        train, valid, test, classes, tuple(example.shape), mean, std, target_mean, target_std, left_out, source, notes
    )
