"""Mixed and stochastic pooling: what they draw in training, and its expectation in evaluation, by enumeration."""

from itertools import product

import pytest
import torch
from scipy import stats
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from shinso.nn.pooling import (
    MixedPool2d,
    StochasticPool2d,
    expected_mixed_pool2d,
    expected_stochastic_pool2d,
    mixed_pool2d,
    stochastic_pool2d,
)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_stochastic_pooling_draws_in_proportion_to_the_activations() -> None:
    window = torch.tensor([[0.5, 0.0, 2.0], [1.0, 1.5, -3.0]], dtype=torch.float64)
    draws = stochastic_pool2d(window.expand(20_000, 2, 3), (2, 3), generator=seeded()).flatten()
    values = torch.tensor([0.5, 1.0, 1.5, 2.0])
    counts = [(draws == value).sum().item() for value in values]
    assert sum(counts) == 20_000, "zeros and negative activations are never drawn"
    assert stats.chisquare(counts, 20_000 * values / values.sum()).pvalue > 0.01


def test_stochastic_draws_of_different_windows_are_independent() -> None:
    x = torch.tensor([[1.0, 3.0, 1.0, 3.0]]).expand(20_000, 1, 4)
    draws = stochastic_pool2d(x, (1, 2), generator=seeded(1))[:, 0]
    pairs = [(draws == torch.tensor(pair)).all(1).sum().item() for pair in product((1.0, 3.0), repeat=2)]
    assert stats.chisquare(pairs, 20_000 * torch.tensor([1 / 16, 3 / 16, 3 / 16, 9 / 16])).pvalue > 0.01


def test_evaluation_is_the_expectation_over_all_draws() -> None:
    x = normal(2, 3, 5, 4).clamp(min=0)
    expected = torch.zeros(2, 3, 2, 2, dtype=torch.float64)
    for n, c, i, j in product(range(2), range(3), range(2), range(2)):
        cells = x[n, c, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].flatten()
        if cells.sum() > 0:
            expected[n, c, i, j] = sum(a / cells.sum() * a for a in cells)
    layer = StochasticPool2d(2).eval()
    torch.testing.assert_close(layer(x), expected)
    torch.testing.assert_close(layer(x - 10 * (x == 0)), expected)


def test_training_averages_to_evaluation() -> None:
    x = normal(1, 2, 4, 4).abs()
    for layer in (StochasticPool2d(2), MixedPool2d(2, probability=0.3)):
        torch.manual_seed(0)
        draws = torch.stack([layer.train()(x) for _ in range(4000)])
        error = (draws.mean(0) - layer.eval()(x)).abs()
        assert (error <= 4.5 * draws.std(0) / 4000**0.5).all()
        assert (draws.std(0) > 0).all()


def test_windows_of_zeros_give_zeros() -> None:
    zeros = torch.zeros(1, 1, 4, 4, requires_grad=True)
    for pool in (stochastic_pool2d, expected_stochastic_pool2d):
        output = pool(zeros, 2)
        assert torch.equal(output, torch.zeros(1, 1, 2, 2))
        (gradient,) = torch.autograd.grad(output.sum(), zeros)
        assert gradient.isfinite().all()


def test_the_gradient_goes_to_the_activation_that_was_drawn() -> None:
    x = normal(1, 2, 4, 6).abs().requires_grad_()
    output = stochastic_pool2d(x, 2, generator=seeded())
    (gradient,) = torch.autograd.grad(output.sum(), x)
    assert torch.equal(gradient, torch.isin(x, output).double())
    assert gradient.sum() == output.numel()


def test_gradients() -> None:
    x = normal(1, 2, 4, 5).abs().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: expected_stochastic_pool2d(x, 2, 1), (x,))
    assert torch.autograd.gradcheck(lambda x: expected_mixed_pool2d(x, 2, 1, probability=0.3), (x,))
    assert torch.autograd.gradcheck(lambda x: stochastic_pool2d(x, 2, 1, generator=seeded()), (x,))
    assert torch.autograd.gradcheck(lambda x: mixed_pool2d(x, 2, 1, generator=seeded()), (x,))


