"""The recipe: there and back through TOML, and clear words about what makes no sense."""

import dataclasses
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shinso.recipe import (
    OPTIMIZERS,
    SCHEDULES,
    SGD,
    Adagrad,
    Adam,
    AdamW,
    Augment,
    Constant,
    Cosine,
    OneCycle,
    Recipe,
    RMSprop,
    Split,
    Step,
    parse_duration,
)

positive = st.floats(1e-9, 1e6)
share = st.floats(0, 1)
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
optimizers = st.one_of(
    st.builds(SGD, learning_rate=positive, momentum=share, nesterov=st.booleans(), weight_decay=share),
    st.builds(Adam, learning_rate=positive, betas=st.tuples(share, share), epsilon=positive),
    st.builds(AdamW, learning_rate=positive, betas=st.tuples(share, share), weight_decay=share),
    st.builds(RMSprop, learning_rate=positive, smoothing=share, momentum=share),
    st.builds(Adagrad, learning_rate=positive, weight_decay=share),
)
schedules = st.one_of(
    st.builds(OneCycle, warmup=share, start=share, final=share),
    st.builds(Cosine, warmup=share, final=share),
    st.builds(Step, milestones=st.lists(share, max_size=4).map(tuple), factor=positive, warmup=share),
    st.builds(Constant, warmup=share),
)
recipes = st.builds(
    Recipe,
    data=text,
    target=st.none() | text,
    bad_files=st.sampled_from(["fail", "skip"]),
    split=st.builds(Split, valid=share, test=share, seed=st.integers(-5, 2**40)),
    model=text,
    model_options=st.dictionaries(
        text, st.integers(-9, 2**40) | st.floats(allow_nan=False) | st.booleans() | text, max_size=3
    ),
    optimizer=optimizers,
    schedule=schedules,
    epochs=st.integers(1, 9999),
    budget=st.none() | st.sampled_from(["90s", "1.5min", "2h"]),
    augment=st.builds(
        Augment,
        crop=st.none() | st.integers(0, 9),
        warp=st.none() | share,
        flip=st.none() | st.booleans(),
        mixup=st.none() | share,
    ),
    patience=st.none() | st.integers(1, 9),
    clip_norm=positive | st.just(math.inf),
    compile=st.booleans(),
    seed=st.integers(0, 2**60),
)


@given(recipes)
@settings(max_examples=150, deadline=None)
def test_recipe_comes_back_from_toml(recipe: Recipe) -> None:
    assert Recipe.from_toml(recipe.to_toml()) == recipe


def test_file_and_default(tmp_path: Any) -> None:
    (tmp_path / "recipe.toml").write_text(
        'epochs = 3\n[optimizer]\nname = "adam"\nlearning_rate = 1\n', encoding="utf-8"
    )
    assert Recipe.load(tmp_path / "recipe.toml") == Recipe(epochs=3, optimizer=Adam(learning_rate=1.0))
    assert Recipe.from_toml("") == Recipe()


@pytest.mark.parametrize(("kinds", "key"), [(OPTIMIZERS, "optimizer"), (SCHEDULES, "schedule")])
def test_every_optimizer_and_schedule_can_be_named(kinds: dict[str, type], key: str) -> None:
    for name, kind in kinds.items():
        assert getattr(Recipe.from_toml(f'[{key}]\nname = "{name}"'), key) == kind()


def test_recipe_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Recipe().epochs = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("epoch = 3", "the recipe has no field epoch; there are: .*epochs"),
        ("[augment]\nmixxup = 1", r"the recipe has no field augment\.mixxup; there are: crop, flip"),
        (
            '[optimizer]\nname = "sgd"\nbetas = [0.9, 0.99]',
            r"the recipe has no field optimizer\.betas; there are: learning_rate",
        ),
        ('[optimizer]\nname = "lion"', "optimizer.name must be one of sgd, adam, adamw, rmsprop, adagrad; got 'lion'"),
        ("[schedule]\nwarmup = 0.1", "schedule.name must be one of .*onecycle.*; got '?None"),
        ("epochs = ", "the recipe is not valid TOML: "),
        ('epochs = "ten"', "epochs must be a whole number; got 'ten'"),
        ("epochs = 1.5", "epochs must be a whole number; got 1.5"),
        ("epochs = true", "epochs must be a whole number; got True"),
        ("compile = 1", "compile must be true or false; got 1"),
        ("data = 3", "data must be a text; got 3"),
        ('precision = "float16"', "precision must be 'float32' or 'bfloat16'; got 'float16'"),
        ('optimizer = "adam"', "optimizer must be .*; got 'adam'"),
        ("split = 0.1", "split must be a Split; got 0.1"),
        ('[split]\nvalid = "much"', r"split\.valid must be a number; got 'much'"),
        ('[optimizer]\nname = "adam"\nbetas = [0.9]', r"optimizer\.betas must be a list of 2 numbers; got \(0\.9,\)"),
        (
            '[schedule]\nname = "step"\nmilestones = ["a"]',
            r"schedule\.milestones must be a list of numbers; got \('a',\)",
        ),
        ("[model_options]\ndepth = [1]", "model_options must be a table; got "),
        ("[epochs]\nnumber = 3", "epochs must be a whole number; got "),
        ('patience = "three"', "patience must be a whole number or left out; got 'three'"),
    ],
)
def test_toml_that_makes_no_sense_is_explained(toml: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Recipe.from_toml(toml)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "epochs must be at least 1; got 0"),
        ({"epochs": "ten"}, "epochs must be a whole number; got 'ten'"),
        ({"batch_size": -1}, "batch_size must be at least 1; got -1"),
        ({"lens_every": 0}, "lens_every must be at least 1; got 0"),
        ({"batch_size": 64, "accumulate": 3}, "batch_size 64 cannot be computed in 3 equal pieces"),
        ({"dropout": 1.0}, "dropout is a probability from 0 to below 1; got 1.0"),
        ({"label_smoothing": -0.1}, "label_smoothing is a probability from 0 to below 1; got -0.1"),
        ({"clip_norm": 0.0}, "clip_norm must be positive"),
        ({"optimizer": SGD(learning_rate=0.0)}, "optimizer.learning_rate must be positive; got 0.0"),
        ({"augment": Augment(mixup=-1.0)}, "augment.mixup must be 0"),
        ({"augment": Augment(crop=-1)}, "augment.crop must be 0"),
        ({"patience": 0}, "patience must be at least 1"),
        ({"schedule": Cosine(warmup=1.5)}, "schedule.warmup is a share of the training, from 0 to 1; got 1.5"),
        ({"budget": "soon"}, "a budget is a time such as 90s, 30min or 2h; got 'soon'"),
        ({"budget": "0s"}, "a budget is a time"),
    ],
)
def test_values_that_make_no_sense_are_explained(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Recipe(**changes)


@pytest.mark.parametrize(
    ("written", "seconds"), [("90s", 90), ("1.5min", 90), ("2h", 7200), ("30 min", 1800), (" 5 sec ", 5), ("3m", 180)]
)
def test_duration_in_seconds(written: str, seconds: float) -> None:
    assert parse_duration(written) == seconds
    assert Recipe(budget=written).budget_seconds == seconds


@pytest.mark.parametrize("written", ["", "90", "-1s", "1e3s", "2 days", "s", "1,5h"])
def test_text_that_is_no_duration_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="a budget is a time such as 90s, 30min or 2h"):
        parse_duration(written)


def test_no_budget_is_none() -> None:
    assert Recipe().budget_seconds is None
