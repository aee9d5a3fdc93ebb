"""Which layer a parameter belongs to, and which layer runs first."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.nn.utils.parametrizations import weight_norm

from shinso.lens import Probe
from shinso.lens.covariate_shift import layers_in_order


def layers_of(model: nn.Module, *shape: int) -> dict[str, tuple[str, ...]]:
    return layers_in_order(Probe(model, F.mse_loss, torch.randn(shape), None))


def test_the_order_is_that_of_running_and_not_of_registration() -> None:
    class Reversed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last, self.first, self.unused = nn.Linear(2, 2), nn.Linear(2, 2, bias=False), nn.Linear(2, 2)
            self.scale = nn.Parameter(torch.ones(1))

        def forward(self, inputs: Tensor) -> Tensor:
            return self.last(self.first(inputs)) * self.scale

    layers = layers_of(Reversed(), 3, 2)
    assert list(layers) == ["Reversed", "first", "last"]
    assert layers == {
        "Reversed": ("scale", "unused.weight", "unused.bias"),
        "first": ("first.weight",),
        "last": ("last.weight", "last.bias"),
    }


def test_an_attention_holds_its_output_projection_and_a_layer_its_parametrization() -> None:
    class Attending(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention, self.head = nn.MultiheadAttention(4, 2), weight_norm(nn.Linear(4, 1))

        def forward(self, inputs: Tensor) -> Tensor:
            return self.head(self.attention(inputs, inputs, inputs)[0])

    layers = layers_of(Attending(), 3, 2, 4)
    assert list(layers) == ["attention", "head"]
    assert "attention.out_proj.weight" in layers["attention"]
    assert set(layers["head"]) == {
        "head.bias", "head.parametrizations.weight.original0", "head.parametrizations.weight.original1",
    }  # fmt: skip


def test_frozen_layers_are_left_out_and_shared_tensors_belong_to_one() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2).requires_grad_(False), nn.Linear(2, 2, bias=False))
    model[2].weight = model[0].weight
    assert layers_of(model, 3, 2) == {"0": ("0.weight", "0.bias")}
