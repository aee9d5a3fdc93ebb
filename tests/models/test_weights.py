"""Published weights by structure: the names and the order of torchvision and timm, and what does not fit."""

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from shinso.models._densenet import densenet121
from shinso.models._layer_order import in_order_of
from shinso.models._mobilenet_v2 import mobilenet_v2_100, mobilenet_v2_small
from shinso.models._nasnet import nasnet_a_small
from shinso.models._resnet_imagenet import resnet18, resnet50
from shinso.models._stored_layer import stored_layers
from shinso.models._vgg import vgg11, vgg16_bn
from shinso.models._weights import load_weights
from shinso.models._xception import xception_small


def named(*modules: tuple[str, nn.Module]) -> nn.Sequential:
    return nn.Sequential(OrderedDict(modules))


def conv(i: int, o: int, k: int, s: int = 1, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(i, o, k, s, k // 2, groups=groups, bias=False)


class Block(nn.Module):
    """Torchvision's residual blocks: all layers by number, the shortcut last."""

    def __init__(self, i: int, width: int, stride: int, expansion: int, shortcut: str) -> None:
        super().__init__()
        o = width * expansion
        shapes = [(i, width, 3, stride), (width, o, 3, 1)]
        if expansion == 4:
            shapes = [(i, width, 1, 1), (width, width, 3, stride), (width, o, 1, 1)]
        for number, shape in enumerate(shapes, start=1):
            self.add_module(f"conv{number}", conv(*shape))
            self.add_module(f"bn{number}", nn.BatchNorm2d(shape[1]))
        self.depth = len(shapes)
        self.shortcut = shortcut
        if stride > 1 or i != o:
            self.add_module(shortcut, nn.Sequential(conv(i, o, 1, stride), nn.BatchNorm2d(o)))

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for number in range(1, self.depth + 1):
            y = self.get_submodule(f"bn{number}")(self.get_submodule(f"conv{number}")(y))
            y = y.relu() if number < self.depth else y
        return (y + (self.get_submodule(self.shortcut)(x) if hasattr(self, self.shortcut) else x)).relu()


def resnet(depths: tuple[int, ...], expansion: int, shortcut: str = "downsample") -> nn.Module:
    stages, i = [], 64
    for number, depth in enumerate(depths, start=1):
        width = 32 * 2**number
        blocks = []
        for n in range(depth):
            blocks.append(Block(i, width, 2 if n == 0 and number > 1 else 1, expansion, shortcut))
            i = width * expansion
        stages.append((f"layer{number}", nn.Sequential(*blocks)))
    stem = (("conv1", conv(3, 64, 7, 2)), ("bn1", nn.BatchNorm2d(64)), ("relu", nn.ReLU()))
    end = (("avgpool", nn.AdaptiveAvgPool2d(1)), ("flatten", nn.Flatten()), ("fc", nn.Linear(i, 1000)))
    return named(*stem, ("maxpool", nn.MaxPool2d(3, 2, 1)), *stages, *end)


def vgg(table: str, *, normalised: bool, as_convolutions: bool = False) -> nn.Module:
    layers: list[nn.Module] = []
    i = 3
    for entry in table.split():
        if entry == "M":
            layers.append(nn.MaxPool2d(2))
            continue
        o = int(entry)
        layers += [nn.Conv2d(i, o, 3, padding=1), *([nn.BatchNorm2d(o)] if normalised else []), nn.ReLU()]
        i = o
    features = ("features", nn.Sequential(*layers))
    if as_convolutions:  # timm
        pre = named(
            ("fc1", nn.Conv2d(512, 4096, 7)),
            ("act1", nn.ReLU()),
            ("fc2", nn.Conv2d(4096, 4096, 1)),
            ("act2", nn.ReLU()),
        )
        head = named(("flatten", nn.Flatten()), ("fc", nn.Linear(4096, 1000)))
        return named(features, ("pre_logits", pre), ("head", head))
    classifier = nn.Sequential(
        nn.Linear(25088, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout()
    ).append(nn.Linear(4096, 1000))
    return named(features, ("flatten", nn.Flatten()), ("classifier", classifier))


class Inverted(nn.Module):
    def __init__(self, i: int, o: int, stride: int, t: int, names: tuple[str, ...] | None) -> None:
        super().__init__()
        w = i * t
        parts: list[tuple[nn.Module, nn.Module, bool]] = []
        if t > 1:
            parts.append((conv(i, w, 1), nn.BatchNorm2d(w), True))
        parts.append((conv(w, w, 3, stride, groups=w), nn.BatchNorm2d(w), True))
        parts.append((conv(w, o, 1), nn.BatchNorm2d(o), False))
        if names is None:  # torchvision
            layers = [nn.Sequential(c, n, nn.ReLU6()) if active else nn.Sequential(c, n) for c, n, active in parts]
            self.conv = nn.Sequential(*layers[:-1], *layers[-1])
        else:
            chosen = names if t > 1 else ("conv_dw", "conv_pw")
            pairs = []
            for number, ((c, n, active), name) in enumerate(zip(parts, chosen, strict=True), start=1):
                pairs += [(name, c), (f"bn{number}", n), *([(f"act{number}", nn.ReLU6())] if active else [])]
            self.conv = named(*pairs)
        self.kept = stride == 1 and i == o

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.kept else self.conv(x)


def mobilenet_v2(*, timm: bool) -> nn.Module:
    names = ("conv_pw", "conv_dw", "conv_pwl") if timm else None
    blocks: list[list[nn.Module]] = []
    i = 32
    rows = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
    for t, o, repeats, stride in rows:
        blocks.append([])
        for n in range(repeats):
            blocks[-1].append(Inverted(i, o, stride if n == 0 else 1, t, names))
            i = o
    pool = (("global_pool", nn.AdaptiveAvgPool2d(1)), ("flatten", nn.Flatten()))
    if timm:
        stem = (("conv_stem", conv(3, 32, 3, 2)), ("bn1", nn.BatchNorm2d(32)), ("act1", nn.ReLU6()))
        stages = nn.Sequential(*(nn.Sequential(*stage) for stage in blocks))
        head = (("conv_head", conv(320, 1280, 1)), ("bn2", nn.BatchNorm2d(1280)), ("act2", nn.ReLU6()))
        return named(*stem, ("blocks", stages), *head, *pool, ("classifier", nn.Linear(1280, 1000)))
    first = nn.Sequential(conv(3, 32, 3, 2), nn.BatchNorm2d(32), nn.ReLU6())
    last = nn.Sequential(conv(320, 1280, 1), nn.BatchNorm2d(1280), nn.ReLU6())
    features = nn.Sequential(first, *(block for stage in blocks for block in stage), last)
    return named(("features", features), *pool, ("classifier", nn.Sequential(nn.Dropout(), nn.Linear(1280, 1000))))


class DenseLayer(nn.Module):
    def __init__(self, i: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(i), conv(i, 128, 1)
        self.norm2, self.conv2 = nn.BatchNorm2d(128), conv(128, 32, 3)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat((x, self.conv2(self.norm2(self.conv1(self.norm1(x).relu())).relu())), 1)


def densenet() -> nn.Module:
    """Torchvision's DenseNet-121, whose names timm has too."""
    layers = [("conv0", conv(3, 64, 7, 2)), ("norm0", nn.BatchNorm2d(64)), ("relu0", nn.ReLU())]
    layers.append(("pool0", nn.MaxPool2d(3, 2, 1)))
    i = 64
    for number, depth in enumerate((6, 12, 24, 16), start=1):
        block = named(*((f"denselayer{n + 1}", DenseLayer(i + 32 * n)) for n in range(depth)))
        layers.append((f"denseblock{number}", block))
        i += 32 * depth
        if number < 4:
            parts = (("norm", nn.BatchNorm2d(i)), ("relu", nn.ReLU()), ("conv", conv(i, i // 2, 1)))
            layers.append((f"transition{number}", named(*parts, ("pool", nn.AvgPool2d(2)))))
            i //= 2
    layers.append(("norm5", nn.BatchNorm2d(i)))
    end = (("relu", nn.ReLU()), ("pool", nn.AdaptiveAvgPool2d(1)), ("flatten", nn.Flatten()))
    return named(("features", named(*layers)), *end, ("classifier", nn.Linear(i, 1000)))


VGG11 = "64 M 128 M 256 256 M 512 512 M 512 512 M"
VGG16 = "64 64 M 128 128 M 256 256 256 M 512 512 512 M 512 512 512 M"

PAIRS: dict[str, tuple[Callable[[], nn.Module], Callable[[], nn.Module]]] = {
    "resnet18": (lambda: resnet((2, 2, 2, 2), 1), resnet18),
    "resnet50": (lambda: resnet((3, 4, 6, 3), 4), resnet50),
    "resnet50, shortcut sorted first": (lambda: resnet((3, 4, 6, 3), 4, "a_shortcut"), resnet50),
    "vgg11": (lambda: vgg(VGG11, normalised=False), vgg11),
    "vgg16_bn, timm": (lambda: vgg(VGG16, normalised=True, as_convolutions=True), vgg16_bn),
    "mobilenet_v2": (lambda: mobilenet_v2(timm=False), mobilenet_v2_100),
    "mobilenet_v2, timm": (lambda: mobilenet_v2(timm=True), mobilenet_v2_100),
    "densenet121": (densenet, densenet121),
}


def with_statistics(model: nn.Module) -> nn.Module:
    """Weights and statistics of which no two are alike."""
    torch.manual_seed(0)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.0)
            nn.init.normal_(module.bias, 0, 0.1)
    return model.eval()


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS.keys())
def test_foreign_names_give_the_same_outputs(
    pair: tuple[Callable[[], nn.Module], Callable[[], nn.Module]], tmp_path: Path
) -> None:
    foreign, own = with_statistics(pair[0]()), pair[1]().eval()
    save_file(foreign.state_dict(), tmp_path / "w.safetensors")
    load_weights(own, tmp_path / "w.safetensors")
    x = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        torch.testing.assert_close(own(x), foreign(x), rtol=1e-4, atol=1e-4)


@pytest.fixture
def own_file(tmp_path: Path) -> Path:
    path = tmp_path / "small.safetensors"
    save_file(with_statistics(mobilenet_v2_small()).state_dict(), path)
    return path


def changed(path: Path, change: Callable[[dict[str, Tensor]], object]) -> Path:
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)
    return path


@pytest.mark.parametrize("function", [mobilenet_v2_small, nasnet_a_small, xception_small])
def test_own_names_are_taken_as_they_are(function: Callable[[], nn.Module], tmp_path: Path) -> None:
    source, target = with_statistics(function()), function()
    save_file(source.state_dict(), tmp_path / "w.safetensors")
    load_weights(target, str(tmp_path / "w.safetensors"))
    for name, tensor in source.state_dict().items():
        assert torch.equal(target.state_dict()[name], tensor), name


@pytest.mark.parametrize("function", [mobilenet_v2_small, xception_small])
def test_each_tensor_is_used_once_in_the_order_of_definition(function: Callable[[], nn.Module]) -> None:
    state = function().state_dict()
    own, given = stored_layers(state), stored_layers({f"model.{name}": tensor for name, tensor in state.items()})
    found = in_order_of(own, sorted(given, key=lambda layer: layer.path))
    assert found is not None
    assert [layer.path.removeprefix("model.") for layer in found] == [layer.path for layer in own]


def test_half_precision_and_missing_step_counters_are_taken(own_file: Path) -> None:
    reference = load_file(own_file)
    halves = {name: t.half() for name, t in reference.items() if not name.endswith("num_batches_tracked")}
    save_file(halves, own_file)
    model = mobilenet_v2_small()
    load_weights(model, own_file)
    assert model.classifier.weight.dtype is torch.float32
    torch.testing.assert_close(model.classifier.weight, reference["classifier.weight"], atol=1e-3, rtol=1e-3)


def refused(path: Path, message: str, model: nn.Module | None = None) -> None:
    """Loading says so, and leaves the network as it was."""
    model = mobilenet_v2_small() if model is None else model
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(ValueError, match=message):
        load_weights(model, path)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_a_missing_tensor_is_named(own_file: Path) -> None:
    path = changed(own_file, lambda tensors: tensors.pop("stage2.1.layers.depthwise.norm.bias"))
    refused(path, r"the file has not: stage2\.1\.layers\.depthwise\.norm \(bias 144.*no place for: stage2\.1\.layers")


def test_a_missing_layer_is_named(own_file: Path) -> None:
    path = changed(own_file, lambda tensors: tensors.pop("stage2.1.layers.expansion.conv.weight"))
    message = r"the network has, and the file has not: stage2\.1\.layers\.expansion\.conv \(weight 144×24×1×1\)$"
    refused(path, message)


def test_an_extra_tensor_is_named(own_file: Path) -> None:
    path = changed(own_file, lambda tensors: tensors.update({"aux.fc.weight": torch.zeros(5, 7)}))
    refused(path, r"network; the file has, and the network has no place for: aux\.fc \(weight 5×7\)$")


def test_another_shape_is_named(own_file: Path) -> None:
    path = changed(own_file, lambda tensors: tensors.update({"stem.conv.weight": torch.zeros(32, 1, 3, 3)}))
    refused(path, r"has not: stem\.conv \(weight 32×3×3×3\); .*no place for: stem\.conv \(weight 32×1×3×3\)$")


def test_another_shape_of_as_many_numbers_is_refused(own_file: Path) -> None:
    path = changed(own_file, lambda tensors: tensors.update({"stem.conv.weight": torch.zeros(32, 27, 1, 1)}))
    refused(path, "layers as large as this network's, but in other shapes, nesting or numbering")


def test_another_number_of_classes_has_its_own_message(own_file: Path) -> None:
    message = r"is for 10 classes, this network for 7: build it with num_classes=10, load .* replace classifier"
    refused(own_file, message, mobilenet_v2_small(num_classes=7))


def test_a_cut_file_is_refused(own_file: Path) -> None:
    own_file.write_bytes(own_file.read_bytes()[:-1000])
    refused(own_file, "is not a safetensors file, or is damaged")


def test_pickles_are_refused_and_not_read(tmp_path: Path) -> None:
    torch.save(mobilenet_v2_small().state_dict(), tmp_path / "w.pth")
    refused(tmp_path / "w.pth", r"not a safetensors file.*pickled weights can run code and are not read")


def test_no_file_is_an_error_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_weights(mobilenet_v2_small(), tmp_path / "none.safetensors")
