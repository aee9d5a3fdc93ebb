"""Every family's variant for small images: it learns, exports, and keeps to what is asked of every network."""

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from graph.graph_cases import WithLoss
from shinso.graph import trace
from shinso.models import CATALOGUE, build, figures

SMALL = [name for name in CATALOGUE if name.endswith("_small")]
GREY = ["lenet5_1998"]  # small as published, and for grey images


def digits(count: int = 64) -> tuple[Tensor, Tensor]:
    """Real digits, enlarged to 32×32."""
    data = load_digits()
    images = torch.from_numpy(data.images[:count]).float()[:, None] / 8 - 1
    return F.interpolate(images, size=(32, 32)), torch.from_numpy(data.target[:count])


def first(output: Tensor | tuple[Tensor, ...]) -> Tensor:
    """The logits, without those of auxiliary heads."""
    return output if isinstance(output, Tensor) else output[0]


@pytest.fixture
def device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("name", SMALL + GREY)
def test_it_fits_64_real_digits(name: str, device: torch.device) -> None:
    torch.manual_seed(0)
    model = build(name, num_classes=10, in_channels=1).to(device)
    x, y = (part.to(device) for part in digits())
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for step in range(1, 201):
        model.train()
        optimizer.zero_grad()
        F.cross_entropy(first(model(x)), y).backward()
        optimizer.step()
        if step % 10 == 0:
            model.eval()
            with torch.no_grad():
                if (first(model(x)).argmax(1) == y).all():
                    return
    pytest.fail(f"{name} has not fitted 64 digits in {step} steps")


@pytest.mark.parametrize("size", [28, 32])
@pytest.mark.parametrize("name", SMALL)
def test_it_takes_small_images_and_does_the_same_each_time_in_eval(name: str, size: int, device: torch.device) -> None:
    model = build(name, num_classes=7, in_channels=3).to(device).eval()
    x = torch.randn(2, 3, size, size, device=device)
    logits = model(x)
    assert logits.shape == (2, 7)
    assert torch.equal(model(x), logits)


@pytest.mark.parametrize("name", SMALL + GREY)
def test_it_can_be_exported(name: str) -> None:
    model, x = build(name, num_classes=10, in_channels=1).eval(), digits(2)[0]
    program = torch.export.export(model, (x,))
    torch.testing.assert_close(program.module()(x), model(x))


@pytest.mark.parametrize("name", SMALL)
def test_it_runs_in_half_precision_and_channels_last(name: str, device: torch.device) -> None:
    model = build(name, num_classes=10, in_channels=3).to(device, memory_format=torch.channels_last).eval()
    x = torch.randn(2, 3, 32, 32, device=device).contiguous(memory_format=torch.channels_last)
    last_image: list[Tensor] = []
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(lambda layer, inputs, output: last_image.append(output))
    with torch.autocast(device.type, torch.bfloat16):
        half = model(x)
    assert half.isfinite().all()
    wide = [image for image in last_image if image.shape[2] > 1 and image.shape[1] > 1]
    assert all(image.is_contiguous(memory_format=torch.channels_last) for image in wide)
    contiguous = model.to(memory_format=torch.contiguous_format)(x.contiguous())
    torch.testing.assert_close(half.float(), contiguous, rtol=0.2, atol=0.2 * contiguous.abs().max().item())


@pytest.mark.parametrize("name", SMALL + GREY)
def test_its_graph_is_differentiated_as_torch_differentiates_it(name: str) -> None:
    torch.manual_seed(0)
    channels = 1 if name in GREY else 3
    model = WithLoss(build(name, 10, channels)).double()
    model.train(name != "stochastic_depth_small")  # in training it draws in Python which blocks to leave out
    batch = torch.randn(2, channels, 32, 32, dtype=torch.float64), torch.tensor([1, 7])
    graph = trace(model, *batch)
    torch.manual_seed(1)
    reverse = graph.reverse_mode()
    torch.manual_seed(1)
    model(*batch).backward()
    learned = {key: value for key, value in model.named_parameters() if value.grad is not None}
    for key, value in learned.items():
        assert (reverse[key] - value.grad).norm() <= 1e-10 * value.grad.norm(), key
    directions = {key: torch.randn_like(value) for key, value in learned.items()}
    torch.manual_seed(1)
    tangent = graph.forward_mode(directions).tangent
    slope = torch.stack([(value.grad * directions[key]).sum() for key, value in learned.items()]).sum()
    torch.testing.assert_close(tangent, slope, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", SMALL + GREY)
def test_its_cost_is_that_of_the_catalogue(name: str) -> None:
    network = CATALOGUE[name]
    with torch.device("meta"):
        model, x = network.function(in_channels=network.input_shape[0]).eval(), torch.empty(1, *network.input_shape)
    cost = trace(model, x).cost()
    assert (cost.parameters, cost.macs + cost.matmul_macs) == tuple(figures()[name])
