"""The randomization test (Zhang et al., 2017, arXiv 1611.03530, figure 1 and table 1; lecture 003, figures 8 and 9)."""

from functools import partial
from typing import TYPE_CHECKING

from shinso.recipe import SGD, Augment, Recipe, Split
from shinso.studies._interval import Interval, mean_interval
from shinso.studies._outcome import Outcome, Table, Verdict, claim_of
from shinso.studies._side_by_side import side_by_side

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from shinso.training import RandomizedTraining

_TRUE, _RANDOM = "true labels", "random labels"
_NEAR_CHANCE = 0.1
_SMALL_FACTOR = 10.0


def random_labels(
    *,
    data: str = "digits",
    target: str | None = None,
    epochs: int = 100,
    fitted_at: float = 0.99,
    seeds: int = 5,
    jobs: int | None = None,
    full: bool = False,
) -> Outcome:
    """Networks fit random labels and random pixels, where nothing is to be learned, in a few times the steps.

    It holds if every training reaches the accuracy ``fitted_at`` on its training part, if networks with random labels
    are within 10 points of chance on the test part, with chance inside the interval, and if fitting those takes more
    steps than fitting true labels, but not ten times as many (intervals of 95 %). Chance has to be given such room
    since one network's accuracy scatters by several points: like images get like answers, all right or all wrong.

    Shuffled pixels are one new order for all images, random pixels one for each image, which leaves how many there are
    of each brightness. No weight decay, no augmentation, no dropout.

    Args:
        data: Where the examples come from, as in shinso train.
        target: Column to predict, where the data are a table.
        epochs: Passes over the training examples, the same for all.
        fitted_at: Accuracy on the training part at which it counts as fitted.
        seeds: Trainings for each corruption.
        jobs: Trainings at a time; by default one for each core.
        full: The perceptron of three layers of 512 units as published, instead of one layer.
    """
    from shinso.training import CORRUPTIONS

    recipe = _recipe(data, target, epochs, full)
    found = side_by_side(partial(_randomized, recipe, fitted_at), list(CORRUPTIONS), seeds, jobs=jobs)
    by_corruption = dict(zip(CORRUPTIONS, found, strict=True))
    classes = _classes(recipe)
    rows = [_row(name, trainings, by_corruption[_TRUE]) for name, trainings in by_corruption.items()]
    layers = "three layers of 512 units" if full else "one layer of 512 units"
    header = ("corruption", "training accuracy, %", "test accuracy, %", "steps to fit", "times those of true labels")
    return Outcome(
        claim=claim_of(random_labels),
        source="Zhang et al., 2017, arXiv 1611.03530, figure 1 and table 1; lecture 003, section 2.3, figures 8 and 9",
        tables=[Table(f"{data}, {layers}, {seeds} seeds, means with 95 % intervals", header, rows)],
        verdict=_verdict(by_corruption, classes, fitted_at),
        draw=partial(_draw, by_corruption, fitted_at),
    )


def _recipe(data: str, target: str | None, epochs: int, full: bool) -> Recipe:
    return Recipe(
        data=data,
        target=target,
        model="mlp",
        model_options={"width": 512, "hidden_layers": 3 if full else 1},
        epochs=epochs,
        optimizer=SGD(learning_rate=0.1, weight_decay=0.0),
        augment=Augment(crop=0, flip=False, warp=0, mixup=0),
        split=Split(valid=0.0, test=0.2),
    )


def _randomized(recipe: Recipe, fitted_at: float, name: str, seed: int) -> "RandomizedTraining":
    from dataclasses import replace

    from shinso.training import CORRUPTIONS, randomization_test

    corruptions = {name: CORRUPTIONS[name]}
    seeded = replace(recipe, seed=seed)
    test = randomization_test(seeded, corruptions=corruptions, fitted_at=fitted_at, progress=False)
    return test.trainings[0]


def _classes(recipe: Recipe) -> int:
    from shinso.training import load_data

    return len(load_data(recipe).classes or ())


def _times(trainings: "list[RandomizedTraining]", true: "list[RandomizedTraining]") -> Interval | None:
    """Steps to fit, relative to those of true labels with the same seed; None where some never fitted."""
    pairs = [(training.steps_to_fit, one.steps_to_fit) for training, one in zip(trainings, true, strict=True)]
    ratios = [steps / of_true for steps, of_true in pairs if steps is not None and of_true is not None]
    return mean_interval(ratios) if len(ratios) == len(pairs) else None


def _row(name: str, trainings: "list[RandomizedTraining]", true: "list[RandomizedTraining]") -> tuple[str, ...]:
    steps = [training.steps_to_fit for training in trainings if training.steps_to_fit is not None]
    times = _times(trainings, true)
    return (
        name,
        mean_interval([training.final_accuracy for training in trainings]).percent(),
        mean_interval([training.test_accuracy for training in trainings]).percent(),
        f"{mean_interval(steps).mean:.0f}" if len(steps) == len(trainings) else f"{len(steps)} of {len(trainings)} fit",
        "" if times is None else str(times),
    )


def _verdict(by_corruption: "dict[str, list[RandomizedTraining]]", classes: int, fitted_at: float) -> Verdict:
    total = [training for trainings in by_corruption.values() for training in trainings]
    fitted = [training for training in total if training.steps_to_fit is not None]
    tested = mean_interval([training.test_accuracy for training in by_corruption[_RANDOM]])
    times = _times(by_corruption[_RANDOM], by_corruption[_TRUE])
    chance = 1 / classes
    is_chance = chance - _NEAR_CHANCE <= tested.low <= chance <= tested.high <= chance + _NEAR_CHANCE
    is_some = times is not None and times.low > 1 and times.high < _SMALL_FACTOR
    took = "an unknown multiple of" if times is None else f"{times} times"
    because = (
        f"{len(fitted)} of {len(total)} trainings reach {fitted_at:.0%} of their training labels; networks with random "
        f"labels are right in {tested.percent()} % of the test part, where chance is {100 * chance:.1f} %, after "
        f"{took} the steps that true labels take"
    )
    return Verdict(len(fitted) == len(total) and is_chance and is_some, because)


def _draw(by_corruption: "dict[str, list[RandomizedTraining]]", fitted_at: float, figure: "Figure") -> None:
    from shinso.training import RandomizationTest, draw_randomization

    every = tuple(training for trainings in by_corruption.values() for training in trainings)
    figure.set_size_inches(10, 4.5)
    draw_randomization(RandomizationTest(every, fitted_at), figure)
    figure.axes[0].set_xscale("log")
