"""Networks of every kind of layer, and the gradients of their examples by one backward pass for each."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F  # noqa: N812
from torch.nn.utils import parametrizations

BATCH = 5


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def tokens(*shape: int, count: int = 6) -> Tensor:
    return torch.randint(count, shape, generator=torch.Generator().manual_seed(0))


def one_at_a_time(model: nn.Module, loss: Callable[[Any, Any], Tensor], inputs: Tensor, targets: Tensor) -> Any:
    """The gradient of the loss of each example alone, by parameter."""
    parameters = {name: p.detach() for name, p in model.named_parameters() if p.requires_grad}
    found: dict[str, list[Tensor]] = {name: [] for name in parameters}
    for example in range(len(targets)):
        leaves = {name: p.clone().requires_grad_() for name, p in parameters.items()}
        alone = slice(example, example + 1)
        value = loss(functional_call(model, leaves, (inputs[alone],)), targets[alone])
        gradients = torch.autograd.grad(value, list(leaves.values()), materialize_grads=True)
        for name, gradient in zip(leaves, gradients, strict=True):
            found[name].append(gradient)
    return {name: torch.stack(gradients) for name, gradients in found.items()}


class Recurrent(nn.Module):
    """The outputs of a recurrent layer, and its last states so that gradients come in there too."""

    def __init__(self, layer: nn.RNNBase) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, sequences: Tensor) -> Tensor:
        outputs, state = self.layer(sequences if self.layer.batch_first else sequences.transpose(0, 1))
        last = state[1][-1] if isinstance(state, tuple) else state[-1]
        outputs = outputs if self.layer.batch_first else outputs.transpose(0, 1)
        return outputs + last.mean(-1)[:, None, None] ** 2


class Cell(nn.Module):
    """A recurrent cell stepped through a sequence."""

    def __init__(self, cell: nn.RNNCellBase) -> None:
        super().__init__()
        self.cell = cell

    def forward(self, sequences: Tensor) -> Tensor:
        state, outputs = None, []
        for time in range(sequences.shape[1]):
            state = self.cell(sequences[:, time], state)
            outputs.append(state[0] if isinstance(state, tuple) else state)
        return torch.stack(outputs, 1)


class Attention(nn.Module):
    """Attention of a sequence to itself, or to other sequences of other widths."""

    def __init__(self, to_others: bool = False, **settings: Any) -> None:
        super().__init__()
        self.layer = nn.MultiheadAttention(4, 2, batch_first=True, **settings)
        self.to_others = to_others

    def forward(self, x: Tensor) -> Tensor:
        keys = x[..., : self.layer.kdim].cos() if self.to_others else x
        values = F.pad(x, (0, self.layer.vdim - 4)).exp() if self.to_others else x
        return self.layer(x, keys, values, need_weights=False)[0]


class Tied(nn.Module):
    """An embedding whose table is also the last layer, and a layer that is used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.layer = nn.Embedding(6, 4), nn.Linear(4, 4)

    def forward(self, words: Tensor) -> Tensor:
        return F.linear(self.layer(self.layer(self.embedding(words)).tanh()), self.embedding.weight)


class Transformer(nn.Module):
    """Parameters that are no layer's: a class token, positions, scales, a matrix; learned positions by number."""

    def __init__(self) -> None:
        super().__init__()
        self.token, self.places = nn.Parameter(normal(1, 1, 4)), nn.Parameter(normal(1, 6, 4, seed=1))
        self.scale, self.matrix = nn.Parameter(normal(4, seed=2)), nn.Parameter(normal(4, 3, seed=3))
        self.shift, self.numbered = nn.Parameter(normal(3, seed=4)), nn.Embedding(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat([self.token.expand(len(x), -1, -1), x], 1) + self.places
        x = (x + self.numbered(torch.arange(6))) * self.scale
        x = (x @ self.matrix).sin()
        x += self.shift
        x *= self.shift
        return x


class Masked(nn.Module):
    """A pruned linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(BATCH, BATCH)
        self.register_buffer("mask", (normal(BATCH, BATCH) > 0).double())

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.layer.weight * self.mask, self.layer.bias)


class StraightThrough(nn.Module):
    """A linear layer whose weights are rounded to their signs, as many as a multiple of the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.shifts = nn.Parameter(normal(2 * BATCH, 3)), nn.Parameter(normal(BATCH, 2 * BATCH))

    def forward(self, x: Tensor) -> Tensor:
        rounded = (self.weight.sign() - self.weight).detach() + self.weight
        return F.linear(x, rounded) + (self.shifts + torch.zeros_like(self.shifts)).mean(0)


class Held(nn.Module):
    """Masks of weights that are plain attributes, alone and in a list."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Parameter(normal(BATCH, 3)), nn.Parameter(normal(2 * BATCH, BATCH))
        self.mask, self.masks = (normal(BATCH, 3) > 0).double(), [(normal(2 * BATCH, BATCH) > 0).double()]

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(F.linear(x, self.first * self.mask), self.second * self.masks[0])


class Columns(nn.Module):
    """Examples along the second axis, beside as many rows of weights as there are examples, or twice as many."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Parameter(normal(BATCH, 3)), nn.Parameter(normal(2 * BATCH, BATCH + 1))

    def forward(self, x: Tensor) -> Tensor:
        hidden = (self.first @ x.T).T
        return (self.second @ F.pad(hidden, (0, 1)).T.tanh()).T


class PaddedAtTheEnd(nn.Module):
    """A table whose last row gets no gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(normal(6, 3))

    def forward(self, words: Tensor) -> Tensor:
        return F.embedding(words, self.table, padding_idx=-1)


class Numbers(nn.Module):
    """A temperature and a scale, each a single number."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.temperature = nn.Linear(3, 2), nn.Parameter(torch.tensor(0.3))
        self.scale = nn.Parameter(torch.tensor(0.5))

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x) * self.temperature.exp() + x[:, :2] * self.scale


