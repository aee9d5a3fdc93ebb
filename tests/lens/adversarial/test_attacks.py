"""Attacks against closed forms, exhaustive search, and the bounds that they must keep."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from shinso.lens.adversarial import L2, Ball, InputSpace, LInf, example_losses, fgsm, pgd, unbounded

BALLS = {"LInf": LInf, "L2": L2}
SPACE = InputSpace(0.0, 1.0, mean=(0.4, 0.6), std=(0.2, 0.5))


def network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Flatten(), nn.Linear(16, 3)
    ).double()


def batch(seed: int = 1, count: int = 5) -> tuple[Tensor, Tensor, Tensor]:
    """Raw images, what the model is given, and labels."""
    generator = torch.Generator().manual_seed(seed)
    raw = torch.rand(count, 2, 4, 4, dtype=torch.float64, generator=generator)
    raw[0] = raw[0].round()  # pixels at the ends of the range
    mean, std = (torch.tensor(v, dtype=torch.float64).view(2, 1, 1) for v in (SPACE.mean, SPACE.std))
    return raw, (raw - mean) / std, torch.randint(3, (count,), generator=generator)


def length(perturbations: Tensor, ball: Ball) -> Tensor:
    flat = perturbations.flatten(1)
    return flat.abs().amax(1) if isinstance(ball, LInf) else flat.norm(dim=1)


@settings(max_examples=15, deadline=None)
@given(
    st.sampled_from(sorted(BALLS)), st.floats(0, 2), st.integers(1, 4), st.floats(0.001, 5), st.integers(1, 2),
    st.integers(0, 10**6),
)  # fmt: skip
def test_pgd_leaves_neither_the_ball_nor_the_range_and_never_helps(
    ball: str, radius: float, steps: int, step_size: float, restarts: int, seed: int
) -> None:
    raw, inputs, labels = batch(seed)
    model, within = network(seed).eval(), BALLS[ball](radius)
    found = pgd(model, F.cross_entropy, inputs, labels, within, SPACE, steps, step_size, restarts, seed)
    perturbed = SPACE.raw(found)
    assert perturbed.min() >= -1e-12
    assert perturbed.max() <= 1 + 1e-12
    assert (length(perturbed - raw, within) <= radius + 1e-12).all()
    before, after = (F.cross_entropy(model(v), labels, reduction="none") for v in (inputs, found))
    assert (after >= before - 1e-12).all()


@settings(max_examples=15, deadline=None)
@given(st.floats(0, 2), st.integers(0, 10**6))
def test_fgsm_moves_every_raw_value_by_the_radius_unless_the_range_ends(radius: float, seed: int) -> None:
    raw, inputs, labels = batch(seed)
    perturbed = SPACE.raw(fgsm(network(seed), F.cross_entropy, inputs, labels, radius, SPACE))
    model = network(seed).eval()
    leaf = inputs.clone().requires_grad_()
    F.cross_entropy(model(leaf), labels).backward()
    torch.testing.assert_close(perturbed, (raw + radius * leaf.grad.sign()).clamp(0, 1))


@pytest.mark.parametrize("name", BALLS)
def test_on_a_linear_model_of_two_classes_pgd_finds_the_worst(name: str) -> None:
    torch.manual_seed(0)
    model, radius = nn.Linear(6, 2).double(), 0.3
    inputs, labels = torch.randn(8, 6).double(), torch.randint(2, (8,))
    found = pgd(model, F.cross_entropy, inputs, labels, BALLS[name](radius), unbounded(), steps=40)
    with torch.no_grad():
        toward = (model.weight[1] - model.weight[0]) * torch.where(labels == 0, 1.0, -1.0).unsqueeze(1)
        dual = toward.abs().sum(1) if name == "LInf" else toward.norm(dim=1)
        own, other = (model(inputs).gather(1, k.unsqueeze(1)).squeeze(1) for k in (labels, 1 - labels))
        worst = F.softplus(other - own + radius * dual)
        losses = F.cross_entropy(model(found), labels, reduction="none")
    torch.testing.assert_close(losses, worst)
    if name == "LInf":
        once = fgsm(model, F.cross_entropy, inputs, labels, radius, unbounded())
        torch.testing.assert_close(F.cross_entropy(model(once), labels, reduction="none"), worst)


def test_on_a_small_network_pgd_finds_what_a_search_of_the_whole_square_finds() -> None:
    torch.manual_seed(3)
    model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 3)).double()
    inputs, labels = torch.randn(6, 2).double(), torch.randint(3, (6,))
    found = pgd(model, F.cross_entropy, inputs, labels, LInf(0.5), unbounded(), steps=40, restarts=3)
    axis = torch.linspace(-0.5, 0.5, 81).double()
    grid = torch.cartesian_prod(axis, axis)
    for example, label, perturbed in zip(inputs, labels, found, strict=True):
        everywhere = F.cross_entropy(model(example + grid), label.expand(len(grid)), reduction="none").max()
        assert F.cross_entropy(model(perturbed), label) >= everywhere - 1e-4


def test_the_model_is_left_as_it_was_and_seeds_decide() -> None:
    model = network()
    _, inputs, labels = batch()
    model.train()
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    random_state = torch.get_rng_state()
    first, again, other = (
        pgd(model, F.cross_entropy, inputs, labels, L2(0.2), SPACE, steps=2, seed=seed) for seed in (0, 0, 1)
    )
    fgsm(model, F.cross_entropy, inputs, labels, 0.1, SPACE)
    assert torch.equal(torch.get_rng_state(), random_state)
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(module.training for module in model.modules())
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not first.requires_grad


def test_without_a_radius_nothing_moves() -> None:
    _, inputs, labels = batch()
    for ball in (LInf(0), L2(0)):
        assert torch.equal(pgd(network(), F.cross_entropy, inputs, labels, ball, SPACE), inputs)
    assert torch.equal(fgsm(network(), F.cross_entropy, inputs, labels, 0, SPACE), inputs)


@pytest.mark.parametrize("name", BALLS)
def test_balls_against_their_definitions(name: str) -> None:
    generator = torch.Generator().manual_seed(0)
    points, gradients = (torch.randn(40, 3, generator=generator).double() for _ in range(2))
    ball = BALLS[name](0.7)
    inside = ball.projected(points)
    assert (length(inside, ball) <= 0.7 + 1e-12).all()
    unmoved = length(points, ball) <= 0.7
    assert torch.equal(inside[unmoved], points[unmoved])
    drawn = ball.drawn(points.expand(50, 40, 3).reshape(-1, 3), generator)
    # Nothing in the ball is nearer than the projection, nor further along the gradient than the steepest way.
    for point, near, gradient, steepest in zip(points, inside, gradients, ball.steepest(gradients), strict=True):
        assert (point - near).norm() <= (point - drawn).norm(dim=1).min() + 1e-12
        assert 0.7 * gradient @ steepest >= (drawn @ gradient).max() - 1e-12
    radii = length(drawn, ball) / 0.7
    # Evenly drawn from three dimensions: the share within r is r³.
    assert abs((radii < 0.5).double().mean() - 0.125) < 0.03
    assert radii.max() <= 1 + 1e-12
    assert ball.steepest(torch.zeros(2, 3)).tolist() == [[0] * 3] * 2
    tiny = BALLS[name](1).steepest(torch.full((1, 4), 1e-30))
    torch.testing.assert_close(tiny, torch.full((1, 4), 1.0 if name == "LInf" else 0.5))


def test_losses_of_single_examples_are_those_of_batches_of_one() -> None:
    generator = torch.Generator().manual_seed(0)
    logits, labels = torch.randn(4, 3, generator=generator), torch.tensor([0, 2, 1, 1])
    torch.testing.assert_close(
        example_losses(F.cross_entropy, logits, labels), F.cross_entropy(logits, labels, reduction="none")
    )

    def loss(outputs: dict[str, Tensor], targets: tuple[Tensor, Tensor]) -> Tensor:
        return F.mse_loss(outputs["a"], targets[0]) + F.l1_loss(outputs["b"], targets[1])

    a, b, first, second = torch.randn(4, 4, 2, generator=generator)
    expected = (a - first).square().mean(1) + (b - second).abs().mean(1)
    torch.testing.assert_close(example_losses(loss, {"a": a, "b": b}, (first, second)), expected)


def test_wrong_requests_are_refused_in_words() -> None:
    raw, inputs, labels = batch()
    model = network()
    with pytest.raises(
        ValueError, match=r"the inputs lie between -2 and 3 in raw units, outside of the range from 0 to"
    ):
        fgsm(model, F.cross_entropy, torch.tensor([[-2.0, 3.0]]), labels[:1], 0.1, InputSpace(0, 1))
    with pytest.raises(ValueError, match="give the mean and std by which they were standardised"):
        pgd(model, F.cross_entropy, inputs, labels, L2(1), InputSpace(0, 1))
    with pytest.raises(ValueError, match="nan"):
        fgsm(model, F.cross_entropy, inputs * math.nan, labels, 0.1, unbounded())
    with pytest.raises(ValueError, match="got low=1, high=0"):
        InputSpace(1, 0)
    with pytest.raises(ValueError, match=r"std is what the data were divided by, positive and finite; got \(0.1, 0\)"):
        InputSpace(0, 1, std=(0.1, 0))
    with pytest.raises(ValueError, match=r"one number for each channel; got 3 for inputs of shape \(5, 2, 4, 4\)"):
        fgsm(model, F.cross_entropy, raw, labels, 0.1, InputSpace(0, 1, mean=(0, 0, 0)))
    with pytest.raises(ValueError, match="the radius of a ball is at least 0 and finite; got -1"):
        L2(-1)
    with pytest.raises(ValueError, match="the radius of a perturbation is at least 0; got -1"):
        fgsm(model, F.cross_entropy, inputs, labels, -1, SPACE)
    with pytest.raises(ValueError, match="at least one step and one start; got steps=0, restarts=1"):
        pgd(model, F.cross_entropy, inputs, labels, L2(1), SPACE, steps=0)


def test_a_loss_without_targets() -> None:
    inputs = torch.tensor([[1.0, -2.0], [0.5, 3.0]], dtype=torch.float64)
    assert example_losses(lambda outputs, targets: outputs.square().mean(), inputs, None).tolist() == [2.5, 4.625]
    worst = pgd(
        torch.nn.Identity(), lambda outputs, targets: outputs.square().mean(), inputs, None, LInf(0.1), unbounded()
    )
    torch.testing.assert_close(worst, inputs + 0.1 * inputs.sign())


@pytest.mark.parametrize("ball", [LInf(0.1), L2(0.1)])
def test_examples_may_be_single_numbers(ball: Ball) -> None:
    inputs = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    worst = pgd(torch.square, lambda outputs, targets: outputs.mean(), inputs, inputs, ball, unbounded())
    torch.testing.assert_close(worst, inputs + 0.1 * inputs.sign())


def test_tensors_for_the_mean_and_std_are_refused_in_words() -> None:
    with pytest.raises(TypeError, match=r"for each channel; got Tensor: give its values, std\.tolist\(\)"):
        InputSpace(0.0, 1.0, 0.5, torch.ones(3))  # type: ignore[arg-type]
