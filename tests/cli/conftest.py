"""A tiny model that is installed, a clip, and a stream of it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tiny_model import MODEL, write_site

from nvczoo import components
from nvczoo.cli.main import main
from nvczoo.codec import Video

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a package that brings the model "tiny"."""
    folder = tmp_path_factory.mktemp("site")
    write_site(folder)
    return folder


@pytest.fixture
def tiny(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Install the package for one test."""
    monkeypatch.syspath_prepend(site)
    components._installed.cache_clear()
    yield
    components._installed.cache_clear()


@pytest.fixture(scope="session")
def stream(site: Path, tiny_video: Video, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a stream of the tiny clip, with checksums of its pictures; to be read only."""
    folder = tmp_path_factory.mktemp("stream")
    tiny_video.save(folder / "clip.y4m")
    target = folder / "clip.nvc"
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(site)
        components._installed.cache_clear()
        arguments = ["-i", str(folder / "clip.y4m"), "-o", str(target), "-m", MODEL, "-q", "40"]
        assert main(["encode", *arguments, "--picture-checksums"]) == 0
    components._installed.cache_clear()
    return target


def _interruptible() -> None:
    """Let Ctrl-C through: a shell starts jobs in the background, and all they start, deaf to it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def start(site: Path) -> Start:
    """Return a function that starts nvczoo in a process of its own, with pipes, and the tiny model."""

    def begin(*arguments: object, **options: object) -> "subprocess.Popen[bytes]":
        path = os.pathsep.join(filter(None, (str(site), os.environ.get("PYTHONPATH"))))
        command = [sys.executable, "-m", "nvczoo", *map(str, arguments)]
        settings = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "preexec_fn": _interruptible,
        } | options
        return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path}, **settings)  # pyright: ignore

    return begin
