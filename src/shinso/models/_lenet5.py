"""LeNet-5 in its modern form (LeCun et al., 1998; lecture 001): full C3, rectified units, max pooling."""

from torch import nn


def lenet5(*, num_classes: int = 10, in_channels: int = 1, image_size: int = 28, dropout: float = 0.0) -> nn.Sequential:
    """Two convolutions with pooling and three linear layers; 61,706 parameters for 28×28 grey images in ten classes.

    Maps ``[batch, in_channels, image_size, image_size]`` to ``[batch, num_classes]``. Raises ValueError for images
    under 12 pixels, which the second convolution has no room for.
    """
    if image_size < 12:
        raise ValueError(
            f"lenet5 needs images of at least 12×12 pixels; got {image_size}×{image_size}: use resnet or mlp"
        )
    padding = 0 if image_size == 32 else 2
    side = ((image_size + 2 * padding - 4) // 2 - 4) // 2
    return nn.Sequential(
        nn.Conv2d(in_channels, 6, 5, padding=padding),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * side * side, 120),
        nn.ReLU(inplace=True),
        nn.Linear(120, 84),
        nn.ReLU(inplace=True),
        *([nn.Dropout(dropout)] if dropout else []),
        nn.Linear(84, num_classes),
    )
