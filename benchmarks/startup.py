"""What starting costs: ``import shinso`` against ``import torch``, and ``shinso --help``, in fresh processes in turn.

python benchmarks/startup.py [--rounds 9]
"""

import argparse
import statistics
import subprocess
import sys
import time

SIDES = {
    "import torch": [sys.executable, "-c", "import torch"],
    "import shinso": [sys.executable, "-c", "import shinso"],
    "import shinso, all of it": [sys.executable, "-c", "import shinso; shinso.train, shinso.watch, shinso.load_run"],
    "shinso --help": [sys.executable, "-m", "shinso", "--help"],
    "shinso train --help": [sys.executable, "-m", "shinso", "train", "--help"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    seconds: dict[str, list[float]] = {side: [] for side in SIDES}
    for number in range(rounds + 1):
        for side, command in SIDES.items():
            started = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            if number:  # the first round fills the file cache
                seconds[side].append(time.perf_counter() - started)
    base = statistics.median(seconds["import torch"])
    for side, values in seconds.items():
        median = statistics.median(values)
        print(f"{side:26} {median:6.3f} s   ratio to import torch {median / base:5.3f}")


if __name__ == "__main__":
    main()
