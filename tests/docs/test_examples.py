"""Every Python example of the README and of docs/ runs, and so does every line of a console.

The examples of a page run in order, in one namespace, in a folder that holds ``clip.mp4``. A block in
``python`` is code; a line with ``$ nvczoo`` in a ``console`` block is run by the command's own ``main``.
``sh`` blocks need what a test has not (apt, ffmpeg, a network) and are left alone.
"""

import re
import shlex
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

import nvczoo
from nvczoo import components
from nvczoo.cli.main import main

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!`)\[[^\]]*\]\(([^)#:]+)(?:#[^)]*)?\)")
PROMPT = "$ "

Example = tuple[int, str, str]  # line, language, text


def examples(page: Path) -> list[Example]:
    text = page.read_text(encoding="utf-8")
    found = ((text.count("\n", 0, one.start(2)), *one.groups()) for one in FENCE.finditer(text))
    return [one for one in found if one[1] in ("python", "console")]


def run_python(page: Path, line: int, text: str, names: dict[str, object]) -> None:
    exec(compile("\n" * line + text, page, "exec"), names)


def run_console(text: str) -> None:
    for line in text.splitlines():
        if line.startswith(PROMPT):
            command, *arguments = shlex.split(line.removeprefix(PROMPT), comments=True)
            assert command == "nvczoo", f"only nvczoo can be run here, not {line!r}"
            assert main(arguments) == 0, line


@pytest.fixture
def folder(tmp_path: Path, tiny_clip: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Work in an empty folder with a clip; what an example registers or warns of ends with it."""
    shutil.copy(tiny_clip, tmp_path / "clip.mp4")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(components, "_registered", {})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", nvczoo.SwappedPartWarning)
        yield


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "page", [one for one in PAGES if examples(one)], ids=lambda page: str(page.relative_to(ROOT))
)
def test_every_example_of_a_page_runs(page: Path) -> None:
    names: dict[str, object] = {"__name__": page.stem}
    for line, language, text in examples(page):
        if language == "python":
            run_python(page, line, text, names)
        else:
            run_console(text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    targets = LINK.findall(page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []
