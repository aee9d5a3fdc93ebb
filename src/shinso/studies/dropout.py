"""Dropout against overfitting (Srivastava et al., 2014, JMLR 15; lecture 002, dropout)."""

from dataclasses import replace

from shinso.studies._outcome import Outcome, claim_of
from shinso.studies._regularization import TEST_ERROR, Cure, compared, few_examples


def dropout(
    *,
    data: str = "digits",
    target: str | None = None,
    ratios: tuple[float, ...] = (0.0, 0.2, 0.5, 0.8),
    train_share: float = 0.1,
    width: int = 512,
    epochs: int = 300,
    seeds: int = 5,
    jobs: int | None = None,
) -> Outcome:
    """Dropping units at random makes a wide network generalise better from few examples.

    Generalisation is the error on the test part at the end, as in the paper. No best state is chosen on the way: that
    would be a cure of its own.

    Args:
        data: Where the examples come from, as in shinso train.
        target: Column to predict, where the data are a table.
        ratios: Shares of hidden units that are dropped; the first is what the others are compared with.
        train_share: Share of the examples that is trained on; the rest is tested.
        width: Units of each of the two hidden layers.
        epochs: Passes over the training examples; dropout needs two to three times as many (section 10 of the paper).
        seeds: Trainings for each ratio.
        jobs: Trainings at a time; by default one for each core.
    """
    cure = Cure(
        claim=claim_of(dropout),
        source="Srivastava et al., 2014, JMLR 15; lecture 002, dropout",
        title="Dropout on few examples",
        strength="share of units dropped",
        strengths=ratios,
        measure=TEST_ERROR,
    )
    recipe = few_examples(data, target, train_share, width, epochs)
    return compared(cure, [replace(recipe, dropout=ratio) for ratio in ratios], seeds, jobs)
