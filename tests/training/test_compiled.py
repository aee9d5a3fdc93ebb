"""A recipe with ``compile``: the same training, through torch.compile."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import shinso
from shinso.recipe import SGD, Recipe


@pytest.mark.skipif(not any(map(shutil.which, ("c++", "g++", "clang++"))), reason="torch.compile needs a C++ compiler")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_compiled_network_learns_as_the_eager_one(tmp_path: Path) -> None:
    options = {"epochs": 2, "model": "mlp", "model_options": {"width": 16}, "optimizer": SGD(learning_rate=0.05)}
    eager, compiled = (
        shinso.train(recipe=Recipe(**options, compile=compile), to=tmp_path / str(compile), progress=False)  # type: ignore[arg-type]
        for compile in (False, True)
    )
    losses = [run.readings("train/loss").values for run in (eager, compiled)]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-3)
    assert eager.weights().keys() == compiled.weights().keys()
    assert "gradient_norm" in compiled.names()
    assert "activation/mean" not in compiled.names()
