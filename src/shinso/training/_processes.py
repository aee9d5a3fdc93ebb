"""One process or several: who this one is, and how it agrees with the others. Several are started by ``torchrun``."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn

from shinso.run import RunError
from shinso.training._synchronized_batch_norm import synchronized


@dataclass(frozen=True)
class Processes:
    """This process among ``count`` equals, computing on ``device``."""

    rank: int
    count: int
    device: torch.device

    @property
    def is_first(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank == 0

    def agree(self, values: Sequence[float]) -> list[float]:
        """The largest of each value over all processes: the same list everywhere."""
        if self.count == 1:
            return list(values)
        shared = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(shared, dist.ReduceOp.MAX)
        return shared.tolist()

    def mean(self, values: Tensor) -> Tensor:
        """The mean over all processes."""
        if self.count > 1:
            values = values.clone()
            dist.all_reduce(values)
            values /= self.count
        return values

    def gather(self, share: Tensor) -> Tensor:
        """The shares of all processes one after the other, ``[processes * batch, ...]``."""
        if self.count == 1:
            return share
        shares = [torch.empty_like(share) for _ in range(self.count)]
        dist.all_gather(shares, share.contiguous())
        return torch.cat(shares)

    def replicated(self, model: nn.Module) -> nn.Module:
        """The model with gradients averaged over processes after each backward pass (DDP)."""
        if self.count == 1:
            return model
        return nn.parallel.DistributedDataParallel(
            synchronized(model), device_ids=[self.device] if self.device.type == "cuda" else None
        )

    def sharded(self, model: nn.Module) -> nn.Module:
        """The model with weights, gradients and optimizer state divided over processes (FSDP2)."""
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import fully_shard

        if self.count == 1:
            raise ValueError(
                "--shard divides a model over processes: start it with torchrun --nproc-per-node 2 -m shinso train"
            )
        mesh = init_device_mesh(self.device.type, (self.count,))
        synchronized(model)
        for child in model.children():
            if any(True for _ in child.parameters()):
                fully_shard(child, mesh=mesh)
        fully_shard(model, mesh=mesh)
        return model

    @contextmanager
    def together(self, run_path: Path) -> Iterator[None]:
        """Says that another process is gone where a message to it fails."""
        try:
            yield
        except RuntimeError as error:
            if self.count == 1 or not (isinstance(error, dist.DistError) or "gloo" in str(error)):
                raise
            raise RunError(
                f"another process of this training is gone. All that was recorded and the last checkpoint are kept; "
                "continue with any number of processes: torchrun --nproc-per-node N -m shinso train "
                f"--resume {run_path}"
            ) from error

    def close(self) -> None:
        """Leave the group."""
        if self.count > 1 and dist.is_initialized():
            dist.destroy_process_group()


def join(device: str) -> Processes:
    """This process's place, from the variables that ``torchrun`` sets; alone without them.

    ``device`` is a torch device or ``auto``. Raises ValueError for a device that is not there.
    """
    rank, count, local = (int(os.environ.get(name, default)) for name, default in _TORCHRUN)
    chosen = _device(device, local)
    if count > 1 and not dist.is_initialized():
        if chosen.type == "cuda":
            torch.cuda.set_device(chosen)
        dist.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
    return Processes(rank, count, chosen)


_TORCHRUN = (("RANK", "0"), ("WORLD_SIZE", "1"), ("LOCAL_RANK", "0"))


def _device(name: str, local_rank: int) -> torch.device:
    if name == "auto":
        return torch.device("cuda", local_rank) if torch.cuda.is_available() else torch.device("cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ValueError(f"device must be auto, cpu, cuda or cuda:N; got {name!r}") from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ValueError(
            f"there is no device {name}: torch sees {torch.cuda.device_count()} CUDA devices; use --device auto"
        )
    return torch.device("cuda", local_rank) if name == "cuda" else device
