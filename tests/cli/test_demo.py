import sys
from pathlib import Path

import pytest
import torch

import nvczoo
from nvczoo.cli import demo
from nvczoo.evaluate import measure
from nvczoo.evaluate.results import ResultSet

sys.path.insert(0, str(Path(__file__).parents[1] / "codec"))
from toy import toy_codec, toy_pictures

TOYS = Path(__file__).parents[1] / "codec"

DECODE_TOY = (
    "import sys; sys.path.insert(0, sys.argv[1]); from toy import toy_codec; "
    "toy_codec().decode_file(sys.argv[4], sys.argv[6])"
)


@pytest.fixture
def clip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return a small video; the model is a toy, here and in new processes."""
    monkeypatch.setattr(measure, "COMMAND", (sys.executable, "-c", DECODE_TOY, str(TOYS)))
    monkeypatch.setattr(nvczoo, "load", lambda name: toy_codec(), raising=False)
    codec = toy_codec()
    codec.decode(codec.encode(toy_pictures(5), 50)).save(tmp_path / "clip.y4m")
    return tmp_path / "clip.y4m"


def test_the_demo_writes_streams_figures_and_a_page(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "out"
    assert demo.main(["-i", str(clip), "-q", "10", "40", "-g", "4", "-o", str(folder)]) == 0
    results = ResultSet.load(folder / "results.json")
    assert results.codecs == ("toy", "x264 medium", "x265 medium")
    assert [one.point for one in results.of("toy")] == ["q 10", "q 40"]
    assert results.conditions.clip == "clip.y4m"
    assert {one.name for one in folder.iterdir()} == {
        "index.html",
        "results.json",
        "toy-q10.nvc",
        "toy-q40.nvc",
    }
    assert "toy at work" in (folder / "index.html").read_text(encoding="utf-8")
    printed = capsys.readouterr().out
    assert "x265 medium" in printed
    assert "bit for bit" in printed


def test_what_fails_is_told_in_one_line(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert demo.main(["-i", str(clip.with_name("missing.mp4"))]) == 1
    assert "missing.mp4" in capsys.readouterr().err


def test_the_clip_that_ships_is_a_second_and_more_of_video() -> None:
    video = demo.read_clip(None, 2)
    assert (video.info.width, video.info.height, video.info.frame_count) == (640, 360, 40)
    assert len(video) == 2
    assert not torch.equal(video[0].y, video[1].y)


def test_the_card_may_say_which_qualities_are_shown() -> None:
    qualities = demo.qualities_of(demo.MODEL)
    assert len(qualities) == 3
    assert list(qualities) == sorted(qualities)
