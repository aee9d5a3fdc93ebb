"""The deep linear network on which batch normalisation was studied (Santurkar et al. 2018, appendix A; lecture 000).

Many linear layers without activation functions compute what one linear layer does, but are as hard to train as a deep
network: what is seen there comes from depth alone.
"""

from collections import OrderedDict

from torch import nn


def deep_linear(
    *, in_features: int, out_features: int, depth: int = 25, width: int = 64, batch_norm: bool = False
) -> nn.Sequential:
    """``depth`` linear layers of ``width`` units without activation functions; ``[batch, ...]`` to ``[batch, out]``.

    With ``batch_norm`` a batch normalisation follows each linear layer but the last; the linear layers are named alike
    in both, ``linear1`` to ``linear<depth>``. Initial weights are those of Glorot and Bengio (2010), biases zero.
    Raises ValueError for a depth below 2.

    >>> len([layer for layer in deep_linear(in_features=10, out_features=10) if isinstance(layer, nn.Linear)])
    25
    """
    if depth < 2 or width < 1:
        raise ValueError(f"a deep linear network needs depth >= 2 and width >= 1; got {depth} and {width}")
    sizes = [in_features, *[width] * (depth - 1), out_features]
    layers: OrderedDict[str, nn.Module] = OrderedDict(flatten=nn.Flatten())
    for place in range(1, depth + 1):
        layers[f"linear{place}"] = _glorot(nn.Linear(sizes[place - 1], sizes[place]))
        if batch_norm and place < depth:
            layers[f"norm{place}"] = nn.BatchNorm1d(width)
    return nn.Sequential(layers)


def _glorot(layer: nn.Linear) -> nn.Linear:
    nn.init.xavier_normal_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
