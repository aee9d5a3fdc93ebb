"""Robust accuracy against the margins of linear models, and its interval against the beta distribution."""

import numpy as np
import pytest
import torch
from lens_cases import CASES, Case
from scipy.stats import beta
from test_nothing_changes import assert_same, plain, sgd, trained
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.optim import SGD

from shinso.lens import ActivationHealth, Lens, inspect, watch
from shinso.lens.adversarial import (
    L2,
    InputSpace,
    LInf,
    RobustAccuracy,
    Robustness,
    adversarial_examples,
    draw_adversarial_examples,
    draw_robust_accuracy,
    likeliest_is_target,
    pgd,
    robust_accuracy,
    unbounded,
)
from shinso.lens.features import Attribution

BALLS = {"LInf": LInf, "L2": L2}


def linear(count: int = 60) -> tuple[nn.Linear, Tensor, Tensor, Tensor]:
    """A linear model of two classes, inputs, mostly right labels, and signed margins of the logits."""
    generator = torch.Generator().manual_seed(0)
    model = nn.Linear(5, 2).double()
    with torch.no_grad():
        model.weight.copy_(torch.randn(2, 5, generator=generator))
        model.bias.copy_(torch.randn(2, generator=generator))
    inputs = torch.randn(count, 5, generator=generator).double()
    logits = model(inputs).detach()
    labels = torch.where(torch.rand(count, generator=generator) < 0.9, logits.argmax(1), logits.argmin(1))
    margins = (logits[:, 1] - logits[:, 0]) * torch.where(labels == 1, 1, -1)
    return model, inputs, labels, margins


@pytest.mark.parametrize("name", BALLS)
@pytest.mark.parametrize("radius", [0.0, 0.1, 0.3, 1.0])
def test_of_a_linear_model_it_is_known_from_the_margins(name: str, radius: float) -> None:
    model, inputs, labels, margins = linear()
    weights = (model.weight[1] - model.weight[0]).detach()
    dual = weights.abs().sum() if name == "LInf" else weights.norm()
    batches = list(zip(inputs.split(25), labels.split(25), strict=True))
    found = robust_accuracy(model, F.cross_entropy, batches, BALLS[name](radius), unbounded())
    assert found == RobustAccuracy(int((margins > 0).sum()), int((margins > radius * dual).sum()), 60)
    assert 0 < found.right < 60


def test_standardised_channels_are_perturbed_in_raw_units() -> None:
    _, raw, _, _ = linear()
    std, radius = torch.tensor([0.5, 2.0, 1.0, 1.0, 3.0]).double(), 0.2
    space = InputSpace(-100, 100, mean=(1.0,) * 5, std=tuple(std.tolist()))
    model, _, labels, _ = linear()
    inputs = (raw - 1) / std
    logits = model(inputs)
    margins = (logits[:, 1] - logits[:, 0]) * torch.where(labels == 1, 1, -1)
    dual = ((model.weight[1] - model.weight[0]) / std).norm()
    found = robust_accuracy(model, F.cross_entropy, [(inputs, labels)], L2(radius), space)
    assert found.robust == int((margins > radius * dual).sum())
    perturbed = pgd(model, F.cross_entropy, inputs, labels, L2(radius), space)
    losses = F.cross_entropy(model(perturbed), labels, reduction="none")
    torch.testing.assert_close(losses, F.softplus(radius * dual - margins))


def test_the_range_of_the_data_protects() -> None:
    model = nn.Linear(2, 2, bias=False)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]))
    # The first value would have to fall below 0 for the answer to change.
    batch = [(torch.tensor([[0.1, 0.5]]), torch.tensor([0]))]
    assert robust_accuracy(model, F.cross_entropy, batch, LInf(0.5), InputSpace(0.01, 1)).robust == 1
    assert robust_accuracy(model, F.cross_entropy, batch, LInf(0.5), InputSpace(-1, 1)).robust == 0


def test_what_one_start_finds_no_other_takes_back() -> None:
    answers = iter([[True, True, False], [False, True, True], [True, True, True]])
    found = robust_accuracy(
        nn.Linear(1, 2), F.cross_entropy, [(torch.ones(3, 1), torch.zeros(3).long())], L2(1), unbounded(),
        restarts=2, correct=lambda outputs, targets: torch.tensor(next(answers)),
    )  # fmt: skip
    assert found == RobustAccuracy(right=2, robust=1, examples=3)


@pytest.mark.parametrize(("robust", "examples"), [(0, 7), (3, 7), (7, 7)])
def test_the_interval_is_that_of_clopper_and_pearson(robust: int, examples: int) -> None:
    low, high = RobustAccuracy(7, robust, examples).interval(0.9)
    expected_low = beta.ppf(0.05, robust, examples - robust + 1) if robust else 0
    expected_high = beta.ppf(0.95, robust + 1, examples - robust) if robust < examples else 1
    np.testing.assert_allclose([low, high], [expected_low, expected_high])


