"""Every page of the documentation is run from top to bottom, and prints what it says it prints."""

import contextlib
import io
import re
from pathlib import Path

import pytest

PAGES = sorted((Path(__file__).parent.parent / "docs").glob("*.md"))
_BLOCK = re.compile(r"^```(python|text)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


_CHANGING = re.compile(r"\b\d+(\.\d+)? (µs|ms|s)\b|\b\d\.\d+e-\d+\b")


def matches(shown: str, printed: str) -> bool:
    """Whether a page shows what was printed, but for durations, the size of rounding errors and the width of columns;
    … stands for anything on a line, and a line of … for any lines.
    """
    parts = [r"(?s:.*)" if line == "…" else re.escape(line).replace("…", r"[^\n]*") for line in _lines(shown)]
    return re.fullmatch("\n".join(parts), "\n".join(_lines(printed))) is not None


def _lines(text: str) -> list[str]:
    lines = text.replace("0.0e+00", "0.0e-00").rstrip().split("\n")
    return [re.sub(r" {2,}|─+", " ", _CHANGING.sub("#", line)).rstrip() for line in lines]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_prints_what_it_shows(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    scope: dict[str, object] = {"__name__": "page"}
    printed = ""
    for language, content in _BLOCK.findall(page.read_text(encoding="utf-8")):
        if language == "text":
            assert matches(content, printed), f"{page.name} shows\n{content}\nbut this was printed:\n{printed}"
            continue
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            exec(compile(content, f"{page.name}", "exec"), scope)
        printed = output.getvalue()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_its_pictures_and_links_are_there(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (page.parent / target).exists(), target


def test_what_a_page_shows_may_leave_out_what_changes() -> None:
    assert matches("took … long\nend", "took very long\nend")
    assert matches("took   3.1 µs\n── ──\n1.2e-16 off", "took 3 ms\n─ ───\n0.0e+00 off")
    assert matches("a\n…\nz", "a\nb\nc\nz")
    assert not matches("took … long", "took very long\nmore")
    assert not matches("took 3 ms", "took 3 m")
    assert not matches("a\nz", "a\nb\nz")
