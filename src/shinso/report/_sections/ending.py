"""How the run ended, and how to go on if it did not end well."""

from typing import NamedTuple

from shinso.record import Record

_GO_ON = "shinso train --resume PATH-OF-THIS-DIRECTORY"


class Ending(NamedTuple):
    """``name`` is one word; ``notice`` is what a reader must know first, ``go_on`` what to do, if not all is well."""

    name: str
    notice: str = ""
    go_on: str = ""


def ending(record: Record, recipe_toml: str) -> Ending:
    """What the last event that begins or ends a run says; a watched run has no recipe and is never unfinished."""
    decisive = [event for event in record.events() if event.kind in ("finish", "stop", "failure", "resume")]
    kind, content = (decisive[-1].kind, decisive[-1].content) if decisive else (None, {})
    go_on = str(content.get("how_to_go_on") or _GO_ON)
    match kind:
        case "finish":
            return Ending("finished")
        case "failure":
            return Ending("failed", f"The run failed: {content.get('message', 'it left no message')}.", go_on)
        case "stop":
            reason = content.get("reason", "it left no reason")
            return Ending("interrupted", f"The run stopped before its end: {reason}.", go_on)
    if recipe_toml:
        return Ending("unfinished", "No end was recorded: the run is still going, or was killed.", _GO_ON)
    return Ending("watched")
