"""Programs in files: read with their modules and weights, and never run as code."""

import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from shinso.graph import trace
from shinso.graph.exported import load_exported


class Touch:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def network() -> nn.Module:
    torch.manual_seed(0)
    block = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU())
    return nn.Sequential(block, nn.Flatten(), nn.Linear(2 * 36, 3)).eval()


def exported(path: Path, **options: Any) -> tuple[nn.Module, torch.Tensor]:
    model, x = network(), torch.randn(2, 1, 8, 8)
    torch.export.save(torch.export.export(model, (x,), **options), path)
    return model, x


def rewritten(path: Path, entry: str, content: bytes) -> None:
    """The archive with another content for the first entry whose name ends so."""
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    target = next(name for name in contents if name.endswith(entry))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, old in contents.items():
            archive.writestr(name, content if name == target else old)


@pytest.mark.parametrize("options", [{}, {"dynamic_shapes": ({0: torch.export.Dim("batch")},)}])
def test_a_program_is_traced_with_its_modules_and_weights(tmp_path: Path, options: dict[str, Any]) -> None:
    model, x = exported(tmp_path / "net.pt2", **options)
    graph = trace(load_exported(tmp_path / "net.pt2"), x)
    modules = {node.name: node.module for node in graph.operations}
    assert modules["conv2d"] == "0.0"
    assert modules["linear"] == "2"
    torch.testing.assert_close(graph.evaluate()[graph.outputs[0]], model(x).detach())


def test_code_in_a_file_is_not_run(tmp_path: Path) -> None:
    exported(tmp_path / "net.pt2")
    torch.save(Touch(tmp_path / "touched"), tmp_path / "evil.pt")
    rewritten(tmp_path / "net.pt2", "sample_inputs/model.pt", (tmp_path / "evil.pt").read_bytes())
    load = torch.load
    with pytest.raises(ValueError, match=r"net\.pt2 holds Python objects besides tensors, which could run code"):
        load_exported(tmp_path / "net.pt2")
    assert not (tmp_path / "touched").exists()
    assert torch.load is load
    pickle.loads(pickle.dumps(Touch(tmp_path / "touched")))  # it would have been made
    assert (tmp_path / "touched").exists()


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"there is no file .*missing\.pt2"):
        load_exported(tmp_path / "missing.pt2")
    (tmp_path / "text.pt2").write_text("hello")
    with pytest.raises(ValueError, match=r"text\.pt2 is no program written by torch\.export\.save, or only a part"):
        load_exported(tmp_path / "text.pt2")
