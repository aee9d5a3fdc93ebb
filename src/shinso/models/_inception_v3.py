"""Inception v3 (Szegedy et al., 2015, arXiv 1512.00567; lecture 003, figure 19), as torchvision and TensorFlow's
authors' release have it, with batch normalisation after every convolution and an auxiliary classifier or none.

Torchvision's weights want images whose channels are normalised with mean 0.5 and deviation 0.5.
"""

from functools import partial

from jaxtyping import Float
from torch import Tensor, nn

from shinso.models._concatenated import Concatenated, chain
from shinso.models._initialized import fan_in_uniform, initialized, truncated_normal
from shinso.models._least_size import LeastSize
from shinso.models._network import Network
from shinso.models._parts import ConvNorm

Logits = Float[Tensor, "batch class"]
_conv = partial(ConvNorm, eps=1e-3)
_valid = partial(ConvNorm, eps=1e-3, padding=0)


def inception_v3(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.5) -> nn.Module:
    """Inception v3 without its auxiliary classifier: ``[batch, in_channels, 299, 299]`` to ``[batch, num_classes]``."""
    return InceptionV3(num_classes, in_channels, dropout, auxiliary=False)


def inception_v3_aux(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.5) -> nn.Module:
    """Inception v3 with its auxiliary classifier: in training it returns the logits, then those after the last 17×17
    module; in evaluation the logits alone. Images of at least 299×299, which the classifier's 5×5 convolution needs.
    """
    return InceptionV3(num_classes, in_channels, dropout, auxiliary=True)


