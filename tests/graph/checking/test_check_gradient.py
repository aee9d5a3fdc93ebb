"""Planted mistakes are found, and sound networks raise no alarm."""

import copy
import random
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.autograd import Function

from graph.planted_mistakes import MISTAKES, OneEntryOff
from shinso import models
from shinso.graph.checking._check_gradient import check_gradient
from shinso.graph.checking._gradient_verdict import Verdict

SIDE = 10


class WithMistake(nn.Module):
    """A wrong operation between two sound layers."""

    def __init__(self, function: type[Function]) -> None:
        super().__init__()
        self.first = nn.Linear(6, SIDE)
        self.weight = nn.Parameter(torch.randn(SIDE, SIDE))
        self.last = nn.Linear(SIDE, 4)
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.function.apply(self.first(x).tanh(), self.weight)
        return self.last(torch.relu(hidden + 0.3))


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.__name__)
def test_a_wrong_backward_is_found_in_its_parameter_alone(mistake: type[Function]) -> None:
    check = check_gradient(WithMistake(mistake), (torch.randn(SIDE, 6), torch.randint(4, (SIDE,))))
    assert check.verdict is Verdict.WRONG
    assert not check.ok
    assert [row.name for row in check.rows if row.verdict is not Verdict.CORRECT] == ["weight"]
    assert check.worst is not None
    assert check.worst.name == "weight"
    assert check.worst.relative_error > 5e-4


def test_the_one_wrong_entry_is_named_with_both_gradients() -> None:
    model, x = WithMistake(OneEntryOff).double(), torch.randn(SIDE, 6, dtype=torch.float64)
    check = check_gradient(model, (x,), loss=torch.sum)
    hidden = model.first(x).tanh().detach()
    weight = model.weight.detach().requires_grad_()
    (right,) = torch.autograd.grad(model.last(torch.relu(hidden * weight + 0.3)).sum(), weight)
    assert check.worst is not None
    assert check.worst.index == (7, 3)
    assert check.worst.numeric == pytest.approx(right[7, 3].item(), rel=1e-7)
    assert check.worst.analytic == pytest.approx(2 * right[7, 3].item(), rel=1e-7)
    assert check.worst.relative_error == pytest.approx(0.5, rel=1e-6)


def test_a_gradient_detached_by_mistake_is_found() -> None:
    check = check_gradient(lambda x: x * x.detach(), torch.tensor([1.0, 2.0]))
    assert check.verdict is Verdict.WRONG
    assert check.worst is not None
    assert check.worst.relative_error == pytest.approx(0.5)


def test_a_gradient_that_is_no_number_is_found() -> None:
    check = check_gradient(lambda x: torch.where(x > 0, x.sqrt(), 0 * x), torch.tensor([4.0, -1.0]))
    assert check.verdict is Verdict.WRONG
    assert check.worst is not None
    assert check.worst.index == (1,)


def images(size: int = 8, channels: int = 3) -> tuple[Tensor, Tensor]:
    return torch.randn(4, channels, size, size), torch.randint(5, (4,))


NORMALIZATIONS = ("none", "batch", "layer", "instance", "group")
NETWORKS: dict[str, Any] = {
    "mlp": lambda: (models.mlp(num_classes=5, in_features=192, width=16, dropout=0.3), images()),
    "lenet5": lambda: (models.lenet5(num_classes=5, image_size=12, dropout=0.3), images(12, 1)),
    **{
        f"resnet {name}": lambda name=name: (
            models.resnet(num_classes=5, depth=8, width=4, normalization=name, dropout=0.3),
            images(),
        )
        for name in NORMALIZATIONS
    },
    "resnet in eval mode": lambda: (models.resnet(num_classes=5, depth=8, width=4).eval(), images()),
    "lstm": lambda: (nn.LSTM(4, 5, 2, dropout=0.3, batch_first=True), (torch.randn(3, 6, 4),)),
    "transformer": lambda: (nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), (torch.randn(2, 5, 8),)),
    "transformer in eval mode": lambda: (nn.TransformerEncoderLayer(8, 2, 16).eval(), (torch.randn(5, 2, 8),)),
    "embedding": lambda: (nn.Embedding(7, 3), torch.randint(7, (4,))),
    "bfloat16": lambda: (nn.Linear(4, 3).bfloat16(), torch.randn(5, 4).bfloat16()),
    "channels last": lambda: (nn.Conv2d(3, 4, 3), images()[0].contiguous(memory_format=torch.channels_last)),
    "bias that normalisation cancels": lambda: (nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6)), torch.randn(8, 4)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_sound_networks_raise_no_alarm(name: str) -> None:
    model, batch = NETWORKS[name]()
    check = check_gradient(model, batch)
    assert check.ok, str(check)
    # Without normalisation each residual block starts as relu(x + 0) with x = 0 in places: a kink indeed.
    assert check.verdict is (Verdict.KINK if name == "resnet none" else Verdict.CORRECT)
    assert check.dtype is torch.float64
    assert len(check.rows) >= len(list(model.parameters()))


