"""The same network with its scale distributed otherwise over two layers."""

import copy

import torch
from torch import nn


def rescaled(model: nn.Module, first: str, second: str, factor: float) -> nn.Module:
    """A copy of the model with the layer ``first`` (weight and bias) times ``factor``, and the weight of ``second``
    divided by it.

    Where what lies between the two is homogeneous of degree 1 (ReLU, LeakyReLU, maximum and mean pooling, dropout), and
    ``second`` alone follows ``first``, the copy computes the same function, and yet its Hessian's trace, its top
    eigenvalues and its ε-sharpness can be made as large as one likes: the block of ``first`` is divided by factor²,
    that of ``second``'s weight multiplied. So flatness in the parameters cannot by itself be why a network
    generalises; compare filter-normalised sharpness, which does not change.

    ``compare_rescalings`` measures all that, and checks that the function is the same. Raises ValueError for a layer
    that there is not, that has no weight, or a factor that is not positive.
    Source: Dinh, Pascanu, Bengio and Bengio 2017, section 3 and theorem 4; lecture 001, "Sharp minima vs flat minima",
    and 003 footnote 12.
    """
    if not factor > 0:
        raise ValueError(f"a negative or zero factor does not pass through a ReLU; got {factor}")
    copied = copy.deepcopy(model)
    layers = dict(copied.named_modules())
    for name in (first, second):
        if not isinstance(getattr(layers.get(name), "weight", None), nn.Parameter):
            having = [
                path for path, layer in layers.items() if isinstance(getattr(layer, "weight", None), nn.Parameter)
            ]
            raise ValueError(f"{name!r} is no layer with a weight that is a parameter; there are {', '.join(having)}")
    with torch.no_grad():
        layers[second].weight.div_(factor)
        layers[first].weight.mul_(factor)
        if isinstance(getattr(layers[first], "bias", None), torch.Tensor):
            layers[first].bias.mul_(factor)
    return copied
