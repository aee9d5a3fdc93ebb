"""Against the table of published architectures, torch's counter of operations, and memory as it is really used."""

import weakref
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from shinso.graph import trace
from shinso.graph._quantities import bytes_text, count_text
from shinso.graph.costs._cost import Cost, Costs, cost
from shinso.models import lenet5, mlp, resnet

COLUMNS = ("parameters", "macs", "matmul_macs")


def cost_of(module: Callable[..., Any], *shapes: tuple[int, ...]) -> Cost:
    return cost(trace(module, *(torch.empty(shape) for shape in shapes)))


def alexnet_2012() -> nn.Module:
    """With the groups of the paper."""
    pool = nn.MaxPool2d(3, 2)
    return nn.Sequential(
        *(nn.Conv2d(3, 96, 11, 4), nn.ReLU(True), pool),
        *(nn.Conv2d(96, 256, 5, padding=2, groups=2), nn.ReLU(True), pool),
        *(nn.Conv2d(256, 384, 3, padding=1), nn.ReLU(True)),
        *(nn.Conv2d(384, 384, 3, padding=1, groups=2), nn.ReLU(True)),
        *(nn.Conv2d(384, 256, 3, padding=1, groups=2), nn.ReLU(True), pool, nn.Flatten()),
        *(nn.Linear(9216, 4096), nn.ReLU(True), nn.Linear(4096, 4096), nn.ReLU(True), nn.Linear(4096, 1000)),
    )


def vgg11() -> nn.Module:
    layers: list[nn.Module] = []
    channels = 3
    for width in (64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0):
        if width:
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(True)]
        else:
            layers.append(nn.MaxPool2d(2))
        channels = width or channels
    head = [nn.Linear(25088, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 1000)]
    return nn.Sequential(*layers, nn.Flatten(), *head)


def dcgan_generator() -> nn.Module:
    layers: list[nn.Module] = [nn.ConvTranspose2d(100, 512, 4, bias=False), nn.BatchNorm2d(512), nn.ReLU(True)]
    for inside, outside in ((512, 256), (256, 128), (128, 64)):
        layers += [nn.ConvTranspose2d(inside, outside, 4, 2, 1, bias=False), nn.BatchNorm2d(outside), nn.ReLU(True)]
    return nn.Sequential(*layers, nn.ConvTranspose2d(64, 3, 4, 2, 1, bias=False), nn.Tanh())