@pytest.mark.parametrize(
    ("shared_dims", "draws"), [((0, 1, 2, 3), 1), ((2, 3), 6), ((0, 2, 3), 3), ((), 6 * 12), ((1,), 2 * 12)]
)
def test_a_mixed_draw_is_shared_along_dims(shared_dims: tuple[int, ...], draws: int) -> None:
    x = normal(2, 3, 6, 8)
    largest, average = F.max_pool2d(x, 2), F.avg_pool2d(x, 2)
    maxima = []
    for seed in range(300):
        output = mixed_pool2d(x, 2, shared_dims=shared_dims, probability=0.4, generator=seeded(seed))
        is_max = output == largest
        assert torch.equal(torch.where(is_max, largest, average), output)
        for dim in shared_dims:
            assert (is_max == is_max.narrow(dim, 0, 1)).all()
        maxima.append(is_max[tuple(slice(1) if dim in shared_dims else slice(None) for dim in range(4))])
    drawn = torch.stack(maxima)
    assert drawn[0].numel() == draws
    assert stats.binomtest(int(drawn.sum()), drawn.numel(), 0.4).pvalue > 0.01
    if draws > 1:
        assert (drawn.flatten(1).any(1) & ~drawn.flatten(1).all(1)).any(), "draws that are not shared differ"


def test_mixed_pooling_has_both_ends() -> None:
    x = normal(2, 3, 6, 6)
    for mode in (True, False):
        torch.testing.assert_close(MixedPool2d(3, 2, probability=1).train(mode)(x), F.max_pool2d(x, 3, 2))
        torch.testing.assert_close(MixedPool2d(3, 2, probability=0).train(mode)(x), F.avg_pool2d(x, 3, 2))
    torch.testing.assert_close(MixedPool2d(2).eval()(x), (F.max_pool2d(x, 2) + F.avg_pool2d(x, 2)) / 2)


@pytest.mark.parametrize("layer", [StochasticPool2d(2), MixedPool2d(2, shared_dims=())])
def test_seeds_rule_training_and_evaluation_draws_nothing(layer: torch.nn.Module) -> None:
    x = normal(4, 3, 6, 6).abs()
    layer.train()
    torch.manual_seed(1)
    first, second = layer(x), layer(x)
    torch.manual_seed(1)
    assert torch.equal(layer(x), first)
    assert not torch.equal(first, second)
    layer.eval()
    state = torch.get_rng_state()
    assert torch.equal(layer(x), layer(x))
    assert torch.equal(torch.get_rng_state(), state)
    exported = torch.export.export(layer, (x,)).module()
    torch.testing.assert_close(exported(x), layer(x))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_the_dtype_stays(dtype: torch.dtype) -> None:
    x = torch.rand(2, 3, 6, 6, dtype=dtype).to(memory_format=torch.channels_last)
    for layer in (StochasticPool2d(2), MixedPool2d(2)):
        assert layer.train()(x).dtype == dtype
        assert layer.eval()(x).dtype == dtype


def test_per_example_gradients_can_be_taken() -> None:
    x = torch.rand(5, 3, 4, 4)
    for layer in (StochasticPool2d(2), MixedPool2d(2)):

        def total(example: Tensor, layer: torch.nn.Module = layer) -> Tensor:
            return layer(example[None]).sum()

        gradients = torch.func.vmap(torch.func.grad(total), randomness="different")(x)
        torch.testing.assert_close(gradients.sum((2, 3)), torch.full((5, 3), 4.0))


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ValueError, match=r"probability of max pooling must be from 0 to 1; got 1.5"):
        MixedPool2d(2, probability=1.5)
    with pytest.raises(ValueError, match=r"shared_dims must be among 0, 1, 2, 3 .* got \(2, 4\)"):
        MixedPool2d(2, shared_dims=(2, 4))
    with pytest.raises(ValueError, match="kernel_size must be at least 1 along height and width; got 0"):
        StochasticPool2d(0)
    with pytest.raises(ValueError, match="a window of 5 × 5 cells does not fit into a map of 4 × 6"):
        StochasticPool2d(5)(torch.zeros(1, 4, 6))


def test_layers_say_what_they_are() -> None:
    assert str(StochasticPool2d(3, 2)) == "StochasticPool2d(kernel_size=(3, 3), stride=(2, 2))"
    assert "probability=0.5, shared_dims=(2, 3)" in str(MixedPool2d(2))
