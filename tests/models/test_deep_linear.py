"""The deep linear network: depth, names, and that it is linear."""

import pytest
import torch
from torch import nn

from shinso.models._deep_linear import deep_linear


@pytest.mark.parametrize("batch_norm", [False, True])
def test_it_is_linear_and_as_deep_as_published(batch_norm: bool) -> None:
    model = deep_linear(in_features=6, out_features=3, width=5, batch_norm=batch_norm).double().eval()
    linear = [name for name, layer in model.named_children() if isinstance(layer, nn.Linear)]
    assert linear == [f"linear{place}" for place in range(1, 26)]
    assert sum(isinstance(layer, nn.BatchNorm1d) for layer in model) == 24 * batch_norm
    first, second = torch.randn(2, 4, 2, 3, dtype=torch.float64)
    torch.testing.assert_close(
        model(2 * first - 3 * second), 2 * model(first) - 3 * model(second), atol=1e-9, rtol=1e-6
    )
    assert model(first).abs().max() > 0


def test_one_layer_is_not_deep() -> None:
    with pytest.raises(ValueError, match="needs depth >= 2 and width >= 1; got 1 and 64"):
        deep_linear(in_features=2, out_features=2, depth=1)
