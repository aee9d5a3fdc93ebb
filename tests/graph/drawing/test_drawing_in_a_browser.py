"""A click folds a group, and what the script then places is what Python places."""

import json
import os
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from shinso.graph import trace
from shinso.graph.drawing._svg import svg

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_OPTIONS = """
    --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync --hide-scrollbars --allow-file-access-from-files --dump-dom
    --virtual-time-budget=8000 --window-size=1200,2000 --enable-logging=stderr
"""

# What is seen of the folded and the unfolded drawing; then of each when all is unfolded by clicks, folded by keys.
_PAGE = """<!DOCTYPE html><body><iframe id="folded" src="folded.svg"></iframe><iframe id="unfolded" src="unfolded.svg">
</iframe><script>
window.onload = () => {
  const [folded, unfolded] = ["folded", "unfolded"].map((id) => document.getElementById(id).contentDocument);
  const hidden = (element) => {
    for (let outer = element; outer.classList; outer = outer.parentNode)
      if (getComputedStyle(outer).display === "none") return true;
    return false;
  };
  const shown = (page, kind) => [...page.querySelectorAll(kind)].filter((element) => !hidden(element));
  const names = ["class", "transform", "d", "width", "height", "viewBox"];
  const look = (page) => shown(page, "svg, .whole, .part, .frame, .edge, .label")
    .map((element) => names.map((name) => element.getAttribute(name)));
  const seen = { folded: look(folded), unfolded: look(unfolded) };
  for (let button; (button = shown(folded, ".small[role=button]")[0]); )
    button.dispatchEvent(new MouseEvent("click", { bubbles: true }));
  seen.clicked = look(folded);
  for (const button of shown(unfolded, ".heading[role=button]").reverse())
    button.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
  seen.keyed = look(unfolded);
  seen.focus = unfolded.activeElement.getAttribute("class");
  document.body.dataset.seen = JSON.stringify(seen);
};
</script>"""


class Residual(nn.Module):
    """Something beside, something nested, and a heading that is wider than what is under it."""

    def __init__(self) -> None:
        super().__init__()
        inner = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
        self.a_rather_long_name_of_a_branch = nn.Sequential(nn.Linear(4, 4), inner, nn.Tanh())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.a_rather_long_name_of_a_branch(x) + torch.sin(x)) + x


@pytest.fixture(scope="module")
def browser() -> str:
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None and os.environ.get("SHINSO_REQUIRE_BROWSER") == "1":
        pytest.fail(f"no browser on the path; install one of {', '.join(_NAMES)} or unset SHINSO_REQUIRE_BROWSER")
    if found is None:
        pytest.skip(f"no browser on the path (looked for {', '.join(_NAMES)})")
    return found


def test_a_click_unfolds_and_a_key_folds_to_what_python_draws(browser: str, tmp_path: Path) -> None:
    graph = trace(nn.Sequential(Residual(), Residual()), torch.zeros(2, 4))
    (tmp_path / "folded.svg").write_text(svg(graph, {}, 0), "utf-8")
    (tmp_path / "unfolded.svg").write_text(svg(graph, {}, 9), "utf-8")
    (tmp_path / "page.html").write_text(_PAGE, "utf-8")
    command = [browser, *_OPTIONS.split(), f"--user-data-dir={tmp_path / 'profile'}", (tmp_path / "page.html").as_uri()]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert [line for line in run.stderr.splitlines() if "CONSOLE" in line] == []
    told = re.search(r'data-seen="([^"]*)"', run.stdout)
    assert told is not None
    seen: dict[str, Any] = json.loads(unescape(told[1]))
    assert len(seen["folded"]) < len(seen["unfolded"])
    assert seen["clicked"] == seen["unfolded"]
    assert seen["keyed"] == seen["folded"]
    assert seen["focus"] == "small"
