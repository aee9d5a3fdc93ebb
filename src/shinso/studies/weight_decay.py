"""Weight decay against overfitting (Krogh & Hertz, 1991, NIPS 4; lecture 002, weight decay)."""

from dataclasses import replace

from shinso.studies._outcome import Outcome, claim_of
from shinso.studies._regularization import TEST_LOSS, Cure, compared, few_examples


def weight_decay(
    *,
    data: str = "digits",
    target: str | None = None,
    decays: tuple[float, ...] = (0.0, 1e-3, 1e-2, 3e-2, 1e-1),
    train_share: float = 0.1,
    width: int = 256,
    epochs: int = 100,
    seeds: int = 5,
    jobs: int | None = None,
) -> Outcome:
    """Weight decay makes a network with more weights than examples generalise better.

    Generalisation is the loss on the test part at the end, which overconfidence raises long before accuracy falls. No
    best state is chosen on the way: that would be a cure of its own.

    Args:
        data: Where the examples come from, as in shinso train.
        target: Column to predict, where the data are a table.
        decays: Coefficients λ of the weights' decay; the first is what the others are compared with.
        train_share: Share of the examples that is trained on; the rest is tested.
        width: Units of each of the two hidden layers.
        epochs: Passes over the training examples.
        seeds: Trainings for each coefficient.
        jobs: Trainings at a time; by default one for each core.
    """
    cure = Cure(
        claim=claim_of(weight_decay),
        source="Krogh & Hertz, 1991, NIPS 4; lecture 002, weight decay",
        title="Weight decay on few examples",
        strength="decay of the weights",
        strengths=decays,
        measure=TEST_LOSS,
    )
    recipe = few_examples(data, target, train_share, width, epochs)
    optimizers = (replace(recipe.optimizer, weight_decay=decay) for decay in decays)
    return compared(cure, [replace(recipe, optimizer=optimizer) for optimizer in optimizers], seeds, jobs)
