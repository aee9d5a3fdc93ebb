"""GoogLeNet (Szegedy et al., 2014, arXiv 1409.4842; lecture 001, the slide on the depth of networks), as published, and
as torchvision has it, with batch normalisation and 3×3 convolutions in place of 5×5. Each with or without its two
auxiliary classifiers, which follow modules 4a and 4d.

Torchvision's weights want images whose channels are normalised with mean 0.5 and deviation 0.5.
"""

from collections.abc import Callable
from functools import partial

from jaxtyping import Float
from torch import Tensor, nn

from shinso.models._concatenated import Concatenated, chain
from shinso.models._initialized import fan_in_uniform, initialized, truncated_normal
from shinso.models._least_size import LeastSize
from shinso.models._network import Network
from shinso.models._parts import ConvNorm, layers_of

Convolution = Callable[..., nn.Module]
Logits = Float[Tensor, "batch class"]

# Table 1, the columns of the inception modules: #1×1, #3×3 reduce, #3×3, #5×5 reduce, #5×5, pool proj.
_TABLE = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


def googlenet_paper(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.4) -> nn.Module:
    """GoogLeNet as published (table 1), without auxiliary classifiers: biases, response normalisation, no batch
    normalisation. Maps ``[batch, in_channels, 224, 224]`` to ``[batch, num_classes]``.
    """
    return _as_published(num_classes, in_channels, dropout, auxiliary=False)


def googlenet_paper_aux(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.4) -> nn.Module:
    """GoogLeNet as published with its auxiliary classifiers: in training it returns the logits, then those after module
    4a and after 4d, to be weighted by 0.3 in the loss (section 5); in evaluation the logits alone.
    """
    return _as_published(num_classes, in_channels, dropout, auxiliary=True)


def googlenet_torchvision(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.2) -> nn.Module:
    """GoogLeNet with batch normalisation, without auxiliary classifiers, as torchvision builds it: 3×3 where the paper
    has 5×5, a 2×2 pooling before module 5a. Maps ``[batch, in_channels, 224, 224]`` to ``[batch, num_classes]``.
    """
    return _as_in_torchvision(num_classes, in_channels, dropout, auxiliary=False)


def googlenet_torchvision_aux(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.2) -> nn.Module:
    """GoogLeNet as in torchvision with auxiliary classifiers: in training it returns the logits, then those after
    module 4d and after 4a; in evaluation the logits alone.
    """
    return _as_in_torchvision(num_classes, in_channels, dropout, auxiliary=True)