# From the project's table of published architectures, built and counted there with other tools: id, network, inputs,
# parameters, multiply-accumulates, and those of activations with activations.
PUBLISHED = {
    "lenet5_modern": (lenet5, [(1, 1, 28, 28)], 61_706, 416_520, 0),
    "resnet20_cifar": (lambda: resnet(depth=20), [(1, 3, 32, 32)], 269_722, 40_551_040, 0),
    "alexnet_2012": (alexnet_2012, [(1, 3, 227, 227)], 60_965_224, 724_406_816, 0),
    "vgg11": (vgg11, [(1, 3, 224, 224)], 132_863_336, 7_609_090_048, 0),
    "dcgan_generator_64": (dcgan_generator, [(1, 100, 1, 1)], 3_576_704, 104_628_224, 0),
    "rnn_torch": (lambda: nn.RNN(128, 256, batch_first=True), [(1, 10, 128)], 98_816, 983_040, 0),
    "gru_torch": (lambda: nn.GRU(128, 256, batch_first=True), [(1, 10, 128)], 296_448, 2_949_120, 0),
    "lstm_torch": (lambda: nn.LSTM(128, 256, batch_first=True), [(1, 10, 128)], 395_264, 3_932_160, 0),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_architectures_have_their_published_costs(name: str) -> None:
    build, shapes, *figures = PUBLISHED[name]
    with torch.device("meta"):
        found = cost_of(build(), *shapes)
    assert [getattr(found, column) for column in COLUMNS] == figures


def test_the_published_transformer_has_six_layers_of_each_kind() -> None:
    sizes: dict[str, Any] = {"d_model": 512, "nhead": 8, "dim_feedforward": 2048, "batch_first": True}
    tokens = (1, 128, 512)
    with torch.device("meta"):
        encoder = cost_of(nn.TransformerEncoderLayer(**sizes), tokens)
        decoder = cost_of(nn.TransformerDecoderLayer(**sizes), tokens, tokens)
    # transformer_base_stack of the same table
    figures = [6 * (getattr(encoder, column) + getattr(decoder, column)) for column in COLUMNS]
    assert figures == [44_138_496, 5_637_144_576, 301_989_888]


class FirstResult(nn.Module):
    """A recurrent or attention layer without its further results."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, *inputs: Tensor) -> Tensor:
        first: Tensor = self.layer(*inputs)[0]
        return first


def encoder_layer(dropout: float = 0.1) -> nn.Module:
    return nn.TransformerEncoderLayer(16, 4, 32, dropout=dropout, batch_first=True)


NETWORKS = {
    "mlp": (lambda: mlp(num_classes=10, in_features=64, width=32), (8, 64)),
    "convolutions with batch norm": (lambda: resnet(depth=8, width=4), (4, 3, 12, 12)),
    "in place": (lenet5, (2, 1, 28, 28)),
    "grouped": (lambda: nn.Sequential(nn.Conv2d(8, 8, 3, groups=4), nn.ReLU(), nn.Conv2d(8, 4, 1)), (2, 8, 9, 9)),
    "transposed": (lambda: nn.Sequential(nn.ConvTranspose2d(4, 6, 4, 2, 1), nn.ConvTranspose2d(6, 6, 3)), (2, 4, 5, 5)),
    "one dimension": (lambda: nn.Sequential(nn.Conv1d(3, 5, 3, dilation=2), nn.GELU(), nn.Conv1d(5, 2, 1)), (2, 3, 20)),
    "gru": (lambda: FirstResult(nn.GRU(8, 12, batch_first=True)), (4, 7, 8)),
    "attention": (lambda: FirstResult(SelfAttention()), (4, 7, 16)),
    "encoder layer": (encoder_layer, (4, 7, 16)),
    "encoder layer, fused attention": (lambda: encoder_layer(0.0).eval(), (4, 7, 16)),
}


class SelfAttention(nn.MultiheadAttention):
    def __init__(self) -> None:
        super().__init__(16, 4, batch_first=True)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor | None]:  # type: ignore[override]
        return super().forward(x, x, x)


@pytest.mark.parametrize("name", [*NETWORKS, "lstm"])
def test_operations_equal_torchs_counter_forward_and_backward(name: str) -> None:
    build, shape = {**NETWORKS, "lstm": (lambda: FirstResult(nn.LSTM(8, 12)), (4, 7, 8))}[name]
    with torch.device("meta"):
        module, inputs = build(), torch.empty(shape)
        found = cost_of(module, shape)
    with FlopCounterMode(display=False) as forward:
        output = module(inputs)
    with FlopCounterMode(display=False) as backward:
        output.sum().backward()
    assert 2 * (found.macs + found.matmul_macs) == forward.get_total_flops()
    assert 2 * found.backward_macs == backward.get_total_flops()


@pytest.mark.parametrize("name", NETWORKS)
def test_predicted_peak_is_what_a_real_step_takes(name: str) -> None:
    build, shape = NETWORKS[name]
    module = build()
    measured = peak_of_a_step(module, torch.randn(shape))
    assert cost_of(module, shape).peak_bytes == pytest.approx(measured, rel=0.10)


def test_predicted_peak_of_an_lstm_is_that_of_its_plain_form() -> None:
    module = FirstResult(nn.LSTM(8, 12, batch_first=True))
    was_on = torch._C._get_mkldnn_enabled()  # type: ignore[attr-defined]
    torch._C._set_mkldnn_enabled(False)
    try:
        measured = peak_of_a_step(module, torch.randn(4, 7, 8))
    finally:
        torch._C._set_mkldnn_enabled(was_on)
    assert cost_of(module, (4, 7, 8)).peak_bytes == pytest.approx(measured, rel=0.10)


@pytest.mark.parametrize("name", NETWORKS)
def test_saved_bytes_are_what_autograd_keeps(name: str) -> None:
    build, shape = NETWORKS[name]
    module, inputs = build(), torch.randn(shape)
    given = {tensor.untyped_storage()._cdata for tensor in (inputs, *module.parameters(), *module.buffers())}
    kept: dict[int, Tensor] = {}

    def pack(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage()._cdata] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        output = module(inputs)
    expected = sum(tensor.untyped_storage().nbytes() for address, tensor in kept.items() if address not in given)
    assert cost_of(module, shape).saved_bytes == expected
    del output


class LiveMemory(TorchDispatchMode):
    """Counts the bytes of all storages that are alive."""

    def __init__(self, tensors: Iterator[Tensor]) -> None:
        super().__init__()
        self.live = self.peak = 0
        self.alive: dict[int, Any] = {}
        for tensor in tensors:
            self.follow(tensor)

    def follow(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        address, nbytes = storage._cdata, storage.nbytes()
        if address in self.alive:
            return
        self.live += nbytes
        self.peak = max(self.peak, self.live)
        self.alive[address] = weakref.ref(storage, lambda _: self.freed(address, nbytes))

    def freed(self, address: int, nbytes: int) -> None:
        self.live -= nbytes
        del self.alive[address]

    def __torch_dispatch__(self, kernel: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        result = kernel(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                self.follow(leaf)
        return result


def peak_of_a_step(module: nn.Module, inputs: Tensor) -> int:
    with LiveMemory(iter([inputs, *module.parameters(), *module.buffers()])) as memory:
        output = module(inputs)
        output.backward(torch.ones_like(output))
    return memory.peak


@settings(max_examples=8, deadline=None)
@given(batch=st.integers(1, 9), widths=st.lists(st.integers(1, 9), min_size=2, max_size=5))
def test_a_perceptron_costs_what_the_formula_says(batch: int, widths: list[int]) -> None:
    pairs = list(pairwise(widths))
    layers = [layer for inside, outside in pairs for layer in (nn.Linear(inside, outside), nn.Sigmoid())]
    found = cost_of(nn.Sequential(*layers), (batch, widths[0]))
    products = [batch * inside * outside for inside, outside in pairs]
    assert found.parameters == sum(inside * outside + outside for inside, outside in pairs)
    assert found.macs == sum(products)
    assert found.matmul_macs == 0
    assert found.backward_macs == 2 * sum(products) - products[0]
    assert found.saved_bytes == 4 * batch * sum(widths[1:])
    assert found.parameter_bytes == found.gradient_bytes == 4 * found.parameters


def test_modules_are_the_sums_of_their_nodes() -> None:
    found = cost_of(resnet(depth=8, width=4), (2, 3, 8, 8))
    for path, costs in found.modules.items():
        inside = Costs()
        for node, own in found.nodes.items():
            module = node.module if node.is_operation else node.name.rpartition(".")[0]
            if not path or module == path or module.startswith(path + "."):
                inside += own
        assert costs == inside, path
    assert list(found.modules)[:4] == ["", "conv", "norm", "relu"]
    assert found.modules["stage1.0.conv1"].macs == 2 * 4 * 8 * 8 * 4 * 9


def test_frozen_parameters_get_no_gradients() -> None:
    module = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3))
    module[0].requires_grad_(False)
    found = cost_of(module, (7, 4))
    assert (found.parameters, found.macs, found.backward_macs) == (43, 7 * 35, 7 * 15)
    assert found.gradient_bytes == 4 * 18
    assert found.saved_bytes == 4 * 7 * 5
    assert cost_of(module.requires_grad_(False), (7, 4)).backward_macs == 0


def test_shared_parameters_count_once_and_each_use_of_them() -> None:
    layer = nn.Linear(6, 6)
    found = cost_of(nn.Sequential(layer, nn.Tanh(), layer), (2, 6))
    assert (found.parameters, found.macs, found.gradient_bytes) == (42, 2 * 72, 4 * 42)


def test_products_with_weights_that_are_computed_are_no_products_of_activations() -> None:
    module = nn.utils.parametrizations.weight_norm(nn.Linear(4, 5))
    found = cost_of(module, (7, 4))
    assert (found.macs, found.matmul_macs) == (140, 0)


def test_a_function_of_two_inputs_multiplies_activations() -> None:
    matrix, vector = torch.randn(5, 4, requires_grad=True), torch.randn(4)
    found = cost(trace(lambda a, b: a @ b, matrix, vector))
    assert (found.parameters, found.macs, found.matmul_macs) == (0, 0, 20)
    assert cost(trace(lambda a, b: a @ b, vector, vector)).matmul_macs == 4


def test_without_gradients_there_is_no_way_back() -> None:
    def function(x: Tensor, w: Tensor) -> Tensor:
        with torch.no_grad():
            product = x @ w
        return product * w.sum()

    found = cost(trace(function, torch.randn(3, 4), torch.randn(4, 5, requires_grad=True)))
    assert (found.matmul_macs, found.backward_macs) == (60, 0)
    assert found.saved_bytes == 4 * 15  # the product; its gradient is not wanted, that of the sum is


def test_loss_tied_weights_and_numbers_as_inputs() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(10, 4)
            self.output = nn.Linear(4, 10, bias=False)
            self.output.weight = self.embedding.weight

        def forward(self, tokens: Tensor) -> Tensor:
            return F.cross_entropy(self.output(self.embedding(tokens)), tokens)

    found = cost(trace(Tied(), torch.randint(10, (7,))))
    assert (found.parameters, found.macs, found.backward_macs) == (40, 280, 560)
    assert found.gradient_bytes == 160


class Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, w: Tensor) -> Tensor:  # type: ignore[override]
        ctx.save_for_backward(x, w)
        return x @ w

    @staticmethod
    def backward(ctx: Any, bar: Tensor) -> Any:  # type: ignore[override]
        x, w = ctx.saved_tensors
        return bar @ w.T, x.T @ bar


def test_custom_functions_count_with_their_own_backward() -> None:
    inputs = torch.randn(3, 4), torch.randn(4, 5, requires_grad=True)
    found = cost(trace(lambda x, w: Product.apply(x, w).sin(), *inputs))
    assert (found.matmul_macs, found.backward_macs) == (60, 120)


def test_equal_numbers_of_different_types_are_different_arguments() -> None:
    def function(numbers: Tensor, w: Tensor) -> Tensor:
        return torch.exp(numbers * 2 * w) + torch.exp(numbers * 2.0 * w)

    numbers, w = torch.arange(6), torch.randn(6, dtype=torch.float64, requires_grad=True)
    found = cost(trace(function, numbers, w))
    # Two exponentials (8 bytes a number), and what w is multiplied by: int64 once, float32 once.
    assert found.saved_bytes == 6 * (8 + 8 + 8 + 4)


def test_adjoints_that_share_memory_are_added_in_new_memory() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.randn(30, 30))

        def forward(self, x: Tensor) -> Tensor:
            product = x * self.weight
            return product.view(-1) + product.mT.reshape(-1) + product.view(-1)

    measured = peak_of_a_step(Twice(), torch.randn(30, 30))
    assert cost_of(Twice(), (30, 30)).peak_bytes == pytest.approx(measured, rel=0.10)


def test_what_the_caller_holds_stays() -> None:
    def function(w: Tensor) -> tuple[Tensor, Tensor]:
        product = w * 2
        return product, product.sum()

    w = torch.randn(1000, requires_grad=True)
    with LiveMemory(iter([w])) as memory:
        outputs = function(w)
        torch.autograd.backward(outputs, [torch.ones_like(output) for output in outputs])
    assert cost(trace(function, w)).peak_bytes == pytest.approx(memory.peak, rel=0.10)


@pytest.mark.parametrize(
    ("number", "count", "nbytes"),
    [
        (0, "", ""),
        (840, "840", "840 B"),
        (999_600, "1.00 M", "976 KiB"),
        (4_089_184_256, "4.09 G", "3.81 GiB"),
        (25_557_032, "25.6 M", "24.4 MiB"),
        (123_456, "123 k", "121 KiB"),
    ],
)
def test_numbers_are_written_with_three_digits(number: int, count: str, nbytes: str) -> None:
    assert (count_text(number), bytes_text(number)) == (count, nbytes)


def test_nothing_is_computed_or_changed() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.LSTM(6, 5))
    graph = trace(module[:3], torch.randn(2, 3, 8, 8))
    before = {name: value.clone() for name, value in module.state_dict().items()}
    state, flags = torch.get_rng_state(), (torch.backends.mkldnn.is_available(), torch._C._get_mkldnn_enabled())
    found = cost(graph)
    assert torch.equal(torch.get_rng_state(), state)
    assert flags == (torch.backends.mkldnn.is_available(), torch._C._get_mkldnn_enabled())
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert all(parameter.grad is None for parameter in module.parameters())
    assert found.buffer_bytes == 2 * 4 * 4


def test_table_names_modules_and_memory() -> None:
    found = cost_of(mlp(num_classes=10, in_features=784, width=256), (64, 784))
    lines = str(found).splitlines()
    assert " ".join(lines[0].split()) == "module parameters MACs activation MACs backward MACs kept for backward"
    assert lines[3].split() == ["1", "201", "k", "12.8", "M", "12.8", "M"]
    assert any(line.split() == ["all", "269", "k", "17.2", "M", "21.6", "M", "128", "KiB"] for line in lines)
    assert any(line.split()[:1] == ["peak"] for line in lines)


def test_depth_limits_the_rows() -> None:
    found = cost_of(resnet(depth=8, width=4), (2, 3, 8, 8))
    names = [line.split()[0] for line in found.table(depth=1).splitlines() if line]
    assert "stage1" in names
    assert "stage1.0" not in names
    assert "stage1.0.conv1" in found.table()
    assert "stage1" not in found.table(depth=0)
    with pytest.raises(ValueError, match=r"depth must be 0 \(the network alone\) or more; got -1"):
        found.table(depth=-1)
