"""Multilayer perceptron (lecture 004, section 6.1)."""

from itertools import pairwise

from torch import nn


def mlp(
    *, num_classes: int, in_features: int, width: int = 256, hidden_layers: int = 2, dropout: float = 0.0
) -> nn.Sequential:
    """A perceptron with ``hidden_layers`` rectified layers of ``width`` units, He initialisation.

    Maps ``[batch, ...]`` with ``in_features`` values an example to ``[batch, num_classes]``.
    """
    if width < 1 or hidden_layers < 0:
        raise ValueError(f"mlp needs width >= 1 and hidden_layers >= 0; got {width} and {hidden_layers}")
    sizes = [in_features, *[width] * hidden_layers]
    hidden: list[nn.Module] = []
    for fan_in, fan_out in pairwise(sizes):
        hidden += [_he(nn.Linear(fan_in, fan_out)), nn.ReLU(inplace=True)]
        if dropout:
            hidden.append(nn.Dropout(dropout))
    return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(sizes[-1], num_classes))


def _he(layer: nn.Linear) -> nn.Linear:
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    nn.init.zeros_(layer.bias)
    return layer
