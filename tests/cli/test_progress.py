"""The line on the terminal."""

import sys
from fractions import Fraction
from pathlib import Path

import pytest
from tiny_model import MODEL

from nvczoo.cli.main import main
from nvczoo.cli.progress import progress_line, summary
from nvczoo.codec import FileResult, Progress
from nvczoo.video import VideoInfo

INFO = VideoInfo(64, 48, Fraction(25), Fraction(1, 25))


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a terminal of what ``capsys`` puts in the place of stderr, anew for each phase of a test."""
    monkeypatch.setattr(type(sys.stderr), "isatty", lambda _: True)


def test_frames_rate_and_end_are_shown(terminal: None, capsys: pytest.CaptureFixture[str]) -> None:
    with progress_line("encode", quiet=False) as report:
        assert report is not None
        for frames in range(1, 5):
            report(Progress(frames, 8, frames * 1000, INFO))
            report(Progress(frames, 8, frames * 1000, INFO))  # twice is no more
    shown = capsys.readouterr().err
    assert "encode" in shown
    with progress_line("encode", quiet=False) as report:
        assert report is not None
        line = report.__self__  # pyright: ignore[reportFunctionMemberAccess]
        report(Progress(4, 8, 4000, INFO))
        text = str(line)
    assert "50%" in text
    assert "4/8 frames" in text
    assert "fps, ETA " in text
    assert "200.0 kbit/s" in text


def test_without_a_known_end_the_time_is_shown(terminal: None, capsys: pytest.CaptureFixture[str]) -> None:
    with progress_line("encode", quiet=False) as report:
        assert report is not None
        report(Progress(4, None, 4000, INFO))
        text = str(report.__self__)  # pyright: ignore[reportFunctionMemberAccess]
    assert "encode 4 frames, " in text
    assert "ETA" not in text


def test_nobody_is_told_who_does_not_look(terminal: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with progress_line("encode", quiet=True) as report:
        assert report is None
    monkeypatch.setattr(type(sys.stderr), "isatty", lambda _: False)
    with progress_line("encode", quiet=False) as report:
        assert report is None


def test_a_job_is_summed_up() -> None:
    text = summary(FileResult(50, 6144, INFO), 2.0)
    assert text == "50 frames in 2.0 s (25.00 fps), 6144 bytes, 24.6 kbit/s, 0.3200 bit per pixel"


def test_encoder_and_decoder_show_it(
    terminal: None, tiny: None, tiny_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    coded, decoded = str(tmp_path / "clip.nvc"), str(tmp_path / "clip.y4m")
    assert main(["encode", "-i", str(tiny_clip), "-o", coded, "-m", MODEL]) == 0
    assert f"nvczoo: {coded}: 4 frames in " in capsys.readouterr().err
    assert main(["decode", "-i", coded, "-o", decoded]) == 0
    assert f"nvczoo: {decoded}: 4 frames in " in capsys.readouterr().err
    assert main(["verify", coded]) == 0
    assert "verify" in capsys.readouterr().err
