from pathlib import Path

import pytest

from nvczoo.cli.main import main
from nvczoo.codec.info import stream_info


def encode(clip: Path, target: Path, *options: str) -> int:
    return main(["encode", "-i", str(clip), "-o", str(target), *options])


def test_a_stream_gets_the_size_that_was_wanted(
    tiny_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert encode(tiny_clip, tmp_path / "a.nvc", "--size", "1.2k") == 0
    assert stream_info(tmp_path / "a.nvc").size == pytest.approx(1200, rel=0.03)
    assert "bytes at q" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-q", "3", "--bpp", "0.1"], "one wish"),
        (["--psnr", "38", "--bitrate", "800k"], "one wish"),
        (["--size", "10"], "out of reach"),
    ],
)
def test_wishes_that_contradict_or_cannot_be_met_are_refused(
    tiny_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    assert encode(tiny_clip, tmp_path / "a.nvc", *options) == 1
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_pipe_cannot_be_read_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["encode", "-i", "-", "-o", str(tmp_path / "a.nvc"), "--bpp", "0.1"]) == 1
    assert "no pipes" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", ["0", "-3", "10T", "x", "1e9"])
def test_an_amount_that_is_none_is_wrong_usage(tiny_clip: Path, tmp_path: Path, wrong: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        encode(tiny_clip, tmp_path / "a.nvc", "--bitrate", wrong)
