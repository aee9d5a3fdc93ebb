"""The page that ``shinso shift`` writes."""

import base64
import io
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from shinso.report import Section, still_page, write_page
from shinso.shift import Examination

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_shift_page(found: Examination, reference: str, current: str, directory: Path) -> Path:
    """The path of ``shift.html`` in the directory: the four answers, the pictures, and every number."""
    directory.mkdir(parents=True, exist_ok=True)
    sections = [section for section in (_moved(found), _weights(found), _cost(found), _weighting(found)) if section]
    page = still_page(f"{current} against {reference}", _headline(found, reference, current), sections)
    return write_page(directory / "shift.html", page)


def _headline(found: Examination, reference: str, current: str) -> str:
    verdict = "moved" if found.found.moved else "no difference shown"
    state = "failed" if found.found.moved else "finished"
    answers = "".join(
        f"<h3>{escape(question)}</h3><p>{escape(answer)}</p>" for question, answer in found.answers.items()
    )
    return (
        f'<header><p class="wordmark"><span lang="ja">深層</span> shinso shift'
        f'<span class="state {state}">{verdict}</span></p>'
        f"<h1>{escape(current)} against {escape(reference)}</h1>{answers}</header>"
    )


def _moved(found: Examination) -> Section:
    from shinso.shift.detection import draw_shift

    drawn = _picture(
        lambda figure: draw_shift(found.found, figure),
        "How far each feature has moved",
        "The largest difference of probability between the two sets, feature by feature, with 95 % intervals; beside "
        "it both sets of those that moved most. A bad sign: a coloured mark, which stands for a shift that is no "
        "chance, at a feature that the model leans on.",
    )
    return Section("moved", "What moved", (drawn if found.found.features else "") + _text(str(found.found)))


def _weights(found: Examination) -> Section | None:
    if found.ratio is None:
        return None
    return Section("weights", "The weights", _text(str(found.ratio.diagnosis)))


def _cost(found: Examination) -> Section | None:
    damage = found.damage
    if damage is None:
        return None
    from shinso.shift.damage import draw_damage

    worse = "below" if damage.metric == "accuracy" else "above"
    drawn = _picture(
        lambda figure: draw_damage(damage, figure),
        f"Predicted {damage.metric}",
        f"What each method predicts for the current rows without their labels, beside the {damage.metric} on the "
        f"reference. A bad sign: intervals {worse} the reference's, or methods that contradict each other.",
    )
    return Section("cost", "What it will cost", drawn + _text(str(damage)))


def _weighting(found: Examination) -> Section | None:
    choice = found.weighting
    if choice is None:
        return None
    from shinso.shift.weighting import draw_exponent_choice

    drawn = _picture(
        lambda figure: draw_exponent_choice(choice, figure),
        "Estimated loss by the exponent of the weights",
        "Of a linear model on these features, by how far it is weighted. Weighting is worth it where the curve's least "
        "value lies clearly below its value at 0. The bars say how often each exponent would be the best were the rows "
        "drawn again: the chosen one is their mean.",
    )
    return Section("weighting", "Whether weighting helps", drawn)


def _picture(draw: Callable[["Figure"], None], alternative: str, caption: str) -> str:
    from shinso._picture import drawn

    figure = drawn(draw, (10.0, 5.5))
    memory = io.BytesIO()
    figure.savefig(memory, format="png")
    address = f"data:image/png;base64,{base64.b64encode(memory.getvalue()).decode()}"
    image = f'<img src="{address}" alt="{escape(alternative)}" style="max-width: 100%; height: auto">'
    return f"<figure>{image}<figcaption>{escape(caption)}</figcaption></figure>"


def _text(text: str) -> str:
    return f'<div class="scroll"><pre>{escape(text)}</pre></div>'
