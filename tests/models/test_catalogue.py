"""The catalogue: every network builds, and has the size and cost that the catalogue says."""

import inspect
import re
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from shinso.models import CATALOGUE, Network, build, figures, names
from shinso.recipe import Recipe


def counted(network: Network) -> tuple[int, int]:
    options: dict[str, Any] = {}
    taken = inspect.signature(network.function).parameters
    if "in_features" in taken:
        options = {"in_features": network.input_shape[0], "num_classes": 10}
    elif network.input_shape[0] != 3:
        options = {"in_channels": network.input_shape[0]}
    with torch.device("meta"):
        model = network.function(**options).eval()
        x = torch.empty(1, *network.input_shape)
    with FlopCounterMode(display=False) as counter:
        model(x)
    return sum(parameter.numel() for parameter in model.parameters()), counter.get_total_flops() // 2


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_figures_are_those_of_the_network(name: str) -> None:
    assert tuple(figures()[name]) == counted(CATALOGUE[name])


def test_the_catalogue_is_whole() -> None:
    assert set(figures()) == set(names()) == set(CATALOGUE)
    for name, network in CATALOGUE.items():
        assert re.fullmatch(r"[a-zB0-9_]+", name)
        assert 1950 < network.year <= 2026
        assert network.paper


def test_a_network_is_built_by_name_as_published_or_for_the_data_at_hand() -> None:
    with torch.device("meta"):
        assert build("resnet18")(torch.empty(2, 3, 224, 224)).shape == (2, 1000)
        assert build("resnet18", 10, 1)(torch.empty(2, 1, 64, 64)).shape == (2, 10)
        assert build("vgg_small", input_shape=(1, 28, 28), num_classes=5)(torch.empty(2, 1, 28, 28)).shape == (2, 5)
    with pytest.raises(ValueError, match=r"unknown model 'resnet51'; near it are resnet50.*`shinso models` lists all"):
        build("resnet51")
    with pytest.raises(ValueError, match=r"mlp depends on the size of an example: give input_shape"):
        build("mlp")
    with pytest.raises(ValueError, match=r"resnet18 has no option 'depth'; it takes: num_classes, in_channels"):
        build("resnet18", depth=3)
    assert Recipe(model="densenet_small").model in names()
