"""Resident memory while a set many times larger than it is read at random: fails when the permitted memory is exceeded.

The set is written as IDX files (random bytes, the label stamped into the first pixel), loaded by `shinso.data.load`,
which packs and maps it, and read in random batches for some epochs. `VmHWM` is the kernel's own record of the peak,
packing included.
"""

import argparse
import os
import struct
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

import shinso.data

SIDE = 224
EXAMPLE_BYTES = SIDE * SIDE
CLASSES = 10
MB = 10**6


def main() -> int:
    arguments = parsed_arguments()
    with tempfile.TemporaryDirectory(dir=arguments.directory) as directory:
        os.environ["SHINSO_CACHE"] = f"{directory}/cache"
        examples = int(arguments.gigabytes * 1e9 / EXAMPLE_BYTES)
        write_idx(Path(directory), examples)
        report("set written")
        data = shinso.data.load(f"idx:{directory}", memory_limit=0)
        report(f"set packed and mapped ({data.summary()['storage']})")
        for epoch in range(arguments.epochs):
            for fraction in read_epoch(data.train, arguments.batch_size):
                report(f"epoch {epoch + 1}, {fraction:4.0%} read")
    return verdict(examples * EXAMPLE_BYTES / MB, arguments.permitted_mb)


def parsed_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--gigabytes", type=float, default=12.0, help="size of the set; twice that is needed on disk")
    parser.add_argument("--permitted-mb", type=float, default=600.0, help="resident memory that is not to be exceeded")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--directory", help="where the set is made and removed again")
    return parser.parse_args()


def write_idx(directory: Path, examples: int) -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, CLASSES, examples, dtype=np.uint8)
    (directory / "train-labels-idx1-ubyte").write_bytes(struct.pack(">HBBI", 0, 8, 1, examples) + labels.tobytes())
    with (directory / "train-images-idx3-ubyte").open("wb") as file:
        file.write(struct.pack(">HBBIII", 0, 8, 3, examples, SIDE, SIDE))
        for chunk in np.array_split(labels, examples // 256 + 1):
            images = np.frombuffer(bytearray(random.bytes(len(chunk) * EXAMPLE_BYTES)), np.uint8)
            images.reshape(len(chunk), -1)[:, 0] = chunk
            file.write(images)


def read_epoch(split: shinso.data.Split, batch_size: int) -> Iterator[float]:
    """One pass in random order; gives the fraction read, at each quarter."""
    batches = torch.randperm(len(split)).split(batch_size)
    for number, index in enumerate(batches, start=1):
        inputs, targets = split.fetch(index)
        if not torch.equal(inputs[:, 0, 0, 0].long(), targets):
            raise RuntimeError(f"batch {number} holds other examples than were asked for")
        if number % (len(batches) // 4 or 1) == 0:
            yield number / len(batches)


def report(event: str) -> None:
    memory = resident()
    shown = "  ".join(f"{name} {memory[name]:6.0f} MB" for name in ("VmRSS", "RssAnon", "RssFile", "VmHWM"))
    print(f"{time.process_time():7.1f} s  {event:32s}{shown}", flush=True)


def resident() -> dict[str, float]:
    """Resident memory of this process, in MB."""
    lines = (line.split() for line in Path("/proc/self/status").read_text().splitlines())
    return {line[0].rstrip(":"): int(line[1]) * 1024 / MB for line in lines if line[-1] == "kB"}


def verdict(set_mb: float, permitted_mb: float) -> int:
    peak = resident()["VmHWM"]
    ratio = set_mb / permitted_mb
    print(f"set {set_mb:.0f} MB, {ratio:.1f} times the permitted {permitted_mb:.0f} MB; peak {peak:.0f} MB")
    if peak > permitted_mb:
        print(f"failed: the peak is over the permitted {permitted_mb:.0f} MB", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
