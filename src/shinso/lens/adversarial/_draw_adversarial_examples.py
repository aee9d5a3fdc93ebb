"""The picture of a perturbation: the example, what is added, and what the model then sees."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from shinso.lens.adversarial._adversarial_examples import AdversarialExamples
from shinso.lens.features._sheet import picture_of, signed_picture_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_EXAMPLES = 6


def draw_adversarial_examples(
    examples: AdversarialExamples, figure: "Figure", class_names: Sequence[str] | None = None
) -> None:
    """Draw the first examples of images [batch, channels, height, width], one a column: original, perturbation, sum.

    Perturbations are magnified so that the largest change fills the range of colours; the factor is on the picture.
    """
    count = min(_MOST_EXAMPLES, len(examples.originals))
    axes = figure.subplots(3, count, squeeze=False)
    names = class_names or [str(number) for number in range(int(1 + max(_largest_class(examples), 0)))]
    largest = float(examples.perturbations[:count].abs().max())
    for column in range(count):
        before, after = int(examples.classes_before[column]), int(examples.classes_after[column])
        axes[0, column].imshow(*picture_of(examples.originals[column]))
        axes[0, column].set_title(f"{names[before]}, {float(examples.confidences_before[column]):.0%}")
        axes[1, column].imshow(signed_picture_of(examples.perturbations[column], largest))
        axes[2, column].imshow(*picture_of(examples.perturbed[column]))
        colour = "#c4472b" if after != before else "#20252c"
        axes[2, column].set_title(f"{names[after]}, {float(examples.confidences_after[column]):.0%}", color=colour)
    for panel in axes.flat:
        panel.set(xticks=[], yticks=[])
        panel.grid(visible=False)
        panel.spines[:].set_visible(False)
    for panel, name in zip(
        axes[:, 0], ("original", f"perturbation\n(colours: ± {largest:.2g})", "original +\nperturbation"), strict=True
    ):
        panel.set_ylabel(name, rotation=0, ha="right", va="center")
    figure.suptitle(
        "What the network answers (and how sure it is), before and after the perturbation", x=0.01, ha="left"
    )


def _largest_class(examples: AdversarialExamples) -> float:
    return max(float(examples.classes_before.max()), float(examples.classes_after.max()))