def test_relative_errors_of_a_sound_network_are_small() -> None:
    check = check_gradient(models.mlp(num_classes=5, in_features=192, width=16), images())
    assert check.worst is not None
    assert 0 < check.worst.relative_error < 1e-6
    assert all(row.numeric == pytest.approx(row.analytic, rel=1e-6) for row in check.rows)


def test_nothing_of_the_model_changes() -> None:
    model = models.resnet(num_classes=5, depth=8, width=4, dropout=0.3)
    model[1].eval()
    x, y = images()
    torch.nn.functional.cross_entropy(model(x), y).backward()
    before, inputs = copy.deepcopy(model), x.clone()
    gradients = [parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None]
    modes = [part.training for part in model.modules()]
    states = (torch.get_rng_state(), random.getstate(), np.random.get_state())
    check_gradient(model, (x, y))
    for name, value in model.state_dict().items():
        assert torch.equal(value, before.state_dict()[name]), name
        assert value.dtype == before.state_dict()[name].dtype
    for parameter, gradient in zip(model.parameters(), gradients, strict=True):
        assert parameter.grad is not None
        assert torch.equal(parameter.grad, gradient)
        assert parameter.requires_grad
    assert [part.training for part in model.modules()] == modes
    assert torch.equal(x, inputs)
    assert not x.requires_grad
    assert torch.equal(torch.get_rng_state(), states[0])
    assert random.getstate() == states[1]
    assert all(np.array_equal(a, b) for a, b in zip(np.random.get_state(), states[2], strict=True))


def test_a_first_operation_in_place_does_not_write_to_the_batch() -> None:
    x = torch.randn(4, 3)
    before = x.clone()
    assert check_gradient(nn.Sequential(nn.ReLU(inplace=True), nn.Linear(3, 2)), x).ok
    assert torch.equal(x, before)


class CentredByRunningMean(nn.Module):
    """Its output depends on a buffer that each call in training mode moves on, in place or by a new tensor."""

    def __init__(self, in_place: bool) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))
        self.register_buffer("mean", torch.zeros(3))
        self.in_place = in_place

    def forward(self, x: Tensor) -> Tensor:
        moved = 0.9 * self.mean + 0.1 * x.detach().mean(0)
        output = self.scale * (x - self.mean.clone())
        self.mean = self.mean.copy_(moved) if self.in_place else moved
        return output


@pytest.mark.parametrize("in_place", [True, False])
def test_buffers_are_the_same_at_each_evaluation(in_place: bool) -> None:
    model = CentredByRunningMean(in_place)
    assert check_gradient(model, torch.randn(4, 3) + 2).verdict is Verdict.CORRECT
    assert torch.equal(model.mean, torch.zeros(3))


def test_the_random_numbers_of_others_are_put_back() -> None:
    def draws(x: Tensor) -> Tensor:
        return x * (random.random() + np.random.random())

    states = (random.getstate(), np.random.get_state())
    check_gradient(draws, torch.ones(2))
    assert random.getstate() == states[0]
    assert all(np.array_equal(a, b) for a, b in zip(np.random.get_state(), states[1], strict=True))


@pytest.mark.parametrize("function", [torch.relu, nn.functional.leaky_relu, lambda x: x.clamp(min=0)])
def test_a_kink_is_told_from_a_mistake(function: Any) -> None:
    check = check_gradient(lambda x: function(x).sum(), torch.tensor([1.0, 0.0, -2.0]))
    assert check.verdict is Verdict.KINK
    assert check.worst is not None
    assert check.worst.index == (1,)


def test_a_convention_in_the_middle_of_a_kink_agrees() -> None:
    # The slope of |x| at 0 is taken as 0, which central differences find too.
    assert check_gradient(torch.abs, torch.tensor([1.0, 0.0, -2.0])).verdict is Verdict.CORRECT


