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
