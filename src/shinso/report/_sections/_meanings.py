"""What each reading of a lens means, in one sentence for someone who sees it for the first time."""

from typing import NamedTuple


class Meaning(NamedTuple):
    """``caption`` says how to read the picture and what would be a bad sign; ``span`` is its range if known."""

    title: str
    caption: str
    span: tuple[float, float] | None = None


MEANINGS = {
    "gradient_norm": Meaning(
        "Gradient flow",
        "Length of the loss’s gradient for each layer, the input side at the top. A bad sign: it fades by orders of "
        "magnitude towards the top (vanishing: early layers do not learn) or flares up (exploding).",
    ),
    "update_ratio": Meaning(
        "Update-to-weight ratio",
        "How far one step moves each layer’s weights, relative to their size; about a thousandth is usual. A bad sign: "
        "a hundredth or more (the learning rate is too high), or under a hundred-thousandth (the layer stands still).",
    ),
    "activation/mean": Meaning(
        "Mean activation",
        "Mean output of each layer. A bad sign: it drifts steadily, or is far from zero compared with its spread.",
    ),
    "activation/variance": Meaning(
        "Activation variance",
        "Spread of each layer’s outputs. A bad sign: it shrinks towards nothing or grows from layer to layer, for then "
        "the signal dies or explodes with depth.",
    ),
    "activation/dead": Meaning(
        "Dead outputs",
        "Share of outputs that are exactly zero; about half is usual for ReLU. A bad sign: a row near 1, a layer that "
        "passes nothing on and gets no gradient.",
        (0.0, 1.0),
    ),
    "activation/saturated": Meaning(
        "Saturated outputs",
        "Share of outputs within 1 % of the bound of their activation (tanh, sigmoid). A bad sign: a row near 1, where "
        "the slope is nearly zero and no gradient comes through.",
        (0.0, 1.0),
    ),
    "per_sample/variance": Meaning(
        "Gradient variance",
        "How much the gradients of single examples differ, for each layer. A bad sign: it grows while the gradient "
        "itself does not, for then steps are mostly noise.",
    ),
    "per_sample/signal_to_noise": Meaning(
        "Signal to noise of the gradient",
        "Length of the mean gradient relative to the spread of the examples’ gradients, for each layer. A bad sign: a "
        "row near zero long before the loss is low: that layer walks at random.",
    ),
    "input_shift/wasserstein": Meaning(
        "Movement of each layer's inputs in one step",
        "Distance between the distributions of a layer’s inputs before and after a step, on the same batch. A bad "
        "sign: deep layers whose inputs move much more than those of the first.",
    ),
    "gradient_shift/cosine": Meaning(
        "Gradient before and after the layers below moved",
        "Cosine between the two: 1 means that the layer’s step was still right after the others had stepped. A bad "
        "sign: near zero or below.",
        (-1.0, 1.0),
    ),
    "propagation/length": Meaning(
        "Signal length by depth",
        "Root mean square of each layer’s output. A bad sign: it falls or grows by a constant factor each layer.",
    ),
    "propagation/correlation": Meaning(
        "Likeness of different examples by depth",
        "Correlation between the signals of different examples. A bad sign: near 1 in deep layers, where all examples "
        "look the same.",
        (-1.0, 1.0),
    ),
    "propagation/gradient": Meaning(
        "Gradient length by depth",
        "Length of the gradient in each layer’s output. A bad sign: it falls or grows by a constant factor.",
    ),
    "spectral_norm": Meaning(
        "Spectral norms",
        "By how much each layer can stretch its input at most. A bad sign: steady growth, for then margins mean less.",
    ),
    "information/input_binned": Meaning(
        "Information on the input",
        "I(X;T) in bits by binning, for each layer. Not to be believed where it is near the logarithm of the number of "
        "examples: then every example looks different, whatever the layer does.",
    ),
    "information/target_binned": Meaning(
        "Information on the target",
        "I(T;Y) in bits by binning, for each layer. Compare the other estimators before believing it.",
    ),
}


def meaning_of(name: str) -> Meaning:
    """The meaning of a series; a general one for a lens this page does not know."""
    if name in MEANINGS:
        return MEANINGS[name]
    words = name.replace("_", " ").replace("/", " · ")
    return Meaning(
        words[:1].upper() + words[1:],
        f"Readings of {name} by layer and step. "
        "A bad sign: a row that goes another way than its neighbours, or a sudden change along a row.",
    )
