"""Attributions against closed forms, finite differences, and the sums that they must have."""

import math
from functools import partial

import pytest
import torch
from feature_cases import convolutional, images, state_of
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from shinso.lens.features import (
    completeness_gap,
    grad_cam,
    gradient_times_input,
    input_gradient,
    integrated_gradients,
    logit_of,
    occlusion,
    smooth_grad,
)
from shinso.lens.features._input_gradient import check_real

LABELS = torch.tensor([0, 2, 1, 1])
METHODS = {
    "gradient": input_gradient,
    "gradient_times_input": gradient_times_input,
    "integrated_gradients": partial(integrated_gradients, steps=3),
    "smooth_grad": partial(smooth_grad, samples=3),
    "grad_cam": partial(grad_cam, layer="3"),
    "occlusion": occlusion,
}


def quadratic_form(seed: int = 0, size: int = 4) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    root, x, b = (torch.randn(s, generator=generator).double() for s in ((size, size), (3, size), (size,)))
    return root + root.T, x, b


def of_first(outputs: Tensor) -> Tensor:
    return outputs[:, 0]


@pytest.mark.parametrize("method", METHODS)
def test_the_model_is_left_as_it_was_and_looked_at_in_eval_mode(method: str) -> None:
    model = convolutional()
    model.train()
    model[2].eval()
    before = state_of(model)
    maps = METHODS[method](model, images(), logit_of(LABELS))
    assert state_of(model) == before
    assert torch.equal(METHODS[method](model.eval(), images(), logit_of(LABELS)), maps)
    assert not maps.requires_grad


class Careless(nn.Module):
    """Drops also in eval mode, counts its calls in a buffer, and overwrites its input."""

    def __init__(self) -> None:
        super().__init__()
        self.network = convolutional()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, inputs: Tensor) -> Tensor:
        self.calls += 1
        return self.network(F.dropout(inputs.mul_(2), 0.1, training=True))


@pytest.mark.parametrize("method", [name for name in METHODS if name != "grad_cam"])
def test_a_careless_model_leaves_no_trace_either(method: str) -> None:
    model, inputs = Careless(), images()
    before = state_of(model)
    METHODS[method](model, inputs, logit_of(LABELS))
    assert state_of(model) == before
    assert torch.equal(inputs, images())


def test_the_gradient_is_that_of_finite_differences() -> None:
    model, inputs, score = convolutional().eval(), images(), logit_of(LABELS)
    gradient, step = input_gradient(model, inputs, score), 1e-6
    for place in ((0, 1, 2, 3), (3, 0, 5, 5)):
        there = torch.zeros_like(inputs)
        there[place] = step
        with torch.no_grad():
            slope = (score(model(inputs + there)) - score(model(inputs - there)))[place[0]] / (2 * step)
        torch.testing.assert_close(gradient[place], slope, atol=1e-7, rtol=1e-6)


def test_without_biases_gradient_times_input_adds_up_to_the_score() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 7, bias=False), nn.ReLU(), nn.Linear(7, 3, bias=False)).double()
    inputs, score = torch.randn(4, 5).double(), logit_of(LABELS)
    attributions = gradient_times_input(model, inputs, score)
    torch.testing.assert_close(attributions.sum(1), score(model(inputs)).detach())
    gap = completeness_gap(model, inputs, score, attributions)
    torch.testing.assert_close(gap, torch.zeros(4).double(), atol=1e-12, rtol=0)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 8))
def test_integrated_gradients_of_a_quadratic_form_are_exact(seed: int, steps: int) -> None:
    form, x, b = quadratic_form(seed)
    found = integrated_gradients(lambda v: torch.einsum("bi,ij,bj->b", v, form, v) / 2, x, lambda v: v, b, steps)
    # ∇F = A v, whose mean over the line from b to x is A (x + b) / 2.
    torch.testing.assert_close(found, (x - b) * ((x + b) / 2 @ form))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6))
def test_integrated_gradients_of_a_smooth_network_add_up(seed: int) -> None:
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(5, 6), nn.Tanh(), nn.Linear(6, 3)).double()
    inputs, baseline, score = torch.randn(4, 5).double(), torch.randn(5).double(), logit_of(LABELS)
    attributions = integrated_gradients(model, inputs, score, baseline, 64)
    added = score(model(inputs)) - score(model(baseline.expand(4, 5)))
    torch.testing.assert_close(attributions.sum(1), added.detach(), atol=1e-9, rtol=1e-9)
    gap = completeness_gap(model, inputs, score, attributions + 1, baseline)
    torch.testing.assert_close(gap, torch.full((4,), 5.0).double())


