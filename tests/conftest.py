"""In tests alone, every shape and type in a signature of shinso is checked at each call, and chance is the same twice.

Each module and each test starts from random numbers of its own, so that it does the same alone and among others. Set
``SHINSO_TEST_SEED`` to try the tests on other numbers, those of Hypothesis included.
"""

import os
import random
import zlib

import numpy as np
import pytest
import torch
from hypothesis import settings
from jaxtyping import install_import_hook

install_import_hook("shinso", "shape_check.checked")

SEED = int(os.environ.get("SHINSO_TEST_SEED", "0"))
settings.register_profile("fixed", deadline=None, derandomize=True)
settings.register_profile("other", deadline=None)
settings.load_profile("other" if SEED else "fixed")


def _start_from(name: str) -> None:
    seed = zlib.crc32(f"{SEED} {name}".encode())
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


@pytest.hookimpl(tryfirst=True)
def pytest_make_collect_report(collector: pytest.Collector) -> None:
    if isinstance(collector, pytest.Module):
        _start_from(collector.nodeid)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    _start_from(item.nodeid)
