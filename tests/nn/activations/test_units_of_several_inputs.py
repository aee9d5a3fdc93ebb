"""Maxout, probout, radial basis and softmax units against their equations."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from shinso.nn.activations import (
    PARTS,
    Maxout,
    Probout,
    RadialBasis,
    expected_probout,
    maxout,
    radial_basis,
    sampled_probout,
)


@settings(max_examples=25, deadline=None)
@given(pieces=st.integers(1, 4), units=st.integers(1, 3), dim=st.sampled_from([1, 2, -1, -2]))
def test_maxout_is_the_largest_of_each_group(pieces: int, units: int, dim: int) -> None:
    shape = [2, 3, 4]
    shape[dim] = pieces * units
    x = torch.randn(shape, dtype=torch.float64)
    groups = [x.narrow(dim, unit * pieces, pieces).max(dim).values for unit in range(units)]
    assert torch.equal(maxout(x, pieces, dim), torch.stack(groups, dim))


def test_a_maxout_layer_of_two_pieces_can_be_the_absolute_value() -> None:
    layer = nn.Sequential(nn.Linear(1, 2, bias=False), Maxout(2))
    layer[0].weight.data = torch.tensor([[1.0], [-1.0]])
    x = torch.linspace(-2, 2, 9)[:, None]
    assert torch.equal(layer(x), x.abs())


def test_maxout_after_a_convolution() -> None:
    x = torch.randn(2, 6, 5, 4).contiguous(memory_format=torch.channels_last)
    expected = torch.stack([x[:, :3].amax(1), x[:, 3:].amax(1)], dim=1)
    assert torch.equal(Maxout(3)(x), expected)


@pytest.mark.parametrize("unit", [Maxout(2, dim=-1), Probout(2, dim=-1, inverse_temperature=1e6)])
def test_units_of_tokens_choose_along_the_last_axis(unit: nn.Module) -> None:
    x = torch.randn(2, 4, 6)
    torch.testing.assert_close(unit(x), x.reshape(2, 4, 3, 2).amax(-1))


def test_largest_pieces_share_the_gradient() -> None:
    x = torch.tensor([[1.0, 1.0, 0.0]], requires_grad=True)
    assert torch.autograd.grad(maxout(x, 3).sum(), x)[0].tolist() == [[0.5, 0.5, 0.0]]


@pytest.mark.parametrize("unit", [Maxout, Probout])
def test_channels_that_are_not_divisible_are_refused(unit) -> None:
    with pytest.raises(ValueError, match="axis 1 has 5 channels, which cannot be cut into groups of 2"):
        unit(2)(torch.randn(3, 5))


@pytest.mark.parametrize("unit", [Maxout, Probout])
def test_a_unit_without_pieces_is_refused(unit) -> None:
    with pytest.raises(ValueError, match="1 or more pieces; got 0"):
        unit(0)


@pytest.mark.parametrize("inverse_temperature", [0.0, 0.5, 2.0])
def test_probout_draws_each_piece_as_often_as_its_softmax(inverse_temperature: float) -> None:
    z = torch.tensor([1.0, -0.5, 0.3])
    draws = 20_000
    torch.manual_seed(0)
    outputs = sampled_probout(z.expand(draws, 3), 3, inverse_temperature=inverse_temperature)[:, 0]
    weights = [math.exp(inverse_temperature * entry) for entry in z.tolist()]
    for piece, weight in zip(z, weights, strict=True):
        probability = weight / sum(weights)
        frequency = (outputs == piece).double().mean().item()
        assert abs(frequency - probability) < 5 * math.sqrt(probability * (1 - probability) / draws)
    expected = sum(weight * entry for weight, entry in zip(weights, z.tolist(), strict=True)) / sum(weights)
    torch.testing.assert_close(
        expected_probout(z[None], 3, inverse_temperature=inverse_temperature), torch.tensor([[expected]])
    )


def test_cold_probout_is_maxout() -> None:
    x = torch.randn(50, 6)
    for probout in (sampled_probout, expected_probout):
        torch.testing.assert_close(probout(x, 3, inverse_temperature=1e6), maxout(x, 3))


def test_the_gradient_of_probout_goes_to_the_piece_that_was_drawn() -> None:
    torch.manual_seed(0)
    x = torch.randn(40, 4, requires_grad=True)
    output = sampled_probout(x, 4)
    gradient = torch.autograd.grad(output.sum(), x)[0]
    assert torch.equal(gradient, (x == output).float())


def test_probout_samples_in_training_and_averages_in_evaluation() -> None:
    torch.manual_seed(0)
    module, x = Probout(2, inverse_temperature=0.7), torch.randn(64, 6)
    first, second = module(x), module(x)
    assert not torch.equal(first, second)
    torch.manual_seed(0)
    torch.randn(64, 6)
    assert torch.equal(module(x), first)
    module.eval()
    assert torch.equal(module(x), expected_probout(x, 2, inverse_temperature=0.7))
    mean = module.train()(x.expand(4000, 64, 6).reshape(-1, 6)).reshape(4000, 64, 3).mean(0)
    torch.testing.assert_close(mean, module.eval()(x), rtol=0, atol=0.15)


def test_a_generator_alone_decides_what_is_drawn() -> None:
    x = torch.randn(100, 4)
    first = sampled_probout(x, 4, generator=torch.Generator().manual_seed(3))
    torch.rand(7)
    assert torch.equal(first, sampled_probout(x, 4, generator=torch.Generator().manual_seed(3)))
    assert not torch.equal(first, sampled_probout(x, 4, generator=torch.Generator().manual_seed(4)))


@pytest.mark.parametrize("inverse_temperature", [-1.0, math.nan])
def test_an_inverse_temperature_below_0_is_refused(inverse_temperature: float) -> None:
    with pytest.raises(ValueError, match=f"inverse temperature of probout is 0 .* got {inverse_temperature}"):
        Probout(2, inverse_temperature=inverse_temperature)


def test_radial_basis_units_are_their_equation() -> None:
    torch.manual_seed(0)
    module = RadialBasis(3, 4, width=1.5).double()
    x = torch.randn(2, 5, 3, dtype=torch.float64)
    output, centers = module(x).detach(), module.centers.detach()
    for batch in range(2):
        for example in range(5):
            for unit in range(4):
                squares = [(a - b) ** 2 for a, b in zip(x[batch, example], centers[unit], strict=True)]
                assert math.isclose(output[batch, example, unit], math.exp(-sum(squares) / 1.5**2), rel_tol=1e-6)


def test_a_radial_basis_unit_is_1_at_its_centre_and_e_to_minus_1_one_width_away() -> None:
    centers, widths = torch.tensor([[1e4, 1e4]]), torch.tensor([0.5])
    x = torch.tensor([[1e4, 1e4], [1e4 + 0.5, 1e4], [0.0, 0.0]])
    torch.testing.assert_close(radial_basis(x, centers, widths)[:, 0], torch.tensor([1.0, math.exp(-1), 0.0]))


def test_radial_basis_units_begin_where_standardised_inputs_have_gradient() -> None:
    torch.manual_seed(0)
    for in_features in (2, 200):
        outputs = RadialBasis(in_features, 50)(torch.randn(50, in_features))
        assert 0.3 < outputs.detach().mean() < 0.6


@pytest.mark.parametrize("width", [0.0, -1.0, math.nan])
def test_a_width_that_is_not_positive_is_refused(width: float) -> None:
    with pytest.raises(ValueError, match=f"a width above 0; got {width}"):
        RadialBasis(3, 4, width=width)


def test_gradients_are_right() -> None:
    torch.manual_seed(0)
    x = torch.randn(3, 6, dtype=torch.float64, requires_grad=True)
    module = RadialBasis(6, 2).double()
    for function in (lambda x: maxout(x, 3), lambda x: expected_probout(x, 2, inverse_temperature=1.3), module):
        assert torch.autograd.gradcheck(function, x)
        assert torch.autograd.gradgradcheck(function, x)
    parameters = dict(module.named_parameters())
    assert torch.autograd.gradcheck(
        lambda *values: torch.func.functional_call(module, dict(zip(parameters, values, strict=True)), (x,)),
        tuple(parameters.values()),
    )


def test_softmax_units_are_those_of_the_lecture() -> None:
    z = torch.randn(4, 5, dtype=torch.float64)
    softmax = PARTS["softmax"].make(dim=-1)
    torch.testing.assert_close(softmax(z), z.exp() / z.exp().sum(-1, keepdim=True))
    torch.testing.assert_close(softmax(z + 1000), softmax(z))
    jacobian = torch.func.jacrev(softmax)(z[0])
    p = softmax(z[0])
    torch.testing.assert_close(jacobian, p.diag() - p[:, None] * p)


@pytest.mark.parametrize("module", [Maxout(2), Probout(2), RadialBasis(4, 3)])
def test_modules_work_in_half_precision_and_say_what_they_are(module: nn.Module) -> None:
    output = module.to(torch.bfloat16)(torch.randn(5, 4, dtype=torch.bfloat16))
    assert output.dtype == torch.bfloat16
    assert output.isfinite().all()
    module.float()
    assert any(word in repr(module) for word in ("Maxout(2, dim=1)", "inverse_temperature=1.0", "width=2.828"))
