"""Section 3.3 of the AlexNet paper written out, and how torch's α relates."""

import pytest
import torch
from torch import Tensor, nn

from shinso.nn.normalization import LocalResponseNormalization


def published(a: Tensor, n: int, alpha: float, beta: float, k: float) -> Tensor:
    """b = a/(k + α Σ a²)^β, the sum from max(0, i − n/2) to min(N − 1, i + n/2)."""
    channels = a.shape[1]
    b = torch.empty_like(a)
    for i in range(channels):
        near = range(max(0, i - n // 2), min(channels - 1, i + n // 2) + 1)
        b[:, i] = a[:, i] / (k + alpha * sum(a[:, j] ** 2 for j in near)) ** beta
    return b


@pytest.mark.parametrize("shape", [(2, 8), (2, 3, 4), (2, 8, 3, 4), (1, 7, 2, 3, 2)])
@pytest.mark.parametrize("constants", [(5, 1e-4, 0.75, 2.0), (3, 0.5, 0.6, 1.0), (1, 2.0, 1.0, 0.5)])
def test_it_is_the_published_formula(shape: tuple[int, ...], constants: tuple[int, float, float, float]) -> None:
    a = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 10
    if len(shape) == 2:
        a = a[..., None]
    layer = LocalResponseNormalization(*constants)
    torch.testing.assert_close(layer(a), published(a, *constants), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(layer.eval()(a), layer.train()(a), rtol=0, atol=0)


def test_the_defaults_are_the_papers() -> None:
    a = torch.randn(2, 8, 3, 4, dtype=torch.float64) * 100
    torch.testing.assert_close(LocalResponseNormalization()(a), published(a, 5, 1e-4, 0.75, 2.0))
    assert repr(LocalResponseNormalization()) == "LocalResponseNormalization(5, alpha=0.0001, beta=0.75, k=2.0)"


def test_torch_divides_alpha_by_the_size() -> None:
    a = torch.randn(2, 8, 3, 4, dtype=torch.float64) * 100
    ours = LocalResponseNormalization(5, 1e-4)(a)
    torch.testing.assert_close(nn.LocalResponseNorm(5, 5 * 1e-4, 0.75, 2.0)(a), ours)
    torch.testing.assert_close(nn.LocalResponseNorm(5, 1e-4, 0.75, 2.0)(a), LocalResponseNormalization(5, 1e-4 / 5)(a))
    assert (nn.LocalResponseNorm(5, 1e-4, 0.75, 2.0)(a) - ours).abs().max() > 1


def test_derivatives() -> None:
    a = torch.randn(2, 6, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(LocalResponseNormalization(3, 0.5), a)


@pytest.mark.parametrize("size", [0, 4])
def test_a_size_without_a_middle_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"size must be odd.*; got {size}"):
        LocalResponseNormalization(size)