class SideBySide(nn.Module):
    """Layers that see several rows of each example."""

    def __init__(self) -> None:
        super().__init__()
        self.linear, self.convolution = nn.Linear(3, 4), nn.Conv2d(1, 2, 3)
        self.normalization = nn.GroupNorm(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        rows = self.linear(x.reshape(-1, 3)).reshape(len(x), -1)
        images = self.normalization(self.convolution(x.reshape(len(x) * 2, 1, -1, 3)))
        return torch.cat([rows, images.reshape(len(x), -1)], 1)


class Bilinear(nn.Module):
    """A form of two views of the input."""

    def __init__(self) -> None:
        super().__init__()
        self.form = nn.Bilinear(3, 3, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.form(x, x.cos())


def _convolutions() -> dict[str, tuple[nn.Module, Tensor]]:
    settings: list[dict[str, Any]] = [
        {}, {"stride": 2, "bias": False}, {"padding": 1}, {"dilation": 2}, {"groups": 2},
        {"padding": "same", "padding_mode": "reflect"}, {"padding": "same", "dilation": 2},
        {"stride": 2, "padding": 1, "dilation": 2, "groups": 4},
    ]  # fmt: skip
    back: list[dict[str, Any]] = [
        {}, {"stride": 2}, {"stride": 2, "padding": 1, "output_padding": 1}, {"groups": 2, "dilation": 2},
        {"padding": 1, "output_padding": 1, "dilation": 2},
    ]  # fmt: skip
    plain = (nn.Conv1d, nn.Conv2d, nn.Conv3d), (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
    cases: dict[str, tuple[nn.Module, Tensor]] = {}
    for dims in (1, 2, 3):
        images = normal(BATCH, 4, *(7, 6, 5)[:dims])
        for some in settings:
            cases[f"Conv{dims}d {some}"] = plain[0][dims - 1](4, 8, 2, **some), images
        for some in back:
            cases[f"ConvTranspose{dims}d {some}"] = plain[1][dims - 1](4, 6, 3, **some), images
    cases["Conv2d of few channels"] = nn.Conv2d(2, 3, (3, 2), stride=(2, 1)), normal(BATCH, 2, 7, 6)
    channels_last = normal(BATCH, 4, 7, 6).to(memory_format=torch.channels_last)
    deep: list[dict[str, Any]] = [{"padding": 1}, {"stride": 2, "padding": 2}, {"dilation": 2, "padding": 2}]
    for dims, channels in ((1, 40), (2, 160)):
        few_positions = normal(BATCH, channels, *(4, 3)[:dims])
        for some in deep:
            cases[f"Conv{dims}d of many channels {some}"] = plain[0][dims - 1](channels, 48, 3, **some), few_positions
        cases[f"ConvTranspose{dims}d of many channels"] = plain[1][dims - 1](channels, 48, 2, stride=2), few_positions
    cases["Conv2d channels last"] = nn.Conv2d(4, 6, 3), channels_last
    cases["Conv2d channels last in groups"] = nn.Conv2d(4, 6, 3, groups=2, stride=2, padding=1), channels_last
    of_one = nn.Conv2d(1, 3, 3).to(memory_format=torch.channels_last)
    cases["Conv2d channels last of one channel"] = of_one, channels_last[:, :1].contiguous()
    channels_last_3d = normal(BATCH, 4, 5, 4, 3).to(memory_format=torch.channels_last_3d)
    cases["Conv3d channels last"] = nn.Conv3d(4, 6, 2), channels_last_3d
    return cases


def _recurrent() -> dict[str, tuple[nn.Module, Tensor]]:
    sequences = normal(BATCH, 4, 3)
    cases: dict[str, tuple[nn.Module, Tensor]] = {}
    for kind in (nn.LSTM, nn.GRU, nn.RNN):
        cases[f"{kind.__name__}"] = Recurrent(kind(3, 4, batch_first=True)), sequences
        deep = kind(3, 4, num_layers=2, bidirectional=True, bias=False)
        cases[f"{kind.__name__} deep, both ways, time first"] = Recurrent(deep), sequences
    cases["LSTM projected"] = Recurrent(nn.LSTM(3, 4, 2, proj_size=2, batch_first=True)), sequences
    cases["RNN of ReLU"] = Recurrent(nn.RNN(3, 4, 2, nonlinearity="relu", batch_first=True)), sequences
    for cell in (nn.LSTMCell(3, 4), nn.GRUCell(3, 4, bias=False), nn.RNNCell(3, 4)):
        cases[type(cell).__name__] = Cell(cell), sequences
    return cases


def _others() -> dict[str, tuple[nn.Module, Tensor]]:
    images, sequences, words = normal(BATCH, 4, 3, 3), normal(BATCH, 5, 4), tokens(BATCH, 7)
    in_eval = nn.BatchNorm2d(4).eval()
    in_eval.running_mean, in_eval.running_var = normal(4), normal(4) ** 2 + 0.5
    return {
        "linear": (nn.Sequential(nn.Linear(3, 7), nn.ReLU(inplace=True), nn.Linear(7, 2)), normal(BATCH, 3)),
        "linear over many positions": (nn.Linear(4, 3), normal(BATCH, 9, 4)),
        "linear over few positions": (nn.Linear(30, 20), normal(BATCH, 2, 30)),
        "embedding": (nn.Embedding(6, 3), words),
        "embedding with padding": (nn.Embedding(6, 3, padding_idx=2), words),
        "embedding bag": (nn.EmbeddingBag(6, 3), words),
        "layer norm": (nn.LayerNorm([3, 4]), normal(BATCH, 2, 3, 4)),
        "RMS norm": (nn.RMSNorm(4), sequences),
        "group norm": (nn.GroupNorm(2, 4), images),
        "instance norm": (nn.InstanceNorm2d(4, affine=True), images),
        "batch norm in eval mode": (in_eval, images),
        "attention": (Attention(), sequences),
        "attention without biases": (Attention(bias=False), sequences),
        "attention to others": (Attention(to_others=True, kdim=4, vdim=4), sequences),
        "attention to others of other widths": (Attention(to_others=True, kdim=3, vdim=5), sequences),
        "transformer layer": (nn.TransformerEncoderLayer(4, 2, 8, 0.0, batch_first=True), sequences),
        "tied": (Tied(), words),
        "parameters of their own": (Transformer(), sequences),
        "weight norm": (nn.Sequential(parametrizations.weight_norm(nn.Linear(3, 5)), nn.Tanh()), normal(BATCH, 3)),
        "spectral norm": (parametrizations.spectral_norm(nn.Linear(BATCH, BATCH)).eval(), normal(BATCH, BATCH)),
        "masked": (Masked(), normal(BATCH, BATCH)),
        "straight through": (StraightThrough(), normal(BATCH, 3)),
        "masks that are plain attributes": (Held(), normal(BATCH, 3)),
        "examples as columns": (Columns(), normal(BATCH, 3)),
        "embedding with padding from the end": (PaddedAtTheEnd(), words),
        "single numbers": (Numbers(), normal(BATCH, 3)),
        "rows side by side": (SideBySide(), normal(BATCH, 8, 3)),
        "bilinear": (Bilinear(), normal(BATCH, 3)),
        "PReLU": (nn.PReLU(3), normal(BATCH, 3)),
    }


def every_layer() -> dict[str, tuple[nn.Module, Tensor]]:
    """By name, a network in double precision and inputs."""
    torch.manual_seed(0)
    cases = {**_convolutions(), **_recurrent(), **_others()}
    return {name: (model.double(), inputs) for name, (model, inputs) in cases.items()}
