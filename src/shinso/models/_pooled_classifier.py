"""The end of most convolutional networks since Network in Network."""

from torch import nn


def pooled_classifier(channels: int, num_classes: int, dropout: float = 0.0) -> dict[str, nn.Module]:
    """Global average pooling, dropout if any, and a linear layer: ``[batch, channels, height, width]`` to
    ``[batch, num_classes]``, by name.
    """
    layers: dict[str, nn.Module] = {"pool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten()}
    if dropout:
        layers["dropout"] = nn.Dropout(dropout)
    return layers | {"classifier": nn.Linear(channels, num_classes)}
