import math

import numpy as np
import pytest
import torch
from torch import nn

from shinso.recipe import SGD, Recipe
from shinso.studies import Trial, trained

QUICK = Recipe(model="mlp", model_options={"width": 16}, epochs=2)


def linear(*, num_classes: int, input_shape: tuple[int, ...]) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(math.prod(input_shape), num_classes))


def test_each_trial_is_trained_with_each_seed() -> None:
    results = trained([Trial(QUICK), Trial(QUICK, linear)], seeds=2, jobs=1)
    assert [len(runs) for runs in results] == [2, 2]
    accuracies = [run.accuracy for runs in results for run in runs]
    assert len(set(accuracies)) > 1
    assert all(0.2 < accuracy <= 1 for accuracy in accuracies)
    steps, values = results[0][0].curves["valid/accuracy"]
    assert len(steps) == len(values) == 2


def test_a_trial_is_what_shinso_train_gives(tmp_path_factory: pytest.TempPathFactory) -> None:
    import shinso

    (runs,) = trained([Trial(QUICK)], seeds=1, jobs=1)
    before = torch.get_num_threads()
    run = shinso.train(recipe=QUICK, lenses=(), to=tmp_path_factory.mktemp("runs") / "run", progress=False)
    assert torch.get_num_threads() == before
    assert runs[0].accuracy == run.summary["test/accuracy"]
    np.testing.assert_allclose(runs[0].curves["train/loss"][1], run.readings("train/loss").values, rtol=1e-4)


def test_processes_side_by_side_give_the_same() -> None:
    alone, together = (trained([Trial(QUICK, linear)], seeds=2, jobs=jobs) for jobs in (1, 2))
    assert [run.accuracy for run in alone[0]] == [run.accuracy for run in together[0]]


def test_what_diverges_classifies_nothing() -> None:
    wild = Recipe(model="mlp", epochs=3, clip_norm=math.inf, optimizer=SGD(learning_rate=1e6))
    ((run,),) = trained([Trial(wild)], seeds=1, jobs=1)
    assert run.accuracy == 0.0
    assert "train/loss" in run.curves


def test_what_cannot_be_a_study(tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(ValueError, match="at least one seed and one setting; got 0"):
        trained([Trial(QUICK)], seeds=0)
    table = tmp_path_factory.mktemp("data") / "table.csv"
    table.write_text("a,b\n" + "\n".join(f"{n},{n / 7 + 0.01}" for n in range(50)))
    with pytest.raises(ValueError, match=r"needs classes to tell apart, but the targets of .* are numbers"):
        trained([Trial(Recipe(data=f"csv:{table}", target="b", model="mlp"))], seeds=1, jobs=1)
