"""Where a training ran: versions, machine, device."""

import os
import platform
from pathlib import Path
from typing import Any

import torch

from shinso._version import __version__


def environment(device: torch.device, processes: int) -> dict[str, Any]:
    """Versions and hardware, ready for JSON."""
    return {
        "shinso": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else str(device),
        "processes": processes,
    }


def peak_memory_mib() -> float:
    """The largest resident memory of this process so far, in MiB."""
    import resource
    import sys

    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