def googlenet_small(*, num_classes: int = 10, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """GoogLeNet for 32×32 and 28×28 images: five of the inception modules, a quarter as wide, with batch normalisation.

    Maps ``[batch, in_channels, height, width]`` to ``[batch, num_classes]``.
    """
    conv = partial(ConvNorm, eps=1e-3)
    channels = {name: tuple(width // 4 for width in row) for name, row in _TABLE.items()}
    network = chain(
        stem=chain(conv1=conv(in_channels, 48, 3), pool1=_pool(3)),
        inception3a=inception(48, channels["3a"], conv, 3),
        inception3b=inception(64, channels["3b"], conv, 3),
        pool3=_pool(3),
        inception4a=inception(120, channels["4a"], conv, 3),
        inception4e=inception(128, channels["4e"], conv, 3),
        pool4=_pool(3),
        inception5b=inception(208, channels["5b"], conv, 3),
        pool5=nn.AdaptiveAvgPool2d(1),
        flatten=nn.Flatten(),
        dropout=nn.Dropout(dropout),
        classifier=nn.Linear(256, num_classes),
    )
    return initialized(network, fan_in_uniform)


class GoogLeNet(nn.Module):
    """The network of table 1 with these convolutions, and auxiliary classifiers that are functions of their width."""

    def __init__(
        self,
        stem: nn.Sequential,
        conv: Convolution,
        *,
        kernel_size_for_5x5: int,
        last_pool: int,
        auxiliary: Callable[[int], nn.Module] | None,
        deepest_auxiliary_first: bool,
        dropout: float,
        num_classes: int,
    ) -> None:
        super().__init__()
        rows = {name: _out_channels(row) for name, row in _TABLE.items()}
        fed = zip(_TABLE, [192, *rows.values()], strict=False)
        modules = {name: inception(channels, _TABLE[name], conv, kernel_size_for_5x5) for name, channels in fed}
        stage3 = {"inception3a": modules["3a"], "inception3b": modules["3b"], "pool3": _pool(3)}
        self.to_4a = chain(stem=stem, **stage3, inception4a=modules["4a"])
        self.to_4d = chain(inception4b=modules["4b"], inception4c=modules["4c"], inception4d=modules["4d"])
        self.to_5b = chain(
            inception4e=modules["4e"],
            pool4=_pool(last_pool),
            inception5a=modules["5a"],
            inception5b=modules["5b"],
        )
        self.auxiliary_4a = auxiliary(rows["4a"]) if auxiliary else None
        self.auxiliary_4d = auxiliary(rows["4d"]) if auxiliary else None
        self.classifier = chain(
            pool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            dropout=nn.Dropout(dropout),
            linear=nn.Linear(rows["5b"], num_classes),
        )
        self.deepest_auxiliary_first = deepest_auxiliary_first

    def forward(self, x: Float[Tensor, "batch channel height width"]) -> Logits | tuple[Logits, Logits, Logits]:
        after_4a = self.to_4a(x)
        after_4d = self.to_4d(after_4a)
        logits: Tensor = self.classifier(self.to_5b(after_4d))
        if not self.training or self.auxiliary_4a is None or self.auxiliary_4d is None:
            return logits
        first, second = self.auxiliary_4a(after_4a), self.auxiliary_4d(after_4d)
        return (logits, second, first) if self.deepest_auxiliary_first else (logits, first, second)


def inception(in_channels: int, row: tuple[int, ...], conv: Convolution, kernel_size_for_5x5: int) -> Concatenated:
    """Figure 2(b) with the channels of a row of table 1, in the order of its columns."""
    one, reduce3, three, reduce5, five, projection = row
    return Concatenated(
        {
            "branch1x1": conv(in_channels, one, 1),
            "branch3x3": chain(reduce=conv(in_channels, reduce3, 1), conv=conv(reduce3, three, 3)),
            "branch5x5": chain(reduce=conv(in_channels, reduce5, 1), conv=conv(reduce5, five, kernel_size_for_5x5)),
            "branch_pool": chain(pool=nn.MaxPool2d(3, 1, padding=1), projection=conv(in_channels, projection, 1)),
        }
    )


def _out_channels(row: tuple[int, ...]) -> int:
    one, _, three, _, five, projection = row
    return one + three + five + projection


def _pool(kernel_size: int) -> nn.MaxPool2d:
    return nn.MaxPool2d(kernel_size, 2, ceil_mode=True)


def _as_published(num_classes: int, in_channels: int, dropout: float, *, auxiliary: bool) -> nn.Module:
    """Response normalisation and initialisation are named by no page of the paper: both are those of the Caffe model
    (weights uniform with variance 1 over the fan-in; biases of convolutions 0.2, of linear layers 0).
    """
    stem = chain(
        least_size=LeastSize(79 if auxiliary else 31, instead="googlenet_small"),
        conv1=_conv_relu(in_channels, 64, 7, 2),
        pool1=_pool(3),
        norm1=nn.LocalResponseNorm(5),
        conv2=_conv_relu(64, 64, 1),
        conv3=_conv_relu(64, 192, 3),
        norm2=nn.LocalResponseNorm(5),
        pool2=_pool(3),
    )
    head = partial(_auxiliary, conv=_conv_relu, average=_average_5x5, num_classes=num_classes)
    network = GoogLeNet(
        stem,
        _conv_relu,
        kernel_size_for_5x5=5,
        last_pool=3,
        auxiliary=head if auxiliary else None,
        deepest_auxiliary_first=False,
        dropout=dropout,
        num_classes=num_classes,
    )
    initialized(network, fan_in_uniform)
    for conv in layers_of(network, nn.Conv2d):
        nn.init.constant_(conv.get_parameter("bias"), 0.2)
    return network


def _as_in_torchvision(num_classes: int, in_channels: int, dropout: float, *, auxiliary: bool) -> nn.Module:
    """Initialised as in torchvision: weights normal with standard deviation 0.01, cut off at two of them."""
    conv = partial(ConvNorm, eps=1e-3)
    stem = chain(
        least_size=LeastSize(15, instead="googlenet_small"),
        conv1=conv(in_channels, 64, 7, 2),
        pool1=_pool(3),
        conv2=conv(64, 64, 1),
        conv3=conv(64, 192, 3),
        pool2=_pool(3),
    )
    head = partial(_auxiliary, conv=conv, average=partial(nn.AdaptiveAvgPool2d, 4), num_classes=num_classes)
    network = GoogLeNet(
        stem,
        conv,
        kernel_size_for_5x5=3,
        last_pool=2,
        auxiliary=head if auxiliary else None,
        deepest_auxiliary_first=True,
        dropout=dropout,
        num_classes=num_classes,
    )
    return initialized(network, truncated_normal(0.01))


def _conv_relu(in_channels: int, out_channels: int, kernel_size: int, stride: int = 1) -> nn.Module:
    return chain(
        conv=nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding=kernel_size // 2),
        relu=nn.ReLU(inplace=True),
    )


def _average_5x5() -> nn.Module:
    """To 4×4, as 14×14 images are by the paper's pooling alone."""
    return chain(pool=nn.AvgPool2d(5, 3), to_4x4=nn.AdaptiveAvgPool2d(4))


def _auxiliary(channels: int, *, conv: Convolution, average: Callable[[], nn.Module], num_classes: int) -> nn.Module:
    """Section 5: ``[batch, channels, height, width]`` to ``[batch, num_classes]``, pooled to 4×4, 70 % dropped out."""
    return chain(
        pool=average(),
        conv=conv(channels, 128, 1),
        flatten=nn.Flatten(),
        linear1=nn.Linear(128 * 4 * 4, 1024),
        relu=nn.ReLU(inplace=True),
        dropout=nn.Dropout(0.7),
        linear2=nn.Linear(1024, num_classes),
    )


_PAPER = "Going Deeper with Convolutions, arXiv 1409.4842"

NETWORKS = {
    function.__name__: Network(function, 2014, (3, 224, 224), _PAPER)
    for function in (googlenet_paper, googlenet_paper_aux, googlenet_torchvision, googlenet_torchvision_aux)
} | {"googlenet_small": Network(googlenet_small, 2014, (3, 32, 32), _PAPER)}