def test_a_kink_does_not_hide_a_mistake_beside_it() -> None:
    class Doubled(Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            ctx.save_for_backward(x)
            return x.relu()

        @staticmethod
        def backward(ctx: Any, grad: Tensor) -> Tensor:
            (x,) = ctx.saved_tensors
            return 1.1 * grad * (x > 0)

    assert check_gradient(Doubled.apply, torch.tensor([1.0, 0.0])).verdict is Verdict.WRONG


def test_a_wrong_value_at_a_smooth_point_is_no_kink() -> None:
    class SquareWithSlopeAtZero(Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            ctx.save_for_backward(x)
            return x**2

        @staticmethod
        def backward(ctx: Any, grad: Tensor) -> Tensor:
            (x,) = ctx.saved_tensors
            return grad * torch.where(x == 0, 1.0, 2 * x)

    assert check_gradient(SquareWithSlopeAtZero.apply, torch.tensor([0.0, 1.0])).verdict is Verdict.WRONG


class Cancelling(nn.Module):
    """(1 − cos w) / w² loses all digits of float32 for small w."""

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([weight]))

    def forward(self, x: Tensor) -> Tensor:
        return x * (1 - self.weight.cos()) / self.weight**2


@pytest.mark.parametrize("weight", [1e-2, 1e-3, 1e-4])
def test_a_failure_of_float32_alone_is_low_precision(weight: float) -> None:
    model, x = Cancelling(weight), torch.ones(3)
    check = check_gradient(model, x)
    assert check.verdict is Verdict.LOW_PRECISION, str(check)
    assert not check.ok
    assert check.worst is not None
    assert check.worst.relative_error > 0.01
    # Where float64 has the digits there is nothing to be said.
    assert check_gradient(Cancelling(1.0), x).verdict is Verdict.CORRECT


def test_a_loss_rounded_inside_is_low_precision() -> None:
    def rounded(x: Tensor) -> Tensor:
        return (x * 3.0).bfloat16().to(x)

    assert check_gradient(rounded, torch.randn(6, 8)).verdict is Verdict.LOW_PRECISION


class OwnGenerator(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3))
        self.generator = torch.Generator()

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight * torch.rand(3, generator=self.generator).to(x)


class CountsItsCalls(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return x * self.calls


@pytest.mark.parametrize(
    "model", [lambda x: x * random.random(), lambda x: x * float(np.random.random()), OwnGenerator(), CountsItsCalls()]
)
def test_randomness_from_elsewhere_is_told(model: Any) -> None:
    check = check_gradient(model, torch.ones(3))
    assert check.verdict is Verdict.RANDOM
    assert check.rows == ()
    assert check.worst is None
    assert "NumPy, Python's random or a generator of its own" in str(check)


def test_random_numbers_of_torch_are_repeated() -> None:
    # Draws of float32 and float64 differ, which is no loss of precision.
    assert check_gradient(lambda x: x * torch.randn_like(x).exp(), torch.ones(2, 3)).ok


def test_a_model_that_does_not_run_in_float64_is_checked_in_its_own_type() -> None:
    linear = nn.Linear(6, 4)
    linear.register_forward_pre_hook(lambda module, inputs: (inputs[0].float(),))
    check = check_gradient(linear, (torch.randn(5, 6), torch.randn(5, 4)))
    assert check.verdict is Verdict.CORRECT
    assert check.dtype is torch.float32
    assert "The model does not run in float64" in str(check)


def test_in_float32_a_mistake_of_a_tenth_is_found() -> None:
    class Off(Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            if x.dtype == torch.float64:
                raise TypeError("single precision only")
            return 2 * x

        @staticmethod
        def backward(ctx: Any, grad: Tensor) -> Tensor:
            return 2.2 * grad

    check = check_gradient(Off.apply, torch.randn(8))
    assert check.verdict is Verdict.WRONG
    assert check.dtype is torch.float32


def test_losses_by_the_kind_of_targets() -> None:
    model, x = nn.Linear(3, 2), torch.randn(4, 3)
    y, t = torch.randint(2, (4,)), torch.randn(4, 2)
    for batch, function in (((x, y), nn.functional.cross_entropy), ((x, t), nn.functional.mse_loss)):
        expected = torch.autograd.grad(function(model(x), batch[1]), model.bias)[0]
        row = next(row for row in check_gradient(model, batch).rows if row.name == "bias")
        index = row.worst.index[0]
        assert row.worst.numeric == pytest.approx(expected[index].item(), rel=1e-5)
        assert abs(row.worst.analytic) == pytest.approx(expected.abs().max().item(), rel=1e-5)


def test_several_inputs_by_position_and_by_name() -> None:
    bilinear = nn.Bilinear(3, 4, 2)
    a, b = torch.randn(5, 3), torch.randn(5, 4)
    by_position = check_gradient(bilinear, ((a, b),))
    by_name = check_gradient(bilinear, {"input1": a, "input2": b})
    assert by_position.ok
    assert by_name.ok
    assert [row.name for row in by_position.rows] == ["weight", "bias", "input[0]", "input[1]"]
    assert [row.name for row in by_name.rows][2:] == ["input['input1']", "input['input2']"]


def test_a_loss_module_in_its_own_type_is_carried_along() -> None:
    loss = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 3.0]))
    check = check_gradient(nn.Linear(3, 2), (torch.randn(4, 3), torch.randint(2, (4,))), loss=loss)
    assert check.ok
    assert check.dtype is torch.float64
    assert loss.weight is not None
    assert loss.weight.dtype is torch.float32


