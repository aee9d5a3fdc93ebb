"""Published weights, for networks whose layers have other names there."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from shinso.models._layer_order import in_order_of
from shinso.models._stored_layer import Signature, StoredLayer, stored_layers

_MOST_NAMED = 3


def load_weights(model: nn.Module, path: str | Path) -> None:
    """Gives the network the weights in a safetensors file that has its own names, or those of torchvision or timm.

    Foreign names are matched by structure: layer by layer in the order of definition, by names and shapes of their
    tensors, each used exactly once; a shortcut goes to a shortcut, and a linear layer may be stored as the convolution
    that does its work. Values are converted to the network's precision, and nothing is changed unless everything fits.

    Raises ValueError that names what does not fit, and for a damaged file; FileNotFoundError where there is none.
    """
    given = _read(Path(path))
    own = stored_layers(model.state_dict())
    _check(own, given, path)
    matched = _by_name(own, given) or in_order_of(own, given)
    if matched is None:
        raise ValueError(f"{path} has layers as large as this network's, but in other shapes, nesting or numbering")
    state = {
        mine.name_of(name): theirs.tensors[name].reshape(tensor.shape)
        for mine, theirs in zip(own, matched, strict=True)
        for name, tensor in mine.tensors.items()
        if name in theirs.tensors
    }
    model.load_state_dict(state, strict=False)  # a counter of training steps may be missing


def _read(path: Path) -> list[StoredLayer]:
    try:
        tensors = load_file(path)
    except SafetensorError as error:
        message = f"{path} is not a safetensors file, or is damaged: {error}"
        if path.suffix in (".pt", ".pth", ".bin", ".pkl"):
            message += "; pickled weights can run code and are not read: save them with safetensors.torch.save_file"
        raise ValueError(message) from error
    return stored_layers({name: tensors[name] for name in sorted(tensors, key=lambda name: name.rpartition("."))})


def _by_name(own: Sequence[StoredLayer], given: Sequence[StoredLayer]) -> list[StoredLayer] | None:
    by_path = {layer.path: layer for layer in given}
    if all(layer.path in by_path and layer.fits(by_path[layer.path]) for layer in own):
        return [by_path[layer.path] for layer in own]
    return None


def _check(own: Sequence[StoredLayer], given: Sequence[StoredLayer], path: str | Path) -> None:
    lacking, surplus = _difference(own, given), _difference(given, own)
    if not lacking and not surplus:
        return
    _check_classes(own, lacking, surplus, path)
    parts = []
    if lacking:
        parts.append(f"the network has, and the file has not: {_listed(lacking, own, given)}")
    if surplus:
        parts.append(f"the file has, and the network has no place for: {_listed(surplus, given, own)}")
    raise ValueError(f"{path} does not fit this network; " + "; ".join(parts))


def _difference(of: Sequence[StoredLayer], without: Sequence[StoredLayer]) -> "Counter[Signature]":
    """How many layers of each signature there are more in the first than in the second."""
    return Counter(layer.flat_signature for layer in of) - Counter(layer.flat_signature for layer in without)


def _listed(signatures: "Counter[Signature]", layers: Sequence[StoredLayer], others: Sequence[StoredLayer]) -> str:
    """The layers of those signatures; where more have one than are in question, those whose name is not on the other
    side, if these are enough.
    """
    lines = []
    for signature, count in signatures.items():
        alike = [layer for layer in layers if layer.flat_signature == signature]
        elsewhere = {layer.path for layer in others if layer.flat_signature == signature}
        named = [layer for layer in alike if layer.path not in elsewhere]
        if len(alike) == count or len(named) == count:
            lines += [str(layer) for layer in (alike if len(alike) == count else named)]
        else:
            lines.append(f"{count} of {len(alike)} layers like {alike[0]}")
    more = f" and {len(lines) - _MOST_NAMED} more" if len(lines) > _MOST_NAMED else ""
    return ", ".join(lines[:_MOST_NAMED]) + more


def _check_classes(
    own: Sequence[StoredLayer], lacking: "Counter[Signature]", surplus: "Counter[Signature]", path: str | Path
) -> None:
    """A classifier of another number of classes is the most common reason why weights do not fit."""
    classes, stored_classes = _outputs(lacking), _outputs(surplus)
    if classes is None or stored_classes is None or own[-1].flat_signature not in lacking:
        return
    if _inputs(lacking) != _inputs(surplus):
        return
    raise ValueError(
        f"{path} is for {stored_classes} classes, this network for {classes}: build it with "
        f"num_classes={stored_classes}, load the weights, then replace {own[-1].path}"
    )


def _outputs(signatures: "Counter[Signature]") -> int | None:
    """How many outputs all of these layers have, if it is one number."""
    outputs = {shape[0] for signature in signatures for _, shape in signature}
    return outputs.pop() if len(outputs) == 1 else None


def _inputs(signatures: "Counter[Signature]") -> "Counter[tuple[tuple[str, int], ...]]":
    """The layers, but for how many outputs they have."""
    inputs: Counter[tuple[tuple[str, int], ...]] = Counter()
    for signature, count in signatures.items():
        inputs[tuple((name, shape[-1]) for name, shape in signature)] += count
    return inputs
