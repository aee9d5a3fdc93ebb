"""The command in real processes that start in a moment: forked from a server that has imported torch already."""

import faulthandler
import multiprocessing
import os
import resource
import signal
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["shinso.cli", "shinso.training", "shinso.report", "sklearn.datasets", "tyro", "rich"])


@dataclass
class Command:
    """One running ``shinso``; what it says goes to ``output``."""

    process: ForkServerProcess
    output: Path

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal."""
        assert self.process.pid is not None
        os.kill(self.process.pid, number)

    def status(self, seconds: float = 60) -> int:
        """The exit status; negative for a death by signal, as in ``subprocess``."""
        self.process.join(seconds)
        if self.process.exitcode is None:
            said = self.said()
            self.kill()
            raise TimeoutError(f"shinso still runs after {seconds} s; it said: {said}")
        return self.process.exitcode

    def wait_until(self, condition: Callable[[], object], seconds: float = 30) -> None:
        """Returns once the condition holds, while the command runs."""
        end = time.monotonic() + seconds
        while not condition():
            assert self.process.is_alive(), self.said()
            assert time.monotonic() < end, self.said()
            time.sleep(0.005)

    def said(self) -> str:
        """Standard output and error so far."""
        return self.output.read_text("utf-8")


def start(arguments: Sequence[str], output: Path, largest_file: int | None = None, **environment: str) -> Command:
    """``shinso`` with these arguments; writes beyond ``largest_file`` bytes fail as on a full disk."""
    output.touch()
    process = CONTEXT.Process(target=_main, args=(list(arguments), output, largest_file, environment))
    process.start()
    return Command(process, output)


def finished(arguments: Sequence[str], output: Path) -> str:
    """What a ``shinso`` that succeeds says."""
    command = start(arguments, output)
    assert command.status() == 0, command.said()
    return command.said()


def start_group(arguments: Sequence[str], directory: Path, count: int) -> list[Command]:
    """The same command in ``count`` processes that know of each other, as ``torchrun`` starts them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = {"WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    return [
        start(arguments, directory / f"output-{rank}-{port}.txt", RANK=str(rank), LOCAL_RANK=str(rank), **place)
        for rank in range(count)
    ]


def _main(arguments: list[str], output: Path, largest_file: int | None, environment: dict[str, str]) -> None:
    import torch

    from shinso.cli import main

    torch.set_num_threads(1)
    os.environ.update(environment)
    if largest_file is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
    with output.open("w") as file:
        for descriptor in (1, 2):
            os.dup2(file.fileno(), descriptor)
    faulthandler.dump_traceback_later(45, exit=False)
    raise SystemExit(main(arguments))
