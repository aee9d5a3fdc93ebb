"""Batch normalisation over two processes is torch's over the whole batch: values, gradients and running statistics."""

import os
import socket
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import forked

SHAPES = {nn.BatchNorm1d: (8, 3), nn.BatchNorm2d: (8, 3, 5, 4), nn.BatchNorm3d: (4, 3, 2, 3, 2)}


def layer(kind: type[nn.Module], **options: object) -> nn.Module:
    torch.manual_seed(0)
    made = kind(3, **options).double()
    for parameter in made.parameters():
        nn.init.uniform_(parameter, 0.5, 2.0)
    return made


def batches(kind: type[nn.Module]) -> list[tuple[Tensor, Tensor]]:
    """Inputs far from zero, and the gradients that come back."""
    generator = torch.Generator().manual_seed(1)
    shape = SHAPES[kind]
    return [
        (
            torch.randn(shape, generator=generator, dtype=torch.float64) * 3 + 50,
            torch.randn(shape, generator=generator, dtype=torch.float64),
        )
        for _ in range(3)
    ]


def passed(network: nn.Module, x: Tensor, gradient: Tensor) -> list[Tensor]:
    x = x.clone().requires_grad_()
    y = network(x)
    network.zero_grad()
    y.backward(gradient)
    assert x.grad is not None
    return [y.detach(), x.grad]


def _half(rank: int, port: int, kind: type[nn.Module], options: dict[str, object], path: Path) -> None:
    import torch.distributed as dist

    from shinso.training._synchronized_batch_norm import synchronized

    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    dist.init_process_group("gloo", rank=rank, world_size=2)
    network = synchronized(layer(kind, **options))
    results = []
    for x, gradient in batches(kind):
        part = slice(rank * len(x) // 2, (rank + 1) * len(x) // 2)
        results += passed(network, x[part], gradient[part])
        for parameter in network.parameters():  # what DDP does, as a sum
            assert parameter.grad is not None
            dist.all_reduce(parameter.grad)
            results.append(parameter.grad.clone())
        results += [buffer.clone() for buffer in network.buffers()]
    results.append(network.eval()(batches(kind)[0][0]).detach())
    torch.save(results, path)
    dist.destroy_process_group()


@pytest.mark.parametrize(
    "options", [{}, {"affine": False}, {"momentum": None}, {"track_running_stats": False}], ids=str
)
@pytest.mark.parametrize("kind", SHAPES, ids=lambda kind: kind.__name__)
def test_halves_are_the_whole(kind: type[nn.Module], options: dict[str, object], tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes = [
        forked.CONTEXT.Process(target=_half, args=(rank, port, kind, options, tmp_path / f"{rank}.pt"))
        for rank in range(2)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    halves = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2)]
    whole = layer(kind, **options)
    position = 0
    for x, gradient in batches(kind):
        for expected in passed(whole, x, gradient):
            found = torch.cat([half[position] for half in halves])
            torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)
            position += 1
        shared = [p.grad for p in whole.parameters()] + list(whole.buffers())
        for expected in shared:
            for half in halves:
                torch.testing.assert_close(half[position], expected, rtol=1e-9, atol=1e-9)
            position += 1
    expected = whole.eval()(batches(kind)[0][0]).detach()
    for half in halves:
        torch.testing.assert_close(half[position], expected, rtol=1e-9, atol=1e-9)
