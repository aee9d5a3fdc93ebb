"""The page as a browser shows it: drawn, quiet, without a network, and no wider than a phone."""

import json
import os
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import numpy as np
import pytest

from shinso.record import Record
from shinso.report import render

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_OPTIONS = """
    --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync --hide-scrollbars --allow-file-access-from-files --dump-dom
    --virtual-time-budget=8000 --window-size=1200,3000 --enable-logging=stderr
"""

# The page in a frame as wide as a phone, and as an attribute what was seen there.
_FRAME = """<!DOCTYPE html><body>
<iframe id="frame" src="report.html" style="width:390px; height:9000px; border:0"></iframe>
<script>
  const look = () => {
    const page = document.getElementById("frame").contentDocument.documentElement;
    const drawn = page.querySelectorAll(".plot .main-svg:first-child").length;
    const boxes = page.querySelectorAll(".plot").length;
    document.body.dataset.seen = JSON.stringify({ width: page.clientWidth, needed: page.scrollWidth, drawn, boxes });
  };
  setInterval(look, 200);
</script>"""


@pytest.fixture(scope="module")
def browser() -> str:
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None and os.environ.get("SHINSO_REQUIRE_BROWSER") == "1":
        pytest.fail(f"no browser on the path; install one of {', '.join(_NAMES)} or unset SHINSO_REQUIRE_BROWSER")
    if found is None:
        pytest.skip(f"no browser on the path (looked for {', '.join(_NAMES)})")
    return found


def visited(browser: str, page: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """What the browser made of a page (its elements) and said about it (its log)."""
    own = [f"--user-data-dir={page.parent / 'profile'}", f"--log-net-log={page.parent / 'net.json'}", *options]
    command = [browser, *_OPTIONS.split(), *own, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


def console(log: str) -> list[str]:
    return [line for line in log.splitlines() if "CONSOLE" in line]


def requests_of_pages(net_log: Path) -> list[str]:
    """The addresses that pages asked the network for; what the browser asks for itself has no origin."""
    events = json.loads(net_log.read_text("utf-8"))["events"]
    asked = [event["params"] for event in events if "initiator" in event.get("params", {})]
    return [params["url"] for params in asked if params["initiator"] != "not an origin"]


@pytest.fixture
def report(full: Record, tmp_path: Path) -> Path:
    path = tmp_path / "report.html"
    path.write_text(render(full, "seed = 1\n", "my run"), "utf-8")
    return path


@pytest.mark.parametrize("scheme", ["0", "1"], ids=["dark", "light"])
def test_all_figures_are_drawn_without_a_complaint_and_without_a_network(
    browser: str, report: Path, scheme: str
) -> None:
    seen = visited(
        browser, report, f"--blink-settings=preferredColorScheme={scheme}", "--host-resolver-rules=MAP * ~NOTFOUND"
    )
    boxes = re.findall(r'class="plot[ "]', seen.stdout)
    drawn = re.search(r'data-drawn="(\d+)"', seen.stdout)
    assert drawn is not None, "the page's script did not come to its end"
    assert int(drawn[1]) == len(boxes) > 5
    assert len(re.findall('class="main-svg"', seen.stdout)) >= len(boxes)
    assert console(seen.stderr) == []
    assert requests_of_pages(report.parent / "net.json") == []


def test_a_page_that_uses_the_network_would_be_seen(browser: str, tmp_path: Path) -> None:
    page = tmp_path / "other.html"
    page.write_text('<!DOCTYPE html><img src="http://shinso.invalid/x.png">', "utf-8")
    visited(browser, page, "--host-resolver-rules=MAP * ~NOTFOUND")
    assert requests_of_pages(tmp_path / "net.json") == ["http://shinso.invalid/x.png"]


@pytest.fixture
def wide(tmp_path: Path) -> Path:
    """A page with all that may be too wide for a phone."""
    record = Record()
    record.array(
        1, "test/confusion", np.eye(60, dtype=np.int64), [f"a rather long name of class {i}" for i in range(60)]
    )
    record.array(1, "gradient_norm", np.ones(2), ("an.endless.path." * 20, "head"))
    values = {"target": np.array([1.5]), "prediction": np.array([4.0]), "features": np.ones((1, 40))}
    record.arrays(1, {f"test/mistakes/{name}": value for name, value in values.items()})
    record.event("environment", {"platform": "x" * 300, "several": {"deep": {"deeper": "y" * 300}}})
    record.event("failure", {"message": "z" * 300})
    path = tmp_path / "report.html"
    path.write_text(render(record, f'key = "{"v" * 300}"\n', "w" * 300), "utf-8")
    record.close()
    return path


@pytest.mark.parametrize("page", ["report", "wide"])
def test_the_page_is_no_wider_than_a_phone(browser: str, page: str, request: pytest.FixtureRequest) -> None:
    report: Path = request.getfixturevalue(page)
    frame = report.parent / "frame.html"
    frame.write_text(_FRAME, "utf-8")
    told = re.search(r'data-seen="([^"]*)"', visited(browser, frame).stdout)
    assert told is not None
    seen = json.loads(unescape(told[1]))
    assert seen["width"] == 390
    assert seen["needed"] == 390
    assert seen["drawn"] == seen["boxes"] > 1


def test_the_colours_follow_the_scheme(browser: str, report: Path) -> None:
    light, dark = (
        visited(browser, report, f"--blink-settings=preferredColorScheme={scheme}").stdout for scheme in "10"
    )
    # The training curve in the indigo of style.css for the day, and for the night.
    assert "stroke: rgb(22, 94, 131)" in light
    assert "stroke: rgb(116, 179, 216)" in dark
    assert "stroke: rgb(116, 179, 216)" not in light
