"""A record with everything in it, and one with almost nothing."""

from collections.abc import Iterator

import numpy as np
import pytest

from shinso.record import Record

CLASSES = ("cat", "<script>alert('dog')</script>", "x & y")
LAYERS = ("stem", "<b>body</b>", "head")
STEPS = 3000


@pytest.fixture
def empty() -> Iterator[Record]:
    record = Record()
    yield record
    record.close()


@pytest.fixture
def full(empty: Record) -> Record:
    """A classification run that finished, with a hostile class, layer, file and message."""
    rng = np.random.default_rng(0)
    _events(empty)
    _curves(empty, rng)
    _test(empty, rng)
    _lenses(empty, rng)
    return empty


def _events(record: Record) -> None:
    record.event("environment", {"python": "3.12", "cpu": {"name": "<i>fast</i>", "cores": 2}, "gpu": None})
    left_out = {"count": 2, "examples": [{"where": "a<img src=x onerror=alert(1)>.png", "reason": "truncated"}]}
    by_class = {"train": dict.fromkeys(CLASSES, 40), "test": dict.fromkeys(CLASSES, 20)}
    record.event("data", {"source": "images:pets", "examples_by_class": by_class, "left_out": left_out})
    record.event("model", {"name": "resnet", "parameters": 269434})
    for epoch in (1, 2, 3):
        record.event("throughput", {"epoch": epoch, "seconds": 2.0, "examples_per_second": 500.0 + epoch})
    record.event("resume", {"step": 1000})
    finish = {"steps": STEPS, "epochs": 3, "seconds": 192.2, "examples_per_second": 501.5, "best_step": 2000}
    record.event("finish", finish)


def _curves(record: Record, rng: np.random.Generator) -> None:
    loss = np.exp(-np.arange(STEPS) / 500) + rng.gamma(1, 0.1, STEPS)
    loss[1234] = 77.0
    record.series("train/loss", range(1, STEPS + 1), loss.tolist())
    for step in (1000, 2000, 3000):
        record.scalars(step, {"valid/loss": 0.5, "valid/accuracy": 0.9, "train/accuracy": 0.95, "learning_rate": 0.1})


def _test(record: Record, rng: np.random.Generator) -> None:
    confusion = np.array([[18, 2, 0], [0, 20, 0], [1, 0, 19]])
    record.array(STEPS, "test/confusion", confusion, CLASSES)
    record.scalars(STEPS, {"test/accuracy": 57 / 60})
    mistakes = {
        "images": rng.integers(0, 256, (3, 8, 8, 3)).astype(np.uint8),
        "target": np.array([0, 1, 2]),
        "prediction": np.array([1, 0, 0]),
        "probability": np.array([0.93, 0.6, 0.5], np.float32),
        "index": np.array([7, 5, 11]),
    }
    record.arrays(STEPS, {f"test/mistakes/{name}": value for name, value in mistakes.items()})
    record.array(0, "filters/first", rng.normal(size=(4, 1, 3, 3)).astype(np.float32))
    record.array(STEPS, "filters/first", rng.normal(size=(4, 1, 3, 3)).astype(np.float32))


def _lenses(record: Record, rng: np.random.Generator) -> None:
    for step in range(1, STEPS, 100):
        record.array(step, "gradient_norm", 10.0 ** rng.uniform(-6, 0, 3), LAYERS)
        record.array(step, "activation/mean", rng.normal(size=3), LAYERS)
        record.array(step, "activation/dead", rng.uniform(size=3), LAYERS)
        record.array(step, "new_lens", rng.uniform(size=2), ("first", "second"))
        record.scalars(step, {"noise_scale": 3.0})
    record.array(1, "activation/stem/dead", np.array([0.0, 0.5, 1.0, 1.0]))
    record.array(1, "spectrum", rng.uniform(size=(2, 5)))
