"""S-cells against equation 1 written out, and against the cosine that they measure."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from shinso.nn.neocognitron import SCells, s_cells, spread

WEIGHTS = spread(3, 0.8).double()


def taught(stimulus: torch.Tensor, rate: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Synapses after one reinforcement by a stimulus of one receptive field."""
    c = WEIGHTS / len(stimulus)
    return (rate * c * stimulus)[None], rate / 2 * (c * stimulus.square()).sum().sqrt()[None]


@pytest.mark.parametrize("selectivity", [0.5, 1.0, 4.0])
def test_equation_1(selectivity: float) -> None:
    torch.manual_seed(0)
    x, a = torch.rand(2, 2, 3, 3, dtype=torch.float64), torch.rand(4, 2, 3, 3, dtype=torch.float64)
    b = torch.rand(4, dtype=torch.float64)
    found = s_cells(x, a, b, WEIGHTS, selectivity)
    answered = 0
    for example in range(2):
        for plane in range(4):
            e = sum(
                float(a[plane, k, i, j] * x[example, k, i, j]) for k in range(2) for i in range(3) for j in range(3)
            )
            v = math.sqrt(
                sum(
                    float(WEIGHTS[i, j] / 2 * x[example, k, i, j] ** 2)
                    for k in range(2)
                    for i in range(3)
                    for j in range(3)
                )
            )
            r = selectivity
            output = r * max(0.0, (1 + e) / (1 + 2 * r / (1 + r) * float(b[plane]) * v) - 1)
            assert float(found[example, plane, 1, 1]) == pytest.approx(output, abs=1e-12)
            answered += output > 0
    assert answered


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.3, 6), st.floats(0.01, 100))
def test_strong_synapses_measure_the_angle_to_what_was_learned(seed: int, selectivity: float, contrast: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    learned, x = torch.rand(2, 2, 3, 3, dtype=torch.float64, generator=generator)
    c = WEIGHTS / 2
    cosine = (c * learned * x).sum() / ((c * learned**2).sum() * (c * x**2).sum()).sqrt()
    answer = s_cells(contrast * x[None], *taught(learned, 1e10), WEIGHTS, selectivity)[0, 0, 1, 1]
    assert float(answer) == pytest.approx(max(0.0, (1 + selectivity) * float(cosine) - selectivity), abs=1e-5)


def test_the_learned_stimulus_is_answered_with_one_and_unlearned_planes_are_silent() -> None:
    torch.manual_seed(0)
    layer = SCells(2, 3, 3, selectivity=4.0, decay=0.8).double()
    stimulus = torch.rand(2, 3, 3, dtype=torch.float64)
    assert not layer(stimulus[None]).any()
    a, b = taught(stimulus, 1e8)
    layer.excitatory[1], layer.inhibitory[1] = a[0], b[0]
    answers = layer(stimulus[None])[0, :, 1, 1]
    torch.testing.assert_close(answers, torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64), atol=1e-5, rtol=0)


def test_it_is_a_module_like_others() -> None:
    layer = SCells(1, 4, 5, selectivity=3)
    assert not list(layer.parameters())
    assert set(layer.state_dict()) == {"excitatory", "inhibitory", "weights"}
    assert repr(layer) == "SCells(1, 4, kernel_size=5, selectivity=3)"
    layer.excitatory.uniform_()
    layer.inhibitory.uniform_()
    x = torch.rand(2, 1, 6, 7)
    same = SCells(1, 4, 5, selectivity=3)
    same.load_state_dict(layer.state_dict())
    torch.testing.assert_close(same.train()(x), layer.eval()(x), rtol=0, atol=0)
    assert layer(x).shape == (2, 4, 6, 7)
    low = layer.bfloat16()(x.bfloat16().contiguous(memory_format=torch.channels_last))
    assert low.dtype == torch.bfloat16
    assert low.isfinite().all()


def test_the_gradient_is_that_of_the_formula() -> None:
    torch.manual_seed(0)
    x = torch.rand(1, 2, 3, 3, dtype=torch.float64).add(0.1).requires_grad_()
    a, b = taught(x[0].detach(), 5.0)
    assert s_cells(x, a, b, WEIGHTS, 0.5)[0, 0, 1, 1] > 0
    assert torch.autograd.gradcheck(lambda u: s_cells(u, a, b, WEIGHTS, 0.5), (x,))


def test_a_selectivity_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="selectivity must be positive; got 0"):
        SCells(1, 1, 3, selectivity=0)
