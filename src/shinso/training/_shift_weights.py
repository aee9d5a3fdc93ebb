"""How much each example counts when a network is trained for examples of another kind than those it is trained on."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from shinso.data import BadData, DataSet, Split
from shinso.shift.ratio import DensityRatio, PoorOverlap, density_ratio

_FEWEST, _MOST_FITTED = 10, 20_000
"""Examples of each side that the ratio is fitted to."""
_MOST_FEATURES, _COMPONENTS = 50, 20
"""Examples of more numbers than that, such as images, are seen by so many principal components."""
_AT_ONCE = 4096

Features = Callable[[Split, Tensor], Float[np.ndarray, "examples features"]]


@dataclass(frozen=True)
class ShiftWeights:
    """Weights of the examples of each part; those of the training part have the mean 1."""

    train: Float[Tensor, " train"]
    valid: Float[Tensor, " valid"]
    test: Float[Tensor, " test"]
    summary: dict[str, Any]
    """For the record: what the weights rest on, and what is wrong with them."""


def shift_weights(data: DataSet, shifted: Split, source: str, exponent: float, seed: int) -> ShiftWeights:
    """The density ratio of the shifted examples to the training ones, to the power of ``exponent``.

    Averages weighted so stand for averages over the shifted examples, as long as targets depend on inputs in the same
    way there (covariate shift), and the training part has examples like all of them. An exponent of 1 removes the bias
    of the loss and 0 is no weighting; between them less bias is traded for less variance. Images, and tables of more
    than 50 features (standardised), are seen by the 20 principal components of both sides, so that what lies beyond
    those is not corrected. Raises ValueError for examples of another shape, for fewer than ten on either side, and
    where the two do not overlap.
    Source: Shimodaira 2000, equations 2.4 and 2.5; lecture 000.
    """
    check_shape(data, shifted)
    for part, purpose in ((shifted, "shift towards"), (data.train, "train on")):
        if len(part) < _FEWEST:
            raise BadData(f"weights take at least {_FEWEST} examples to {purpose}; there are {len(part)}")
    features = _features(data, shifted, seed)
    towards, trained = (features(part, _some(len(part), seed)) for part in (shifted, data.train))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PoorOverlap)  # its text is in the summary
        ratio = density_ratio(towards, trained)
    train, valid, test = (_weights(ratio, features, part) ** exponent for part in (data.train, data.valid, data.test))
    diagnosis = ratio.diagnosis
    summary = {
        "towards": source,
        "examples": len(shifted),
        "exponent": exponent,
        "method": diagnosis.method,
        "effective_sample_size": float(train.sum() ** 2 / train.square().sum()),
        "largest_share": float(train.max() / train.sum()),
        "told_apart_auc": diagnosis.overlap.auc,
        "problems": list(diagnosis.problems),
    }
    scale = train.mean()
    return ShiftWeights(train / scale, valid / scale, test / scale, summary)


def check_shape(data: DataSet, shifted: Split) -> None:
    """Raises BadData where the shifted examples are not of the shape of those of the set, or there are none."""
    if not len(shifted):
        raise BadData("there is no example to shift towards; expected at least two")
    shape = tuple(shifted.fetch(torch.zeros(1, dtype=torch.int64))[0].shape[1:])
    if shape != data.input_shape:
        raise BadData(
            f"the examples to shift towards have the shape {shape}, those to train on {data.input_shape}: give "
            "examples of the same kind (of images, --image-size makes one size of all)"
        )


def _features(data: DataSet, shifted: Split, seed: int) -> Features:
    def flat(split: Split, index: Tensor) -> Float[np.ndarray, "examples numbers"]:
        chunks = []
        for part in torch.split(index, _AT_ONCE):
            raw = split.fetch(part)[0].cpu().float()
            chunks.append(((raw - data.mean) / data.std).flatten(1).double().numpy())
        return np.concatenate(chunks) if chunks else np.zeros((0, int(np.prod(data.input_shape))))

    if int(np.prod(data.input_shape)) <= _MOST_FEATURES:
        return flat
    from sklearn.decomposition import PCA

    seen = np.concatenate([flat(part, _some(len(part), seed)[:_AT_ONCE]) for part in (shifted, data.train)])
    # The columns of a table have units of their own, and the widest would be all that is seen; pixels have one.
    scale = _spreads(seen) if len(data.input_shape) == 1 else np.ones(1)
    components = min(_COMPONENTS, *seen.shape)
    projection = PCA(components, svd_solver="randomized", random_state=seed).fit(seen / scale)

    def projected(split: Split, index: Tensor) -> Float[np.ndarray, "examples components"]:
        chunks = [projection.transform(flat(split, part) / scale) for part in torch.split(index, _AT_ONCE) if len(part)]
        return np.concatenate(chunks) if chunks else np.zeros((0, components))

    return projected


def _spreads(seen: Float[np.ndarray, "examples numbers"]) -> Float[np.ndarray, " numbers"]:
    """Standard deviations, infinite where there is nothing but rounding."""
    spreads = seen.std(axis=0)
    return np.where(spreads > 1e-12 * np.abs(seen).max(axis=0), spreads, np.inf)


def _some(count: int, seed: int) -> Shaped[Tensor, " chosen"]:
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    return order[:_MOST_FITTED].sort().values


def _weights(ratio: DensityRatio, features: Features, split: Split) -> Float[Tensor, " examples"]:
    if not len(split):
        return torch.zeros(0)
    chunks = [ratio.weights(features(split, part)) for part in torch.split(torch.arange(len(split)), _AT_ONCE)]
    return torch.from_numpy(np.concatenate(chunks)).float()
