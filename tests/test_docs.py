"""Every example of the pages runs: Python sessions as doctests, `racemate` commands as commands."""

from __future__ import annotations

import doctest
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
FENCE = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```\s*$", re.MULTILINE | re.DOTALL)
# Its drug must be in the library first: tests/test_adding_a_drug.py.
OWN_TEST = {"adding-a-drug.md"}
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def blocks(text: str, *languages: str) -> list[str]:
    return [body for language, body in FENCE.findall(text) if language in languages]


def sessions(text: str) -> str:
    """The Python sessions of a page, one after another."""
    return "\n".join(body for body in blocks(text, "python", "pycon") if ">>>" in body)


def commands(text: str) -> list[str]:
    """The `racemate ...` lines of a page, continued lines joined."""
    joined = "\n".join(blocks(text, "console", "sh", "bash")).replace("\\\n", " ")
    lines = (re.sub(r"^(\$ )?(\.venv/bin/)?", "", line.strip()) for line in joined.splitlines())
    return [line for line in lines if line.startswith("racemate ")]


def files(text: str) -> dict[str, str]:
    """TOML blocks that begin with `# NAME.toml`: the files that the commands of the page read."""
    named = ((re.match(r"# ([\w.-]+\.toml)\n", body), body) for body in blocks(text, "toml"))
    return {name[1]: body for name, body in named if name}


def name_of(page: Path) -> str:
    return page.name


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_python_examples_of_a_page(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = page.read_text(encoding="utf-8")
    test = doctest.DocTestParser().get_doctest(sessions(text), {}, page.name, str(page), 0)
    report: list[str] = []
    doctest.DocTestRunner(optionflags=OPTIONS).run(test, out=report.append)
    assert not report, "".join(report)


@pytest.mark.parametrize("page", [page for page in PAGES if page.name not in OWN_TEST], ids=name_of)
def test_commands_of_a_page(page: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for name, body in files(text).items():
        (tmp_path / name).write_text(body, encoding="utf-8")
    for command in commands(text):
        words = shlex.split(command, comments=True)[1:]
        program = [sys.executable, "-c", "from racemate.cli import main; main()", *words]
        run = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert run.returncode == 0, f"{command}\n{run.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_to_other_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!\w+:)([^)#\s]+)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if not (page.parent / link).exists()]
    assert not missing, f"{page.name} links to {missing}"


def test_examples_are_found_in_a_page() -> None:
    page = """
```console
$ racemate drugs   # what there is
$ racemate simulate "morphine 10 mg iv" \\
    --until 4h
$ make demo
.venv/bin/racemate run night.toml
```
```toml
# night.toml
regimen = "morphine 10 mg iv"
```
```python
>>> 1 + 1
2
```
"""
    simulate = 'racemate simulate "morphine 10 mg iv"      --until 4h'
    assert commands(page) == ["racemate drugs   # what there is", simulate, "racemate run night.toml"]
    assert files(page) == {"night.toml": '# night.toml\nregimen = "morphine 10 mg iv"\n'}
    assert sessions(page) == ">>> 1 + 1\n2\n"