def test_frozen_parameters_and_unused_ones() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2))
    model[0].weight.requires_grad_(False)
    model.register_parameter("spare", nn.Parameter(torch.ones(2)))
    check = check_gradient(model, torch.randn(4, 3))
    assert check.ok
    assert [row.name for row in check.rows] == ["spare", "0.bias", "1.weight", "1.bias", "input"]


def test_text_says_what_to_do() -> None:
    check = check_gradient(WithMistake(OneEntryOff), (torch.randn(SIDE, 6),))
    lines = str(check).splitlines()
    assert lines[0].startswith("gradient: wrong derivative. Look at the backward of the operation that uses it")
    assert lines[1].startswith("worst entry: weight[7, 3]: gradient ")
    assert lines[3].split()[:2] == ["tensor", "shape"]
    assert len(lines) == 5 + len(check.rows)
    sound = str(check_gradient(nn.Linear(3, 2), torch.randn(4, 3)))
    assert sound.startswith("gradient of 3 tensors, differences in float64: correct")


def test_long_tables_show_what_fails() -> None:
    class Wide(WithMistake):
        def __init__(self) -> None:
            super().__init__(OneEntryOff)
            self.others = nn.ParameterList(nn.Parameter(torch.ones(1)) for _ in range(40))

        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) * torch.stack([other[0] for other in self.others]).prod()

    text = str(check_gradient(Wide(), torch.randn(SIDE, 6)))
    assert "wrong derivative" in text.splitlines()[-2] or "weight" in text
    assert text.splitlines()[-1] == "… and 16 more, all correct"


class Uncopyable(nn.Linear):
    def __deepcopy__(self, memo: Any) -> Any:
        raise TypeError("it holds a lock")


@pytest.mark.parametrize(
    ("model", "batch", "loss", "message"),
    [
        (lambda x: x, torch.ones(2, dtype=torch.long), None, "nothing to differentiate: no parameter requires"),
        (lambda x: x, (torch.ones(2),), lambda y: y, r"must be one number; it is a tensor of shape \(2,\)"),
        (lambda x: x, (torch.ones(2),), lambda y: 3, "must be one number; it is a int"),
        (lambda x: x.log(), torch.zeros(2), None, "the loss is -inf at this batch"),
        (
            lambda x: x,
            (torch.ones(2), torch.ones(3)),
            None,
            r"outputs have shape \(2,\) and the targets \(3,\); give a",
        ),
        (
            lambda x: x,
            (torch.ones(2), ["cat"]),
            None,
            "targets are a list; for other targets than a tensor give a loss",
        ),
        (lambda x: "no", torch.ones(2), None, "returned str without a floating-point tensor; give a loss"),
        (lambda x: x, (torch.ones(2),) * 3, None, r"got 3 parts: for several inputs \(\(a, b, …\),\)"),
        (Uncopyable(2, 2), torch.ones(1, 2), None, r"Uncopyable cannot be copied \(it holds a lock\)"),
    ],
)
def test_what_cannot_be_checked_is_refused(model: Any, batch: Any, loss: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_gradient(model, batch, loss=loss)


def test_an_error_of_the_model_is_its_own() -> None:
    with pytest.raises(RuntimeError, match="mat1 and mat2 shapes cannot be multiplied"):
        check_gradient(nn.Linear(3, 2), torch.ones(1, 4))


class Shifted(nn.Module):
    """Loses four digits before its ReLU, which in float32 puts one of its units on the other side of 0."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(28)  # found by trying
        self.first = nn.Linear(8, 200)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu((self.first(x) + 1000) - 1000)


def test_a_unit_that_rounding_puts_on_the_other_side_is_no_low_precision() -> None:
    x = torch.randn(4, 8, generator=torch.Generator().manual_seed(0))
    wide, own = Shifted().double(), Shifted()
    wide(x.double()).sum().backward()
    own(x).sum().backward()
    assert (wide.first.weight.grad - own.first.weight.grad).abs().max() > 0.1  # type: ignore[operator]
    assert check_gradient(Shifted(), x, loss=torch.sum).verdict is Verdict.CORRECT
