"""The layer with the published backward against torch's: both modes, running statistics, derivatives of both orders."""

import pytest
import torch
from torch import Tensor, nn

from shinso.nn.normalization import BatchNormalization

SHAPES = {nn.BatchNorm1d: (6, 3), nn.BatchNorm2d: (3, 3, 4, 2), nn.BatchNorm3d: (2, 3, 2, 3, 2)}


def pair(kind: type[nn.Module], **options: float) -> tuple[BatchNormalization, nn.Module]:
    theirs = kind(3, **options).double()
    for parameter in theirs.parameters():
        nn.init.uniform_(parameter, 0.5, 2.0)
    ours = BatchNormalization(3, **options).double()
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


def passed(layer: nn.Module, x: Tensor, gradient: Tensor) -> list[Tensor | None]:
    x = x.clone().requires_grad_()
    y = layer(x)
    layer.zero_grad()
    y.backward(gradient)
    return [y.detach(), x.grad, layer.weight.grad, layer.bias.grad]


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("options", [{}, {"eps": 1e-3, "momentum": 0.3}])
def test_it_is_torchs_layer(kind: type[nn.Module], options: dict[str, float]) -> None:
    torch.manual_seed(0)
    ours, theirs = pair(kind, **options)
    for training in (True, True, False):
        ours.train(training)
        theirs.train(training)
        x, gradient = torch.randn(2, *SHAPES[kind], dtype=torch.float64).unbind()
        for mine, other in zip(passed(ours, 2 * x + 5, gradient), passed(theirs, 2 * x + 5, gradient), strict=True):
            torch.testing.assert_close(mine, other, rtol=1e-10, atol=1e-10)
        for name, buffer in theirs.named_buffers():
            torch.testing.assert_close(ours.get_buffer(name), buffer, rtol=1e-12, atol=1e-12)


def test_derivatives_of_first_and_second_order() -> None:
    torch.manual_seed(0)
    layer = BatchNormalization(2).double()
    x = torch.randn(3, 2, 2, dtype=torch.float64, requires_grad=True)
    parameters = [torch.rand(2, dtype=torch.float64).add(0.5).requires_grad_() for _ in range(2)]

    def function(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return torch.func.functional_call(layer, {"weight": weight, "bias": bias}, (x,))

    assert torch.autograd.gradcheck(function, (x, *parameters))
    assert torch.autograd.gradgradcheck(function, (x, *parameters))


def test_the_backward_in_use_is_the_written_one(monkeypatch: pytest.MonkeyPatch) -> None:
    from shinso.nn.normalization import batch_normalization

    original = batch_normalization.batch_normalize_backward

    def doubled(*args: object) -> tuple[Tensor, ...]:
        return tuple(2 * value for value in original(*args))  # type: ignore[arg-type]

    layer, x = BatchNormalization(3), torch.randn(4, 3)
    before = passed(layer, x, torch.ones(4, 3) + x)
    monkeypatch.setattr(batch_normalization, "batch_normalize_backward", doubled)
    after = passed(layer, x, torch.ones(4, 3) + x)
    torch.testing.assert_close(after[0], before[0])
    for one, two in zip(before[1:], after[1:], strict=True):
        torch.testing.assert_close(two, 2 * one)


def test_it_takes_bfloat16_and_channels_last_and_keeps_their_type() -> None:
    layer = BatchNormalization(3).bfloat16()
    x = torch.randn(2, 3, 4, 5).bfloat16().to(memory_format=torch.channels_last).requires_grad_()
    y = layer(x)
    y.sum().backward()
    assert y.dtype == torch.bfloat16
    assert y.is_contiguous(memory_format=torch.channels_last)
    assert x.grad is not None


def test_it_can_be_exported_in_both_modes() -> None:
    x = torch.randn(4, 3, 2)
    for mode in (True, False):
        layer = BatchNormalization(3).train(mode)
        expected = layer(x)
        layer.running_mean.zero_()
        layer.running_var.fill_(1)
        program = torch.export.export(layer, (x,))
        torch.testing.assert_close(program.module()(x), expected)


def test_what_cannot_be_normalised_is_refused() -> None:
    with pytest.raises(ValueError, match="num_features must be at least 1; got 0"):
        BatchNormalization(0)
    with pytest.raises(ValueError, match=r"expected 3 channels in axis 1; got shape \(4, 2\)"):
        BatchNormalization(3)(torch.ones(4, 2))
    with pytest.raises(ValueError, match=r"more than 1 value per channel; got shape \(1, 3\)"):
        BatchNormalization(3)(torch.ones(1, 3))
    BatchNormalization(3).eval()(torch.ones(1, 3))


def test_it_says_what_it_is() -> None:
    assert repr(BatchNormalization(3)) == "BatchNormalization(3, eps=1e-05, momentum=0.1)"
