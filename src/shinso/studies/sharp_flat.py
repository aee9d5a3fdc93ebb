"""Sharp and flat minima (Keskar et al., 2017, arXiv 1609.04836; Dinh et al., 2017, arXiv 1703.04933; lecture 001)."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from shinso._picture import COLOURS, QUIET, band
from shinso.studies._interval import mean_interval
from shinso.studies._outcome import Outcome, Table, Verdict, claim_of
from shinso.studies._ratio import mean_ratio
from shinso.studies._sharp_minima import Pair, Setting, pair_of
from shinso.studies._side_by_side import side_by_side

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SAME = 0.01
"""Relative change of a measure that counts as none."""


def sharp_flat(
    *,
    data: str = "digits",
    target: str | None = None,
    train_share: float = 0.5,
    width: int = 64,
    hidden_layers: int = 2,
    learning_rate: float = 0.1,
    small_batch: int = 8,
    large_share: float = 0.5,
    loss: float = 0.002,
    max_epochs: int = 20_000,
    factors: tuple[float, ...] = (1.0, 3.0, 10.0, 30.0),
    seeds: int = 5,
    jobs: int | None = None,
    full: bool = False,
) -> Outcome:
    """Large batches end in sharper minima, but rescaling two layers turns that ranking round and changes no output.

    Each seed trains one network with small and one with large batches, from the same weights by the same rate, to the
    same training loss. It holds if ε-sharpness is larger for large batches (ratio above 1 by its 95 % interval), if for
    some factor it is larger for the rescaled network of the small batches (below 1 likewise), and if the
    filter-normalised sharpness of that network changes by less than 1 % under every rescaling.

    Args:
        data: Where the examples come from, as in shinso train.
        target: Column to predict, where the data are a table.
        train_share: Share of the examples that is trained on; the rest is tested.
        width: Units of each hidden layer.
        hidden_layers: At least two: the second is divided by what the first is multiplied with.
        learning_rate: Of plain descent, the same for both.
        small_batch: Examples in a small batch.
        large_share: Share of the training examples in a large batch.
        loss: Mean training loss at which a training ends. Ten times the default is not yet a minimum: there ε-sharpness
            is mostly of the gradient that is left, and does not tell the two apart.
        max_epochs: Passes after which a training ends in any case.
        factors: What the first layer is multiplied with; the first is 1.
        seeds: Pairs of trainings.
        jobs: Pairs at a time; by default one for each core.
        full: Five layers of 512 units, batches of 256 and a tenth of the data, as published.
    """
    if hidden_layers < 2 or len(factors) < 2 or factors[0] != 1 or min(factors) <= 0:
        raise ValueError(
            "rescaling needs at least two hidden layers and positive factors that begin with 1; got "
            f"{hidden_layers} and {factors}"
        )
    if full:
        width, hidden_layers, small_batch, large_share = 512, 5, 256, 0.1
    setting = Setting(
        data,
        target,
        train_share,
        width,
        hidden_layers,
        learning_rate,
        small_batch,
        large_share,
        loss,
        max_epochs,
        factors,
    )
    (pairs,) = side_by_side(pair_of, [setting], seeds, jobs=jobs)
    title = f"{data}, {seeds} seeds, means with 95 % intervals"
    return Outcome(
        claim=claim_of(sharp_flat),
        source="Keskar et al., 2017, arXiv 1609.04836; Dinh et al., 2017, arXiv 1703.04933; lecture 001",
        tables=_tables(title, pairs),
        verdict=_verdict(pairs),
        draw=partial(_draw, pairs),
    )


def _verdict(pairs: Sequence[Pair]) -> Verdict:
    large = [pair.large.epsilon_sharpness for pair in pairs]
    sharper = mean_ratio(large, [pair.small.epsilon_sharpness for pair in pairs])
    factors = pairs[0].factors
    against = [mean_ratio(large, [pair.epsilon_sharpness[place] for pair in pairs]) for place in range(len(factors))]
    turned = min(range(1, len(factors)), key=lambda place: against[place].high)
    changes = max(abs(value / pair.filter_normalized[0] - 1) for pair in pairs for value in pair.filter_normalized)
    because = (
        f"large batches end {sharper} times as sharp by ε-sharpness, and {against[turned]} times as sharp as the small "
        f"batches' network with a layer times {factors[turned]:g} and the next divided by it; filter-normalised "
        f"sharpness changes by at most {changes:.1e} of itself then"
    )
    return Verdict(sharper.low > 1 and against[turned].high < 1 and changes < _SAME, because)


_MEASURES = {
    "ε-sharpness, %": "epsilon_sharpness",
    "largest eigenvalue": "top_eigenvalue",
    "filter-normalised sharpness, %": "filter_normalized",
    "training loss": "train_loss",
    "test accuracy": "test_accuracy",
    "passes over the data": "epochs",
}


def _tables(title: str, pairs: Sequence[Pair]) -> list[Table]:
    rows = []
    for name, attribute in _MEASURES.items():
        small, large = ([getattr(getattr(pair, which), attribute) for pair in pairs] for which in ("small", "large"))
        rows.append((name, str(mean_interval(small)), str(mean_interval(large)), str(mean_ratio(large, small))))
    rescaled = [
        (
            f"{factor:g}",
            str(mean_interval([pair.epsilon_sharpness[place] for pair in pairs])),
            str(mean_interval([pair.filter_normalized[place] for pair in pairs])),
        )
        for place, factor in enumerate(pairs[0].factors)
    ]
    return [
        Table(f"The minima: {title}", ("", "small batches", "large batches", "ratio, geometric mean"), rows),
        Table(
            "The small batches' network, rescaled: the same function",
            ("factor", "ε-sharpness, %", "filter-normalised sharpness, %"),
            rescaled,
        ),
    ]


def _draw(pairs: Sequence[Pair], figure: "Figure") -> None:
    figure.set_size_inches(10, 4.5)
    left, right = figure.subplots(1, 2, sharey=True)
    _draw_rescaled(left, pairs, "epsilon_sharpness")
    _draw_rescaled(right, pairs, "filter_normalized")
    left.set(title="ε-sharpness (Keskar)", ylabel="rise of the loss, % of 1 + loss")
    right.set(title="Filter-normalised sharpness")
    left.legend()


def _draw_rescaled(axes: "Axes", pairs: Sequence[Pair], measure: str) -> None:
    factors = pairs[0].factors
    by_factor = [mean_interval([getattr(pair, measure)[place] for pair in pairs]) for place in range(len(factors))]
    large = mean_interval([getattr(pair.large, measure) for pair in pairs])
    band(axes, factors, by_factor, "small batches, rescaled", COLOURS[0])
    band(axes, factors, [large] * len(factors), "large batches, as trained", COLOURS[1])
    axes.axvline(1, color=QUIET, lw=1, ls="--")
    axes.set(xscale="log", yscale="log", xlabel="one layer times this, the next divided by it")
    axes.set_xticks(factors, [f"{factor:g}" for factor in factors])
    axes.minorticks_off()
