"""Multi-scale orderless pooling (Gong et al., 2014, "Multi-scale orderless pooling of deep convolutional activation
features", arXiv 1403.1840; lecture 003, figure 16).
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from shinso.nn.pooling.vlad import Vlad, fit_vlad


class MultiScaleOrderlessPool2d(nn.Module):
    """A network's features of the whole image, then for each patch size the VLAD of its features of all patches.

    ``network`` is any part that maps ``[batch, channel, height, width]`` to features of one size; patches are scaled to
    the image's size before it sees them, all patches of one size at once. Maps images to ``[batch, features + Σ centers
    · features]``. Made by ``fit_multi_scale_orderless_pool2d``. The paper reduces both the features and the result by
    principal components: put a linear layer at the network's end, and one after this.
    """

    def __init__(self, network: nn.Module, patch_sizes: Sequence[int], stride: int, vlads: Sequence[Vlad]) -> None:
        super().__init__()
        if len(patch_sizes) != len(vlads):
            raise ValueError(f"each patch size needs a Vlad; got {len(patch_sizes)} sizes and {len(vlads)} of them")
        self.network = network
        self.patch_sizes = tuple(patch_sizes)
        self.stride = stride
        self.vlads = nn.ModuleList(vlads)

    def forward(self, images: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch features"]:
        levels = [self.network(images).flatten(1)]
        for size, vlad in zip(self.patch_sizes, self.vlads, strict=True):
            levels.append(vlad(patch_features(self.network, images, size, self.stride)))
        return torch.cat(levels, dim=1)

    def extra_repr(self) -> str:
        return f"patch_sizes={self.patch_sizes}, stride={self.stride}"


def fit_multi_scale_orderless_pool2d(
    network: nn.Module,
    images: Float[Tensor, "batch channel height width"],
    patch_sizes: Sequence[int] = (128, 64),
    stride: int = 32,
    *,
    centers: int = 100,
    nearest: int = 5,
) -> MultiScaleOrderlessPool2d:
    """A pooling with the centres of k-means over the patches of these images, for each patch size its own.

    Patch sizes and stride are in pixels; the defaults are the paper's for images of 256 × 256. Raises ValueError where
    a patch does not fit and where there are not more patches than centres. Call it with ``network.eval()``: it looks at
    the images once, without gradients.
    """
    with torch.no_grad():
        features = [patch_features(network, images, size, stride).flatten(0, 1) for size in patch_sizes]
    vlads = [fit_vlad(vectors, centers, nearest=nearest) for vectors in features]
    return MultiScaleOrderlessPool2d(network, patch_sizes, stride, vlads)


def patch_features(
    network: nn.Module, images: Float[Tensor, "batch channel height width"], size: int, stride: int
) -> Float[Tensor, "batch patch features"]:
    """The network's features of each size × size patch, ``stride`` pixels apart, scaled up to the image's size.

    Raises ValueError where a patch does not fit, and for a size or stride below 1.
    """
    height, width = images.shape[2:]
    if not 1 <= size <= min(height, width) or stride < 1:
        raise ValueError(
            f"patches need 1 <= size <= the image's {height} × {width} and stride >= 1; got size {size} and stride "
            f"{stride}"
        )
    patches = images.unfold(2, size, stride).unfold(3, size, stride).permute(0, 2, 3, 1, 4, 5)
    scaled = F.interpolate(patches.flatten(0, 2), size=(height, width), mode="bilinear", align_corners=False)
    features: Tensor = network(scaled)
    return features.reshape(images.shape[0], len(scaled) // len(images), -1)
