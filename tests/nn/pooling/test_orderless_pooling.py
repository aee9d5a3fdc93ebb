"""VLAD against its sums, and multi-scale orderless pooling against patches taken one by one."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from shinso.nn.pooling import (
    MultiScaleOrderlessPool2d,
    Vlad,
    fit_multi_scale_orderless_pool2d,
    fit_vlad,
    patch_features,
)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def by_definition(vectors: Tensor, centers: Tensor, bandwidth: float, nearest: int) -> Tensor:
    sums = torch.zeros_like(centers)
    for p in vectors:
        distances = [(p - c).norm().item() for c in centers]
        closest = sorted(range(len(centers)), key=distances.__getitem__)[:nearest]
        similarity = {k: math.exp(-(distances[k] ** 2) / (2 * bandwidth**2)) for k in closest}
        for k in closest:
            sums[k] += similarity[k] / sum(similarity.values()) * (p - centers[k])
    roots = sums.sign() * sums.abs().sqrt()
    return roots.flatten() / roots.norm()


@pytest.mark.parametrize("nearest", [1, 2, 4])
def test_vlad_is_its_sums(nearest: int) -> None:
    vectors, centers = normal(3, 6, 2), normal(4, 2, seed=1)
    vlad = Vlad(centers, 0.7, nearest=nearest)
    expected = torch.stack([by_definition(each, centers, 0.7, nearest) for each in vectors])
    torch.testing.assert_close(vlad(vectors), expected)
    torch.testing.assert_close(vlad(vectors[0]), expected[0])


def test_vlad_does_not_depend_on_the_order_and_has_one_length_for_all_sets() -> None:
    vlad, vectors = Vlad(normal(4, 3, seed=1), 1.0, nearest=2), normal(7, 3)
    torch.testing.assert_close(vlad(vectors[torch.randperm(7)]), vlad(vectors))
    assert vlad(vectors[:2]).shape == vlad(vectors).shape == (12,)
    torch.testing.assert_close(vlad(vectors).norm().item(), 1.0)


def test_vlad_has_gradients_also_where_nothing_is_assigned() -> None:
    vlad = Vlad(normal(4, 2, seed=1), 0.8, nearest=4)
    assert torch.autograd.gradcheck(vlad, (normal(2, 5, 2).requires_grad_(),))
    lonely = Vlad(torch.tensor([[0.0, 0.0], [9.0, 9.0]], dtype=torch.float64), 1.0, nearest=1)
    assert torch.autograd.gradcheck(lonely, (normal(5, 2).requires_grad_(),))


def test_fitted_centers_are_means_of_their_vectors() -> None:
    torch.manual_seed(0)
    clusters = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]], dtype=torch.float64)
    vectors = (clusters[:, None] + 0.1 * normal(3, 20, 2)).flatten(0, 1)
    vlad = fit_vlad(vectors, centers=3)
    nearest = torch.cdist(vectors, vlad.centers).argmin(1)
    assert len(nearest.view(3, 20)[:, 0].unique()) == 3
    for k in range(3):
        torch.testing.assert_close(vlad.centers[k], vectors[nearest == k].mean(0))
    spread = (vectors - vlad.centers[nearest]).square().sum(1).mean().sqrt()
    torch.testing.assert_close(vlad.bandwidth, spread)
    assert vlad.nearest == 3
    torch.manual_seed(5)
    first = fit_vlad(normal(50, 2), 8).centers
    torch.manual_seed(5)
    assert torch.equal(fit_vlad(normal(50, 2), 8).centers, first)


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1)).double().eval()


def test_patches_are_cut_scaled_and_seen_by_the_network() -> None:
    net, images = network(), normal(2, 3, 8, 12)
    expected = []
    for top in (0, 2, 4):
        for left in (0, 2, 4, 6, 8):
            patch = images[:, :, top : top + 4, left : left + 4]
            scaled = F.interpolate(patch, size=(8, 12), mode="bilinear", align_corners=False)
            expected.append(net(scaled).flatten(1))
    torch.testing.assert_close(patch_features(net, images, 4, 2), torch.stack(expected, 1))


def test_the_pooling_is_the_image_and_a_vlad_for_each_scale() -> None:
    net, images = network(), normal(3, 3, 12, 12)
    pool = fit_multi_scale_orderless_pool2d(net, images, (8, 4), stride=4, centers=5, nearest=2)
    levels = [net(images).flatten(1)]
    for size, vlad in zip((8, 4), pool.vlads, strict=True):
        assert isinstance(vlad, Vlad)
        levels.append(
            torch.stack(
                [
                    by_definition(vectors, vlad.centers, vlad.bandwidth.item(), 2)
                    for vectors in patch_features(net, images, size, 4).detach()
                ]
            )
        )
    torch.testing.assert_close(pool(images), torch.cat(levels, 1))
    assert pool(images).shape == (3, 4 + 2 * 5 * 4)
    assert str(pool).startswith("MultiScaleOrderlessPool2d(\n  patch_sizes=(8, 4), stride=4")
    assert not any(parameter.grad_fn for parameter in pool.vlads.buffers())


def test_the_pooling_hands_gradients_to_images_and_network_and_its_state_loads() -> None:
    net, images = network(), normal(2, 3, 8, 8).requires_grad_()
    pool = fit_multi_scale_orderless_pool2d(net, images, (4,), stride=2, centers=3, nearest=2)
    assert torch.autograd.gradcheck(pool, (images,))
    pool(images).square().mul(torch.arange(16)).sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in net.parameters())
    torch.manual_seed(9)
    other = fit_multi_scale_orderless_pool2d(network(), normal(2, 3, 8, 8, seed=3), (4,), 2, centers=3, nearest=2)
    assert not torch.allclose(other(images), pool(images))
    other.load_state_dict(pool.state_dict())
    torch.testing.assert_close(other(images), pool(images))


def test_impossible_settings_are_refused() -> None:
    net, images, centers = network(), normal(1, 3, 8, 8), normal(4, 2)
    with pytest.raises(ValueError, match="1 <= size <= the image's 8 × 8 and stride >= 1; got size 9 and stride 2"):
        fit_multi_scale_orderless_pool2d(net, images, (9,), 2)
    with pytest.raises(ValueError, match="more different vectors than centers; got 4 and 100 centers"):
        fit_multi_scale_orderless_pool2d(net, images, (4,), 4)
    with pytest.raises(ValueError, match="nearest must be from 1 to the 4 centers; got 5"):
        Vlad(centers, 1.0)
    with pytest.raises(ValueError, match="bandwidth must be above 0; got 0"):
        Vlad(centers, 0.0, nearest=1)
    with pytest.raises(ValueError, match="each patch size needs a Vlad; got 2 sizes and 1 of them"):
        MultiScaleOrderlessPool2d(net, (4, 2), 2, [Vlad(centers, 1.0, nearest=1)])


def test_a_vlad_says_what_it_is() -> None:
    assert str(Vlad(normal(4, 2), 1.0, nearest=3)) == "Vlad(2, centers=4, nearest=3)"
