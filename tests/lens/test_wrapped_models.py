"""Models under torch.compile and DistributedDataParallel."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

import shinso
from shinso.lens import ActivationHealth

NAMES = ("0.weight", "0.bias", "2.weight", "2.bias")

# Of torch's own making, while it compiles.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:torch"),
    pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning"),
]


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))


def trained(model: nn.Module, watch: Any) -> dict[str, Tensor]:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    with watch(model, optimizer) as watching:
        for step in range(4):
            inputs = torch.randn(5, 3, generator=torch.Generator().manual_seed(step))
            with watching.step(inputs) if watching else nullcontext():
                optimizer.zero_grad()
                model(inputs).square().mean().backward()
                optimizer.step()
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def test_a_compiled_model_trains_the_same_and_shows_gradients_and_updates() -> None:
    watches = []

    def watch(model: nn.Module, optimizer: torch.optim.Optimizer) -> Any:
        watches.append(shinso.watch(model, optimizer, every=2))
        return watches[-1]

    watched = trained(torch.compile(network(), backend="aot_eager"), watch)
    alone = trained(torch.compile(network(), backend="aot_eager"), lambda *_: nullcontext())
    assert all(torch.equal(watched[name], tensor) for name, tensor in alone.items())
    assert watches[0].record.names() == ("gradient_norm", "update_ratio")
    assert watches[0].readings("gradient_norm").labels == NAMES


def test_activations_of_a_compiled_model_are_refused() -> None:
    compiled, in_place, in_part = torch.compile(network(), backend="eager"), network(), network()
    in_place.compile(backend="eager")
    in_part[2] = torch.compile(in_part[2], backend="eager")
    for model in (compiled, in_place, in_part):
        with pytest.raises(ValueError, match="'activation_health' needs activations, which a compiled model does not"):
            shinso.watch(model, None, [ActivationHealth()])
        assert shinso.watch(model, None).step() is not None


def test_names_are_without_the_wrappers_around_a_part() -> None:
    model = network()
    model[2] = torch.compile(model[2], backend="eager")
    with shinso.watch(model, None) as watch, watch.step():
        model(torch.ones(2, 3)).sum().backward()
    assert watch.readings("gradient_norm").labels == NAMES


@pytest.fixture
def alone_in_a_group(tmp_path: Path) -> Iterator[None]:
    torch.distributed.init_process_group("gloo", f"file://{tmp_path / 'group'}", rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.usefixtures("alone_in_a_group")
def test_a_data_parallel_model_reads_as_the_model_in_it() -> None:
    model = DistributedDataParallel(network())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with shinso.watch(model, optimizer) as watch, watch.step():
        model(torch.ones(2, 3)).sum().backward()
        optimizer.step()
    assert watch.readings("gradient_norm").labels == NAMES
    assert watch.readings("activation/mean").labels == ("0", "1", "2")


@pytest.mark.usefixtures("alone_in_a_group")
def test_a_sharded_model_is_refused() -> None:
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    model = network()
    fully_shard(model, mesh=init_device_mesh("cpu", (1,)))
    with pytest.raises(ValueError, match="are sharded over processes"):
        shinso.watch(model)
