"""Checkpoints: whole or absent. A directory is written under a temporary name, flushed to disk, then renamed.

Each holds ``weights.safetensors`` (the last state), ``best.safetensors`` (the best so far) and ``state.pt``
(everything else that a resumed run needs, read with ``weights_only=True``).
"""

import os
import pickle
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

Weights = Mapping[str, Tensor]


@dataclass(frozen=True)
class Checkpoint:
    """A complete checkpoint on disk."""

    path: Path

    @property
    def step(self) -> int:
        """Optimizer steps done when it was written."""
        return self.order[0]

    @property
    def order(self) -> tuple[int, int]:
        """By step; of the same step (an epoch ends there, or a resumed run begins) by which was written later."""
        step, _, repeat = self.path.name.removeprefix("step-").partition(".")
        return int(step), int(repeat or 0)

    def weights(self) -> dict[str, Tensor]:
        """The last state of the model, on the CPU."""
        return self._read("weights.safetensors", load_file)

    def best_weights(self) -> dict[str, Tensor]:
        """The best state of the model so far, on the CPU."""
        return self._read("best.safetensors", load_file)

    def state(self) -> dict[str, Any]:
        """Optimizer, random state and counters; code in the file is refused, not run."""
        return self._read("state.pt", partial(torch.load, weights_only=True, map_location="cpu"))

    def _read(self, name: str, load: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
        file = self.path / name
        try:
            return load(file)
        except (SafetensorError, pickle.UnpicklingError, EOFError, RuntimeError) as error:
            if not file.exists():  # a newer checkpoint has taken its place meanwhile
                raise FileNotFoundError(f"{file} is gone") from error
            message = f"{file} is not a {file.stem} that shinso wrote, or is damaged: {str(error).partition('. ')[0]}"
            raise ValueError(message) from error


def save(directory: Path, step: int, weights: Weights, best: Weights | None, state: Mapping[str, Any]) -> Checkpoint:
    """The new checkpoint; older ones are removed once it is safely on disk.

    ``best=None`` says that the best state has not changed since the previous checkpoint, whose file is then shared.
    Raises OSError when the disk is full, with the previous checkpoint untouched.
    """
    directory.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(directory)
    previous = latest(directory)
    unfinished = directory / f".partial-{step:08d}"
    unfinished.mkdir()
    try:
        save_file(_separate(weights), unfinished / "weights.safetensors")
        if best is not None or previous is None:
            save_file(_separate(weights if best is None else best), unfinished / "best.safetensors")
        else:
            _share(previous.path / "best.safetensors", unfinished / "best.safetensors")
        torch.save(dict(state), unfinished / "state.pt")
        checkpoint = _put_in_place(unfinished, directory / _new_name(step, previous))
    except (SafetensorError, RuntimeError) as error:  # what torch and safetensors make of a full disk
        shutil.rmtree(unfinished, ignore_errors=True)
        raise OSError(str(error).partition("\n")[0]) from error
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    for other in _complete(directory):
        if other != checkpoint:
            shutil.rmtree(other.path)
    return checkpoint


def latest(directory: Path) -> Checkpoint | None:
    """The newest complete checkpoint, None where there is none."""
    return max(_complete(directory), key=lambda checkpoint: checkpoint.order, default=None)


def _complete(directory: Path) -> list[Checkpoint]:
    return [Checkpoint(path) for path in directory.glob("step-*")]


def _new_name(step: int, previous: Checkpoint | None) -> str:
    # A checkpoint is never replaced in place: a process killed between removing and renaming would leave none.
    if previous is None or previous.step != step:
        return f"step-{step:08d}"
    return f"step-{step:08d}.{previous.order[1] + 1}"


def _separate(weights: Weights) -> dict[str, Tensor]:
    # safetensors takes neither strided tensors nor two names for one memory (tied weights).
    seen: set[int] = set()
    separate = {}
    for name, tensor in weights.items():
        tensor = tensor.detach().cpu().contiguous()
        separate[name] = tensor.clone() if tensor.data_ptr() in seen else tensor
        seen.add(tensor.data_ptr())
    return separate


def _share(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without hard links
        shutil.copyfile(source, target)


def _put_in_place(unfinished: Path, final: Path) -> Checkpoint:
    for file in unfinished.iterdir():
        _flush(file)
    _flush(unfinished)
    unfinished.rename(final)
    _flush(final.parent)
    return Checkpoint(final)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_leftovers(directory: Path) -> None:
    for unfinished in directory.glob(".partial-*"):
        shutil.rmtree(unfinished)