def test_of_a_rectified_network_more_steps_close_the_gap() -> None:
    model, inputs, score = convolutional(), images(), logit_of(LABELS)
    few, many = (
        completeness_gap(model, inputs, score, integrated_gradients(model, inputs, score, steps=steps)).abs().max()
        for steps in (2, 500)
    )
    assert many < 0.002
    assert many < few / 5


def test_smoothed_gradients_of_a_cubic_are_the_gradient_and_three_variances() -> None:
    inputs = torch.tensor([[0.0, 2.0], [5.0, 1.0]]).double()
    found = smooth_grad(lambda v: v, inputs, lambda v: (v**3).sum(1), noise=0.2, samples=4000)
    deviation = 0.2 * torch.tensor([[2.0], [4.0]]).double()
    # E[3 (v + n)²] = 3 v² + 3 σ²
    torch.testing.assert_close(found, 3 * inputs**2 + 3 * deviation**2, rtol=0.03, atol=0.06)


def test_without_noise_the_smoothed_gradient_is_the_gradient_and_seeds_differ() -> None:
    model, inputs, score = convolutional(), images(), logit_of(LABELS)
    torch.testing.assert_close(smooth_grad(model, inputs, score, noise=0), input_gradient(model, inputs, score))
    assert not torch.equal(smooth_grad(model, inputs, score, seed=0), smooth_grad(model, inputs, score, seed=1))


def test_grad_cam_of_a_network_built_by_hand() -> None:
    # Two maps: the image and its negative. The head weighs their means with 3 and −1.
    model = nn.Sequential(nn.Conv2d(1, 2, 1, bias=False), nn.ReLU(inplace=True), nn.AvgPool2d(4), nn.Flatten())
    model.append(nn.Linear(2, 1, bias=False))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([1.0, -1.0]).view(2, 1, 1, 1))
        model[4].weight.copy_(torch.tensor([[3.0, -1.0]]))
    image = torch.arange(16.0).view(1, 1, 4, 4) - 7.5
    after = grad_cam(model, image, of_first, "1")
    torch.testing.assert_close(after, (3 * image.relu() - (-image).relu()).relu()[:, 0] / 16)
    # Before the rectification half of the positions pass a gradient, and the maps are those before it.
    before = grad_cam(model, image, of_first, "0")
    torch.testing.assert_close(before, (0.5 * 3 * image - 0.5 * -image).relu()[:, 0] / 16, atol=1e-6, rtol=1e-6)


def test_grad_cam_needs_maps() -> None:
    with pytest.raises(ValueError, match=r"needs a layer with maps.*the output of '8' has the shape \(4, 3\)"):
        grad_cam(convolutional(), images(), logit_of(LABELS), "8")


def test_occlusion_of_a_linear_score_is_the_weight_that_is_covered() -> None:
    inputs = images()
    weights = torch.randn(3, 6, 6, generator=torch.Generator().manual_seed(5)).double()
    drops = occlusion(lambda v: (v * weights).sum((1, 2, 3)), inputs, lambda v: v, patch=4, value=0.5)
    lost = (inputs - 0.5) * weights
    assert drops.shape == (4, 2, 2)
    for row in range(2):
        for column in range(2):
            expected = lost[:, :, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4].sum((1, 2, 3))
            torch.testing.assert_close(drops[:, row, column], expected)
    assert occlusion(lambda v: v.sum((1, 2, 3)), inputs, lambda v: v, patch=3, stride=1).shape == (4, 6, 6)


def test_what_cannot_be_explained_is_said() -> None:
    model = convolutional()
    with pytest.raises(ValueError, match=r"gradients are taken in inputs of real numbers; got torch.int64. For tokens"):
        check_real(torch.ones(2, 3).long())
    with pytest.raises(ValueError, match=r"a batch with at least one example; got inputs of shape \(0, 3, 6, 6\)"):
        integrated_gradients(model, images(0), of_first)
    with pytest.raises(ValueError, match=r"the score must be one number for each of the 4 examples; got \(4, 3\)"):
        input_gradient(model, images(), lambda outputs: outputs)
    with pytest.raises(ValueError, match="got float"):
        input_gradient(model, images(), lambda outputs: 1.0)
    with pytest.raises(
        ValueError, match=r"targets are class numbers, one integer for each example; got torch\.float32"
    ):
        logit_of(torch.ones(2))
    with pytest.raises(ValueError, match="the integral needs at least one step; got 0"):
        integrated_gradients(model, images(), of_first, steps=0)
    with pytest.raises(ValueError, match=r"at least one sample; got noise=-1, samples=25"):
        smooth_grad(model, images(), of_first, noise=-1)
    with pytest.raises(ValueError, match="patch and stride are numbers of pixels, at least 1; got 0 and 0"):
        occlusion(model, images(), of_first, patch=0)