def test_the_lens_reads_it_by_radius() -> None:
    model, inputs, labels, margins = linear()
    radii = (0.1, 0.3)
    readings = inspect(model, F.cross_entropy, inputs, labels, [Robustness(radii, ball=L2)])
    dual = (model.weight[1] - model.weight[0]).norm()
    expected = [(margins > radius * dual).double().mean().item() for radius in (0, *radii)]
    assert readings["robust_accuracy"].labels == ("0", "0.1", "0.3")
    np.testing.assert_allclose(readings["robust_accuracy"].values, expected, rtol=1e-6)
    low, high = RobustAccuracy(60, round(60 * expected[1]), 60).interval()
    np.testing.assert_allclose(readings["robust_accuracy/low"].values[1], low, rtol=1e-6)
    np.testing.assert_allclose(readings["robust_accuracy/high"].values[1], high, rtol=1e-6)


def test_of_several_inputs_the_real_one_is_attacked() -> None:
    class Masked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(3, 2)

        def forward(self, values: Tensor, mask: Tensor) -> Tensor:
            return self.layer(values * mask)

    inputs = (torch.randn(4, 3), torch.tensor([0, 0, 1, 1]).unsqueeze(1))
    model = Masked()
    labels = model(*inputs).argmax(1)
    values = inspect(model, F.cross_entropy, inputs, labels, [Robustness((50.0,))])["robust_accuracy"].values
    assert values.tolist() == [1, 0.5]


@pytest.mark.parametrize("case", CASES[:2], ids=lambda case: case.name)
def test_training_stays_the_same(case: Case) -> None:
    lens = Robustness((0.1,), steps=2)
    assert_same(trained(case, plain, sgd, [lens]), trained(case, plain, sgd, None))


def test_what_has_no_accuracy_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"expected outputs \[batch, classes\] and one class number for each example"):
        likeliest_is_target(torch.ones(3, 1), torch.ones(3, 1))
    with pytest.raises(ValueError, match="needs at least one example; the batches hold none"):
        robust_accuracy(nn.Linear(1, 2), F.cross_entropy, [], L2(1), unbounded())
    with pytest.raises(ValueError, match=r"expected one tensor of real numbers among the inputs.*got 0"):
        inspect(CASES[2].build(), F.cross_entropy, CASES[2].inputs(), torch.arange(6) % 4, [Robustness()])


def test_one_number_may_decide_with_a_rule_of_its_own() -> None:
    model = nn.Linear(1, 1)
    with torch.no_grad():
        model.weight.fill_(1), model.bias.fill_(0)
    inputs, targets = torch.tensor([[0.5], [2.0], [-3.0]]), torch.tensor([[1.0], [1.0], [1.0]])

    def correct(outputs: Tensor, targets: Tensor) -> Tensor:
        return ((outputs > 0) == (targets > 0.5)).squeeze(1)

    batches = [(inputs, targets)]
    loss = F.binary_cross_entropy_with_logits
    found = robust_accuracy(model, loss, batches, LInf(1), unbounded(), correct=correct)
    assert found == RobustAccuracy(right=2, robust=1, examples=3)


def test_pictures() -> None:
    from matplotlib.figure import Figure

    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 2))
    images, space = torch.rand(3, 3, 2, 2), InputSpace(0, 1)
    labels = model(images).argmax(1)
    perturbed = pgd(model, F.cross_entropy, images, labels, LInf(0.9), space)
    examples = adversarial_examples(model, images, perturbed, space)
    torch.testing.assert_close(examples.perturbations, perturbed - images)
    assert torch.equal(examples.classes_before, labels)
    torch.testing.assert_close(examples.confidences_after, model(perturbed).softmax(1).amax(1).detach())
    figure = Figure()
    draw_adversarial_examples(examples, figure, ["cat", "dog"])
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[0].startswith(("cat", "dog")[int(labels[0])])
    assert titles[6].startswith(("cat", "dog")[int(examples.classes_after[0])])
    np.testing.assert_allclose(
        figure.axes[0].images[0].get_array(), images[0].permute(1, 2, 0).double().numpy(), atol=1e-6
    )
    figure = Figure()
    draw_robust_accuracy({"a": {0.1: RobustAccuracy(9, 5, 10), 0.0: RobustAccuracy(9, 9, 10)}}, figure)
    assert figure.axes[0].lines[0].get_ydata().tolist() == [0.9, 0.5]


def test_other_lenses_of_the_step_do_not_see_the_attack() -> None:
    inputs, labels = torch.randn(6, 5), torch.randint(2, (6,))

    def read(lenses: list[Lens]) -> dict[str, Tensor]:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 2))
        optimizer = SGD(model.parameters(), lr=0.1)
        watching = watch(model, optimizer, [*lenses, ActivationHealth()], loss=F.cross_entropy)
        with watching.step(inputs, labels):
            F.cross_entropy(model(inputs), labels).backward()
            optimizer.step()
        watching.flush()
        names = [name for name in watching.record.names() if name.startswith("activation/")]
        return {name: torch.from_numpy(watching.readings(name).values) for name in names}

    torch.testing.assert_close(read([Robustness(), Attribution()]), read([]), rtol=0, atol=0, equal_nan=True)