def inception_v3_small(*, num_classes: int = 10, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """Inception v3 for 32×32 and 28×28 images: one module of each kind, an eighth as wide.

    Maps ``[batch, in_channels, height, width]`` to ``[batch, num_classes]``.
    """
    network = chain(
        stem=chain(least_size=LeastSize(14, instead="lenet5"), conv1=_conv(in_channels, 24, 3), pool=nn.MaxPool2d(2)),
        mixed5b=module_a(24, 4, narrower=8),
        mixed6a=reduction_b(28 + 4, narrower=8),
        mixed6b=module_c(48 + 12 + 32, 192, narrower=8),
        mixed7a=reduction_d(96, narrower=8),
        mixed7b=module_e(40 + 24 + 96, narrower=8),
        classifier=_classifier(256, num_classes, dropout),
    )
    return initialized(network, fan_in_uniform)


class InceptionV3(nn.Module):
    """Table 1: the stem, 3 modules at 35×35, 5 at 17×17, 3 at 8×8, and the classifier.

    Initialised as in the authors' release, since the paper says nothing of it: weights normal with standard deviation
    0.1, in the auxiliary classifier 0.01 for its last convolution and 0.001 for its linear layer, all cut off at two
    deviations.
    """

    def __init__(self, num_classes: int, in_channels: int, dropout: float, *, auxiliary: bool) -> None:
        super().__init__()
        self.stem = _stem(in_channels, LeastSize(299 if auxiliary else 75, instead="inception_v3_small"))
        self.stage35x35 = chain(
            mixed5b=module_a(192, 32),
            mixed5c=module_a(256, 64),
            mixed5d=module_a(288, 64),
        )
        self.stage17x17 = chain(
            mixed6a=reduction_b(288),
            mixed6b=module_c(768, 128),
            mixed6c=module_c(768, 160),
            mixed6d=module_c(768, 160),
            mixed6e=module_c(768, 192),
        )
        self.auxiliary = _auxiliary(num_classes) if auxiliary else None
        self.stage8x8 = chain(
            mixed7a=reduction_d(768),
            mixed7b=module_e(1280),
            mixed7c=module_e(2048),
        )
        self.classifier = _classifier(2048, num_classes, dropout)
        initialized(self, truncated_normal(0.1))
        if self.auxiliary is not None:
            truncated_normal(0.01)(self.auxiliary.get_parameter("conv2.conv.weight"))
            truncated_normal(0.001)(self.auxiliary.get_parameter("linear.weight"))

    def forward(self, x: Float[Tensor, "batch channel height width"]) -> Logits | tuple[Logits, Logits]:
        after_6e = self.stage17x17(self.stage35x35(self.stem(x)))
        auxiliary = self.auxiliary(after_6e) if self.auxiliary is not None and self.training else None
        logits: Tensor = self.classifier(self.stage8x8(after_6e))
        return logits if auxiliary is None else (logits, auxiliary)


def module_a(in_channels: int, pooled: int, *, narrower: int = 1) -> Concatenated:
    """Figure 5: 5×5 convolutions become two 3×3 ones; ``pooled`` channels after pooling.

    All of a module's channels are divided by ``narrower``, but not ``pooled``.
    """
    c64, c48, c96 = 64 // narrower, 48 // narrower, 96 // narrower
    return Concatenated(
        {
            "branch1x1": _conv(in_channels, c64, 1),
            "branch5x5": chain(conv1=_conv(in_channels, c48, 1), conv2=_conv(c48, c64, 5)),
            "branch3x3_twice": chain(
                conv1=_conv(in_channels, c64, 1), conv2=_conv(c64, c96, 3), conv3=_conv(c96, c96, 3)
            ),
            "branch_pool": chain(pool=_average(), conv=_conv(in_channels, pooled, 1)),
        }
    )


def reduction_b(in_channels: int, *, narrower: int = 1) -> Concatenated:
    """Figure 10: from 35×35 to 17×17."""
    c64, c96, c384 = 64 // narrower, 96 // narrower, 384 // narrower
    return Concatenated(
        {
            "branch3x3": _valid(in_channels, c384, 3, 2),
            "branch3x3_twice": chain(
                conv1=_conv(in_channels, c64, 1), conv2=_conv(c64, c96, 3), conv3=_valid(c96, c96, 3, 2)
            ),
            "branch_pool": nn.MaxPool2d(3, 2),
        }
    )


def module_c(in_channels: int, width: int, *, narrower: int = 1) -> Concatenated:
    """Figure 6: 7×7 convolutions become 1×7 and 7×1 ones, of ``width`` channels inside."""
    inner, c192 = width // narrower, 192 // narrower
    return Concatenated(
        {
            "branch1x1": _conv(in_channels, c192, 1),
            "branch7x7": chain(
                conv1=_conv(in_channels, inner, 1), conv2=_conv(inner, inner, (1, 7)), conv3=_conv(inner, c192, (7, 1))
            ),
            "branch7x7_twice": chain(
                conv1=_conv(in_channels, inner, 1),
                conv2=_conv(inner, inner, (7, 1)),
                conv3=_conv(inner, inner, (1, 7)),
                conv4=_conv(inner, inner, (7, 1)),
                conv5=_conv(inner, c192, (1, 7)),
            ),
            "branch_pool": chain(pool=_average(), conv=_conv(in_channels, c192, 1)),
        }
    )


def reduction_d(in_channels: int, *, narrower: int = 1) -> Concatenated:
    """From 17×17 to 8×8, by 3×3 convolutions in two branches."""
    c192, c320 = 192 // narrower, 320 // narrower
    return Concatenated(
        {
            "branch3x3": chain(conv1=_conv(in_channels, c192, 1), conv2=_valid(c192, c320, 3, 2)),
            "branch7x7_3x3": chain(
                conv1=_conv(in_channels, c192, 1),
                conv2=_conv(c192, c192, (1, 7)),
                conv3=_conv(c192, c192, (7, 1)),
                conv4=_valid(c192, c192, 3, 2),
            ),
            "branch_pool": nn.MaxPool2d(3, 2),
        }
    )


def module_e(in_channels: int, *, narrower: int = 1) -> Concatenated:
    """Figure 7: 3×3 convolutions become 1×3 and 3×1 ones, side by side."""
    c192, c320, c384, c448 = 192 // narrower, 320 // narrower, 384 // narrower, 448 // narrower
    return Concatenated(
        {
            "branch1x1": _conv(in_channels, c320, 1),
            "branch3x3": chain(conv1=_conv(in_channels, c384, 1), conv2=_1x3_beside_3x1(c384)),
            "branch3x3_twice": chain(
                conv1=_conv(in_channels, c448, 1), conv2=_conv(c448, c384, 3), conv3=_1x3_beside_3x1(c384)
            ),
            "branch_pool": chain(pool=_average(), conv=_conv(in_channels, c192, 1)),
        }
    )


def _1x3_beside_3x1(channels: int) -> Concatenated:
    return Concatenated({"conv1x3": _conv(channels, channels, (1, 3)), "conv3x1": _conv(channels, channels, (3, 1))})


def _average() -> nn.AvgPool2d:
    return nn.AvgPool2d(3, 1, padding=1)


def _stem(in_channels: int, least_size: LeastSize) -> nn.Sequential:
    return chain(
        least_size=least_size,
        conv1=_valid(in_channels, 32, 3, 2),
        conv2=_valid(32, 32, 3),
        conv3=_conv(32, 64, 3),
        pool1=nn.MaxPool2d(3, 2),
        conv4=_valid(64, 80, 1),
        conv5=_valid(80, 192, 3),
        pool2=nn.MaxPool2d(3, 2),
    )


def _auxiliary(num_classes: int) -> nn.Module:
    """Figure 8: ``[batch, 768, 17, 17]`` to ``[batch, num_classes]``."""
    return chain(
        pool=nn.AvgPool2d(5, 3),
        conv1=_conv(768, 128, 1),
        conv2=_valid(128, 768, 5),
        last_pool=nn.AdaptiveAvgPool2d(1),
        flatten=nn.Flatten(),
        linear=nn.Linear(768, num_classes),
    )


def _classifier(channels: int, num_classes: int, dropout: float) -> nn.Sequential:
    return chain(
        pool=nn.AdaptiveAvgPool2d(1),
        flatten=nn.Flatten(),
        dropout=nn.Dropout(dropout),
        linear=nn.Linear(channels, num_classes),
    )


_PAPER = "Rethinking the Inception Architecture for Computer Vision, arXiv 1512.00567"

NETWORKS = {
    "inception_v3": Network(inception_v3, 2015, (3, 299, 299), _PAPER),
    "inception_v3_aux": Network(inception_v3_aux, 2015, (3, 299, 299), _PAPER),
    "inception_v3_small": Network(inception_v3_small, 2015, (3, 32, 32), _PAPER),
}
