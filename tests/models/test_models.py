"""The networks: shapes, sizes known from the papers, and what they refuse."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from shinso import models


def parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def test_lenet5_has_the_parameters_of_its_modern_form() -> None:
    assert parameters(models.lenet5()) == 61_706
    assert parameters(models.lenet5(image_size=32)) == 61_706


@pytest.mark.parametrize(("depth", "millions"), [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85), (110, 1.7)])
def test_resnet_has_the_size_of_table_6_of_the_paper(depth: int, millions: float) -> None:
    assert parameters(models.resnet(depth=depth)) / 1e6 == pytest.approx(millions, rel=0.03)


@pytest.mark.parametrize("normalization", ["none", "batch", "layer", "instance", "group"])
@pytest.mark.parametrize("size", [8, 13, 32])
def test_resnet_takes_small_images_of_any_size(normalization: str, size: int) -> None:
    model = models.resnet(num_classes=7, in_channels=2, depth=8, width=4, normalization=normalization)  # type: ignore[arg-type]
    x = torch.randn(3, 2, size, size)
    logits = model(x)
    assert logits.shape == (3, 7)
    assert logits.isfinite().all()
    logits.sum().backward()
    assert all(p.grad is not None for p in model.parameters())


def test_resnet_without_normalisation_begins_with_blocks_that_do_nothing() -> None:
    model = models.resnet(depth=14, width=4, normalization="none")
    x = torch.randn(2, 3, 8, 8)
    start = model[2](model[1](model[0](x.clone())))
    plain = start[:, :, ::4, ::4]
    after = nn.Sequential(*[m for m in model.modules() if m.__class__.__name__ == "BasicBlock"])(start.clone())
    torch.testing.assert_close(after[:, :4], plain)
    assert (after[:, 4:] == 0).all()


@pytest.mark.parametrize("normalization", ["layer", "instance", "group"])
def test_resnet_normalised_by_example_does_not_see_the_rest_of_the_batch(normalization: str) -> None:
    model = models.resnet(depth=8, width=8, normalization=normalization).double()  # type: ignore[arg-type]
    x = torch.randn(4, 3, 8, 8, dtype=torch.float64)
    torch.testing.assert_close(model(x)[:1], model(x[:1]))


@pytest.mark.parametrize("depth", [0, 2, 7, 21, 51])
def test_resnet_refuses_other_depths(depth: int) -> None:
    with pytest.raises(ValueError, match=rf"ResNet depth must be 6n\+2 for small images .*; got {depth}"):
        models.resnet(depth=depth)


def test_resnet_refuses_an_unknown_normalisation() -> None:
    with pytest.raises(
        ValueError, match="normalization must be one of none, batch, layer, instance, group; got 'bach'"
    ):
        models.resnet(normalization="bach")  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [12, 13, 27, 28, 31, 32, 33, 64])
def test_lenet5_takes_images_from_12_pixels(size: int) -> None:
    assert models.lenet5(image_size=size, num_classes=4)(torch.randn(2, 1, size, size)).shape == (2, 4)


def test_lenet5_refuses_small_images() -> None:
    with pytest.raises(ValueError, match=r"lenet5 needs images of at least 12×12 pixels; got 8×8: use resnet or mlp"):
        models.lenet5(image_size=8)


@pytest.mark.parametrize("hidden_layers", [0, 1, 3])
def test_mlp_has_the_layers_asked_for(hidden_layers: int) -> None:
    model = models.mlp(num_classes=3, in_features=12, width=5, hidden_layers=hidden_layers, dropout=0.5)
    sizes = [12, *[5] * hidden_layers, 3]
    assert parameters(model) == sum(a * b + b for a, b in pairwise(sizes))
    assert sum(isinstance(m, nn.Dropout) for m in model) == hidden_layers
    assert model(torch.randn(4, 3, 2, 2)).shape == (4, 3)


def test_mlp_begins_with_the_variance_of_he() -> None:
    torch.manual_seed(0)
    weight = models.mlp(num_classes=2, in_features=400, width=500)[1].weight
    assert weight.var().item() == pytest.approx(2 / 400, rel=0.02)


@pytest.mark.parametrize(("width", "hidden_layers"), [(0, 1), (4, -1)])
def test_mlp_refuses_what_is_no_network(width: int, hidden_layers: int) -> None:
    with pytest.raises(
        ValueError, match=f"mlp needs width >= 1 and hidden_layers >= 0; got {width} and {hidden_layers}"
    ):
        models.mlp(num_classes=2, in_features=2, width=width, hidden_layers=hidden_layers)


@pytest.mark.parametrize("name", ["mlp", "lenet5", "resnet"])
def test_the_flexible_ones_take_images_of_many_sizes(name: str) -> None:
    model = models.build(name, input_shape=(3, 16, 16), num_classes=5, dropout=0.1)
    assert models.takes_dropout(name)
    assert model(torch.randn(2, 3, 16, 16)).shape == (2, 5)


def test_lenet5_refuses_images_that_are_not_square() -> None:
    with pytest.raises(ValueError, match="square"):
        models.build("lenet5", input_shape=(1, 28, 20), num_classes=5)