def test_a_model_that_fails_is_left_as_it_was() -> None:
    model = convolutional()
    before = state_of(model)
    with pytest.raises(RuntimeError):
        grad_cam(model, torch.ones(1, 2, 6, 6).double(), of_first, "3")
    assert state_of(model) == before


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_other_precisions(dtype: torch.dtype) -> None:
    model, inputs = convolutional(), images()
    exact = input_gradient(model, inputs, logit_of(LABELS))
    rounded = input_gradient(model.to(dtype), inputs.to(dtype), logit_of(LABELS))
    assert rounded.dtype == dtype
    assert F.cosine_similarity(exact.flatten(), rounded.double().flatten(), dim=0) > 0.95
    assert math.isfinite(rounded.sum().item())


class TwoOutputs(nn.Module):
    """A convolution that gives two maps, of which the network goes on with the first."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 3).double()

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        maps = self.convolution(inputs)
        return maps, 2 * maps


class Forked(nn.Module):
    """A layer with two outputs, one beside the way to the score, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.block, self.beside, self.head = TwoOutputs(), nn.Conv2d(3, 1, 1).double(), nn.Linear(4, 3).double()

    def forward(self, inputs: Tensor) -> Tensor:
        self.beside(inputs)
        return self.head(self.block(inputs)[0].square().mean((2, 3)))


def test_grad_cam_of_a_layer_with_several_outputs_is_that_of_the_first() -> None:
    torch.manual_seed(0)
    model = Forked()
    expected = grad_cam(model, images(), logit_of(LABELS), "block.convolution")
    assert expected.any()
    torch.testing.assert_close(grad_cam(model, images(), logit_of(LABELS), "block"), expected)


def test_grad_cam_of_a_layer_beside_the_score_is_refused() -> None:
    with pytest.raises(ValueError, match="the score does not depend on the output of 'beside'"):
        grad_cam(Forked(), images(), logit_of(LABELS), "beside")


class Text(nn.Module):
    """Tokens, a convolution over them, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.convolution, self.head = nn.Embedding(9, 4), nn.Conv1d(4, 6, 3), nn.Linear(6, 3)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.convolution(self.embedding(tokens).mT).mean(2))


def test_grad_cam_of_tokens() -> None:
    torch.manual_seed(0)
    model, tokens = Text(), torch.randint(9, (4, 7))
    maps = model.convolution(model.embedding(tokens).mT)
    # The score is linear in the mean of each map.
    expected = torch.einsum("bc,bcp->bp", model.head.weight[LABELS] / 5, maps).relu()
    torch.testing.assert_close(grad_cam(model, tokens, logit_of(LABELS), "convolution"), expected.detach())


@pytest.mark.parametrize(
    "outputs", [torch.rand(4), torch.rand(4, 3, 2), torch.rand(5, 3), {"logits": torch.rand(4, 3)}]
)
def test_what_has_no_logits_is_said(outputs: object) -> None:
    with pytest.raises(ValueError, match=r"is one of outputs \[batch, classes\], here of 4 examples; the model gives"):
        logit_of(LABELS)(outputs)


def test_examples_may_be_single_numbers() -> None:
    inputs = torch.tensor([0.5, 2.0, 3.0], dtype=torch.float64)
    score = partial(torch.mul, 1.0)
    assert torch.equal(smooth_grad(torch.square, inputs, score, noise=0.1), 2 * inputs)
    gap = completeness_gap(torch.square, inputs, score, integrated_gradients(torch.square, inputs, score))
    torch.testing.assert_close(gap, torch.zeros_like(gap))


def test_a_layer_with_two_names_keeps_its_parameters_and_buffers() -> None:
    torch.manual_seed(0)
    layer, norm = nn.Linear(3, 3), nn.BatchNorm1d(3)
    tied = nn.Linear(3, 3)
    tied.weight = layer.weight
    model = nn.Sequential(layer, norm, nn.ReLU(), layer, norm, tied)
    before = [*model.parameters(), *model.buffers()]
    inputs = torch.rand(4, 3)
    gradient = input_gradient(model, inputs, logit_of(LABELS))
    after = [*model.parameters(), *model.buffers()]
    assert all(one is other for one, other in zip(before, after, strict=True))
    leaf = inputs.clone().requires_grad_()
    (expected,) = torch.autograd.grad(logit_of(LABELS)(model.eval()(leaf)).sum(), leaf)
    torch.testing.assert_close(gradient, expected)
