"""The tensors of a network or of a file, grouped by the module that they belong to."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from math import prod

from torch import Tensor

# Counts training steps: it does not enter the output, and old files have none.
COUNTER = "num_batches_tracked"

Signature = tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(frozen=True, eq=False)
class StoredLayer:
    """The tensors of one module, without those of modules inside it."""

    path: str
    tensors: Mapping[str, Tensor]

    @property
    def signature(self) -> Signature:
        """Names and shapes of the tensors."""
        return tuple(sorted((name, tuple(t.shape)) for name, t in self.tensors.items() if name != COUNTER))

    @property
    def flat_signature(self) -> Signature:
        """Names and shapes as matrices: equal for a linear layer and the convolution that does its work."""
        return tuple((name, (*shape[:1], prod(shape[1:]))) for name, shape in self.signature)

    def fits(self, other: "StoredLayer") -> bool:
        """Whether each can take the other's tensors: of the same shapes, or one is linear and the other a convolution
        over all of the map that the linear layer has in one row.
        """
        if self.signature == other.signature:
            return True
        ranks = {len(shape) for layer in (self, other) for name, shape in layer.signature if name == "weight"}
        return ranks == {2, 4} and self.flat_signature == other.flat_signature

    def name_of(self, tensor: str) -> str:
        """The full name of one of its tensors."""
        return f"{self.path}.{tensor}" if self.path else tensor

    def __str__(self) -> str:
        shapes = (f"{name} {'×'.join(map(str, shape)) or 'scalar'}" for name, shape in self.signature)
        return f"{self.path or 'the outermost module'} ({', '.join(shapes)})"


def stored_layers(tensors: Mapping[str, Tensor]) -> list[StoredLayer]:
    """The layers of a state dict, in its order."""
    layers = []
    for path, names in groupby(tensors, key=_path_of):
        layers.append(StoredLayer(path, {name.rpartition(".")[2]: tensors[name] for name in names}))
    return layers


def _path_of(name: str) -> str:
    return name.rpartition(".")[0]
