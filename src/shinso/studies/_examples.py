"""A set's training and test examples as tensors, ready for a network."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor

    from shinso.data import DataSet, Split


class Examples(NamedTuple):
    """Normalised as the training part of the set asks for, on the GPU if there is one."""

    inputs: "Tensor"
    targets: "Tensor"
    test_inputs: "Tensor"
    test_targets: "Tensor"
    classes: int

    @property
    def features(self) -> int:
        """The numbers in one example."""
        return self.inputs[0].numel()


def examples(data: str, target: str | None, seed: int, *, train_share: float) -> Examples:
    """The set of that name, about ``train_share`` of it to train on; the rest, or the set's own test part, is the test.

    Which examples are trained on is drawn by the seed. Raises ValueError for targets that are no classes, and a share
    that is not between 0 and 1.
    """
    import torch

    import shinso.data

    if not 0 < train_share < 1:
        raise ValueError(f"train_share is a share of the examples, above 0 and below 1; got {train_share}")
    found = shinso.data.load(data, target=target, valid_fraction=0.0, test_fraction=1 - train_share, seed=seed)
    if found.classes is None:
        raise ValueError(f"a study needs classes to tell apart, but the targets of {data} are numbers")
    wanted = round(train_share * (len(found.train) + len(found.test)))
    chosen = torch.randperm(len(found.train), generator=torch.Generator().manual_seed(seed))[:wanted]
    test = torch.arange(len(found.test))
    return Examples(*_prepared(found, found.train, chosen), *_prepared(found, found.test, test), len(found.classes))


def _prepared(data: "DataSet", part: "Split", chosen: "Tensor") -> tuple["Tensor", "Tensor"]:
    import torch

    inputs, targets = part.fetch(chosen)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return ((inputs.float() - data.mean) / data.std).to(device), targets.to(device)
