"""The recipe: what was asked for, as it can be run again."""

import re
from html import escape

from shinso.report._markup import Section


def section(recipe_toml: str) -> Section | None:
    """The text of ``recipe.toml``, its table names set off; None if there is none."""
    if not recipe_toml.strip():
        return None
    # Escaping leaves brackets alone, so a table's header can still be found in the escaped text.
    marked = re.sub(r"(?m)^(\[.*\])\s*$", r"<b>\1</b>", escape(recipe_toml.strip()))
    lead = (
        "<p>Everything that was chosen for this run. Saved as a file, it runs again with <code>shinso train</code>.</p>"
    )
    return Section("recipe", "Recipe", f'{lead}<pre tabindex="0"><code>{marked}</code></pre>')
