"""Losses and their gradients against closed forms, one example at a time."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from shinso.nn.losses import (
    PARTS,
    ContrastiveLoss,
    HingeLoss,
    MulticlassHingeLoss,
    TripletLoss,
    contrastive_loss,
    hinge_loss,
    multiclass_hinge_loss,
    triplet_loss,
)


def doubles(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def gradient(loss: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
    return torch.autograd.grad(loss.sum(), inputs)


def test_hinge() -> None:
    scores = doubles(20).requires_grad_()
    targets = doubles(20, seed=1).sign()
    loss = hinge_loss(scores, targets, margin=0.8)
    expected = [max(0.0, 0.8 - y * s) for s, y in zip(scores.tolist(), targets.tolist(), strict=True)]
    torch.testing.assert_close(loss.tolist(), expected)
    slopes = [-y if y * s < 0.8 else 0.0 for s, y in zip(scores.tolist(), targets.tolist(), strict=True)]
    assert gradient(loss, scores)[0].tolist() == slopes
    assert 0 < slopes.count(0.0) < 20
    # Targets are ±1 of any type; torch's margin ranking against 0 is the same loss.
    assert torch.equal(hinge_loss(scores, targets.long(), margin=0.8), loss)
    ranking = F.margin_ranking_loss(scores, torch.zeros_like(scores), targets, margin=0.8)
    torch.testing.assert_close(HingeLoss(0.8)(scores, targets), ranking)


def test_multiclass_hinge() -> None:
    scores, targets = doubles(30, 4).requires_grad_(), torch.arange(30) % 4
    loss = multiclass_hinge_loss(scores, targets, margin=1.2)
    slopes = torch.zeros(30, 4).double()
    for n, (row, y) in enumerate(zip(scores.tolist(), targets.tolist(), strict=True)):
        wrong = max((j for j in range(4) if j != y), key=row.__getitem__)
        violation = 1.2 + row[wrong] - row[y]
        assert math.isclose(loss[n].item(), max(0.0, violation), abs_tol=1e-12)
        if violation > 0:
            slopes[n, wrong], slopes[n, y] = 1, -1
    assert torch.equal(gradient(loss, scores)[0], slopes)
    assert (slopes == 0).all(1).any()
    torch.testing.assert_close(MulticlassHingeLoss(1.2)(scores, targets), loss.mean())


def test_multiclass_hinge_of_two_classes_is_the_hinge_of_their_difference() -> None:
    scores, targets = doubles(30, 2), torch.arange(30) % 2
    binary = hinge_loss(scores[:, 1] - scores[:, 0], 2 * targets - 1)
    torch.testing.assert_close(multiclass_hinge_loss(scores, targets), binary)


def test_multi_margin_of_torch_is_the_sum_over_wrong_classes_over_their_number() -> None:
    scores, targets = doubles(30, 4), torch.arange(30) % 4
    rows = zip(scores.tolist(), targets.tolist(), strict=True)
    expected = [sum(max(0.0, 1 + row[j] - row[y]) for j in range(4) if j != y) / 4 for row, y in rows]
    ours = PARTS["multi_margin"].make(reduction="none")(scores, targets)
    torch.testing.assert_close(ours.tolist(), expected)
    assert not torch.allclose(ours, multiclass_hinge_loss(scores, targets))


def test_multiclass_hinge_of_one_class_is_refused() -> None:
    with pytest.raises(ValueError, match=r"2 or more classes; got 1: .* take hinge_loss"):
        multiclass_hinge_loss(doubles(3, 1), torch.zeros(3).long())


def test_contrastive() -> None:
    x1, x2 = doubles(20, 3).requires_grad_(), doubles(20, 3, seed=1).requires_grad_()
    dissimilar = torch.arange(20) % 2 == 0
    loss = contrastive_loss(x1, x2, dissimilar, margin=2.0)
    slopes = torch.zeros(20, 3).double()
    for n in range(20):
        apart = (x1 - x2)[n].detach()
        distance = math.sqrt(sum(entry**2 for entry in apart.tolist()))
        near = max(0.0, 2.0 - distance)
        expected = 0.5 * near**2 if dissimilar[n] else 0.5 * distance**2
        assert math.isclose(loss[n].item(), expected, abs_tol=1e-12)
        slopes[n] = -near * apart / distance if dissimilar[n] else apart
    for computed, expected in zip(gradient(loss, x1, x2), (slopes, -slopes), strict=True):
        torch.testing.assert_close(computed, expected)
    assert (loss[dissimilar] == 0).any()
    assert (loss[dissimilar] > 0).any()
    assert torch.equal(contrastive_loss(x1, x2, dissimilar.long(), margin=2.0), loss)
    torch.testing.assert_close(ContrastiveLoss(2.0)(x1, x2, dissimilar), loss.mean())


@pytest.mark.parametrize("dissimilar", [0, 1])
def test_contrastive_at_distance_0_has_gradient_0(dissimilar: int) -> None:
    x = doubles(1, 3).requires_grad_()
    loss = contrastive_loss(x, x.detach(), torch.tensor([dissimilar]))
    assert loss.item() == dissimilar / 2
    assert torch.equal(gradient(loss, x)[0], torch.zeros(1, 3))


def test_triplet() -> None:
    a, p, n = (doubles(20, 3, seed=seed).requires_grad_() for seed in range(3))
    loss = triplet_loss(a, p, n, margin=0.5)
    triples = zip(a.tolist(), p.tolist(), n.tolist(), strict=True)
    expected = [
        sum((i - j) ** 2 for i, j in zip(x, y, strict=True))
        - sum((i - k) ** 2 for i, k in zip(x, z, strict=True))
        + 0.5
        for x, y, z in triples
    ]
    torch.testing.assert_close(loss.tolist(), [max(0.0, value) for value in expected])
    active = torch.tensor(expected)[:, None] > 0
    assert 0 < active.sum() < 20
    slopes = (2 * (n - p) * active, 2 * (p - a) * active, 2 * (a - n) * active)
    for computed, slope in zip(gradient(loss, a, p, n), slopes, strict=True):
        torch.testing.assert_close(computed, slope)
    torch.testing.assert_close(TripletLoss(0.5)(a, p, n), loss.mean())


def test_triplet_of_torch_with_squared_distances_is_ours_and_without_is_not() -> None:
    a, p, n = (doubles(20, 3, seed=seed) for seed in range(3))
    squared = nn.TripletMarginWithDistanceLoss(distance_function=lambda x, y: (x - y).square().sum(-1), margin=0.2)
    torch.testing.assert_close(TripletLoss()(a, p, n), squared(a, p, n))
    assert not torch.allclose(PARTS["triplet_of_distances"].make(margin=0.2)(a, p, n), TripletLoss()(a, p, n))


def test_cross_entropy_of_torch_is_equation_52_of_the_softmax() -> None:
    logits, targets = doubles(10, 4).requires_grad_(), torch.arange(10) % 4
    one_hot = F.one_hot(targets, 4).double()
    f = logits.exp() / logits.exp().sum(1, keepdim=True)
    loss = PARTS["cross_entropy"].make(reduction="sum")(logits, targets)
    torch.testing.assert_close(loss, -(one_hot * f.log()).sum())
    torch.testing.assert_close(gradient(loss, logits)[0], (f - one_hot).detach())
    torch.testing.assert_close(PARTS["cross_entropy"].make(reduction="sum")(logits, one_hot), loss)


def test_squared_and_absolute_error_of_torch_and_their_gradients() -> None:
    x, y = doubles(7).requires_grad_(), doubles(7, seed=1)
    squared, absolute = PARTS["squared_error"].make()(x, y), PARTS["absolute_error"].make()(x, y)
    pairs = list(zip(x.tolist(), y.tolist(), strict=True))
    assert math.isclose(squared.item(), sum((i - j) ** 2 for i, j in pairs) / 7)
    assert math.isclose(absolute.item(), sum(abs(i - j) for i, j in pairs) / 7)
    torch.testing.assert_close(gradient(squared, x)[0], 2 * (x.detach() - y) / 7)
    torch.testing.assert_close(gradient(absolute, x)[0], (x.detach() - y).sign() / 7)


def test_binary_cross_entropy_of_torch_is_the_softplus() -> None:
    z, y = doubles(7), torch.tensor([0.0, 1, 0, 1, 1, 0, 1]).double()
    expected = torch.log1p(((1 - 2 * y) * z).exp()).mean()
    torch.testing.assert_close(PARTS["binary_cross_entropy"].make()(z, y), expected)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(-50, 50), min_size=1, max_size=15))
def test_squared_error_is_least_at_the_mean_and_absolute_error_at_the_median(values: list[int]) -> None:
    """Lecture 004 equations 6.15 and 6.16."""
    targets = torch.tensor(values, dtype=torch.float64)
    candidates = torch.cat([torch.arange(-1200, 1201).double() / 20, targets.mean()[None]])
    pairs = torch.broadcast_tensors(candidates[:, None], targets)
    squared = PARTS["squared_error"].make(reduction="none")(*pairs).mean(1)
    absolute = PARTS["absolute_error"].make(reduction="none")(*pairs).mean(1)
    torch.testing.assert_close(candidates[squared.argmin()], targets.mean())
    ordered = sorted(values)
    low, high = ordered[(len(values) - 1) // 2], ordered[len(values) // 2]
    assert low <= candidates[absolute.argmin()] <= high
    torch.testing.assert_close(absolute.min(), PARTS["absolute_error"].make()(torch.full_like(targets, low), targets))


def test_gradients_are_right() -> None:
    x, y, z = (doubles(6, 3, seed=seed).requires_grad_() for seed in range(3))
    signs, classes, coins = doubles(6, 3, seed=5).sign(), torch.arange(6) % 3, torch.arange(6) % 2
    assert torch.autograd.gradcheck(lambda x: hinge_loss(x, signs), x)
    assert torch.autograd.gradcheck(lambda x: multiclass_hinge_loss(x, classes), x)
    assert torch.autograd.gradcheck(lambda x, y: contrastive_loss(x, y, coins, margin=2.5), (x, y))
    assert torch.autograd.gradcheck(triplet_loss, (x, y, z))


@pytest.mark.parametrize(
    ("module", "shapes"),
    [
        (HingeLoss(), [(4,), (4,)]),
        (ContrastiveLoss(), [(4, 3), (4, 3), (4,)]),
        (TripletLoss(), [(2, 4, 3), (2, 4, 3), (2, 4, 3)]),
    ],
)
def test_modules_are_the_same_in_evaluation_and_in_half_precision(module: nn.Module, shapes: list) -> None:
    inputs = [torch.randn(shape).sign() for shape in shapes]
    loss = module(*inputs)
    assert loss.shape == ()
    assert torch.equal(module.eval()(*inputs), loss)
    assert module(*(value.bfloat16() for value in inputs)).dtype == torch.bfloat16
    assert f"margin={module.margin}" in repr(module)
