"""``nvczoo encode``."""

from pathlib import Path

import av
import numpy as np
import pytest
from tiny_model import MODEL

from nvczoo.cli import encode as verb
from nvczoo.cli.main import main
from nvczoo.codec import Video, stream_info
from nvczoo.codec.effort import EFFORTS
from nvczoo.codec.lookahead import LOOKAHEAD

pytestmark = pytest.mark.usefixtures("tiny")


def encode(source: Path, target: Path, *options: str) -> int:
    return main(["encode", "-i", str(source), "-o", str(target), "-m", MODEL, *options])


def test_a_video_becomes_a_stream(
    tiny_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert encode(tiny_clip, tmp_path / "clip.nvc", "-q", "40.5") == 0
    info = stream_info(tmp_path / "clip.nvc")
    assert (info.header.model, info.header.q, info.frame_count) == (MODEL, 40.5, 4)
    assert capsys.readouterr() == ("", "")  # nobody looks, and nothing is odd


def test_frames_period_and_checksums_are_as_asked(tiny_clip: Path, tmp_path: Path) -> None:
    options = ("--frames", "3", "-g", "2", "--picture-checksums", "--threads", "1")
    assert encode(tiny_clip, tmp_path / "clip.nvc", *options) == 0
    info = stream_info(tmp_path / "clip.nvc")
    assert "".join(frame.kind for frame in info.frames) == "IPI"
    assert info.header.picture_checksums


def test_how_much_is_searched_for_is_as_asked(tiny_clip: Path, tmp_path: Path) -> None:
    streams = {}
    for effort in ("1", "2"):
        target = tmp_path / f"{effort}.nvc"
        assert encode(tiny_clip, target, "--effort", effort, "--picture-checksums") == 0
        assert main(["verify", str(target), "--quiet"]) == 0
        streams[effort] = target.read_bytes()
    assert encode(tiny_clip, tmp_path / "usual.nvc", "--picture-checksums") == 0
    assert (tmp_path / "usual.nvc").read_bytes() == streams["2"] != streams["1"]


@pytest.mark.parametrize("effort", ["3", "-1", "much"])
def test_an_effort_that_there_is_not_is_refused(tiny_clip: Path, tmp_path: Path, effort: str) -> None:
    with pytest.raises(SystemExit) as refused:
        encode(tiny_clip, tmp_path / "clip.nvc", f"--effort={effort}")
    assert refused.value.code == 2


def test_the_gop_structure_can_be_chosen(tiny_clip: Path, tmp_path: Path) -> None:
    assert encode(tiny_clip, tmp_path / "clip.nvc", "--gop", "all-intra") == 0
    assert {frame.kind for frame in stream_info(tmp_path / "clip.nvc").frames} == {"I"}


def test_the_stream_tells_the_decoder_its_precision(tiny_clip: Path, tmp_path: Path) -> None:
    options = ("--precision", "bfloat16", "--picture-checksums")
    assert encode(tiny_clip, tmp_path / "clip.nvc", *options) == 0
    assert stream_info(tmp_path / "clip.nvc").header.arithmetic.profile == "bfloat16"
    assert main(["verify", str(tmp_path / "clip.nvc")]) == 0


def test_a_part_can_be_swapped_and_that_is_told(
    tiny_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    swap = ("--part", "motion_estimator=block-matching", "--part", "gop.long_term=2")
    assert encode(tiny_clip, tmp_path / "clip.nvc", *swap) == 0
    assert "nvczoo: warning: inter.motion_estimator" in capsys.readouterr().err
    target, again = str(tmp_path / "clip.y4m"), str(tmp_path / "clip.nvc")
    assert main(["decode", "-i", again, "-o", target]) == 1  # the model alone is another one
    assert "its parts or weights differ" in capsys.readouterr().err
    assert main(["decode", "-i", again, "-o", target, "-m", MODEL, *swap, "--quiet"]) == 0
    assert capsys.readouterr().err == ""


def test_what_exists_is_replaced_only_when_asked(
    tiny_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "clip.nvc"
    target.write_bytes(b"precious")
    assert encode(tiny_clip, target, "--frames", "1") == 1
    assert "exists already" in capsys.readouterr().err
    assert target.read_bytes() == b"precious"
    assert encode(tiny_clip, target, "--frames", "1", "-y") == 0
    assert target.read_bytes() != b"precious"


def test_raw_video_needs_size_and_rate(
    tiny_video: Video, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    raw = tmp_path / "clip.yuv"
    tiny_video.save(raw)
    assert encode(raw, tmp_path / "clip.nvc") == 1
    assert "give its size, rate" in capsys.readouterr().err
    options = ("-s", "64x48", "-r", "30000/1001", "-pix_fmt", "yuvj420p")
    assert encode(raw, tmp_path / "clip.nvc", *options) == 0
    info = stream_info(tmp_path / "clip.nvc").header.info
    assert (info.width, info.height, str(info.frame_rate)) == (64, 48, "30000/1001")
    assert info.colour.full_range


def test_other_pixel_formats_are_converted_when_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "rich.mkv"
    with av.open(str(source), "w") as container:
        video = container.add_stream("ffv1", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv444p"
        frame = av.VideoFrame.from_ndarray(np.full((3, 48, 64), 90, np.uint8), "yuv444p")
        container.mux(video.encode(frame))
        container.mux(video.encode(None))
    assert encode(source, tmp_path / "clip.nvc") == 1
    assert "--convert" in capsys.readouterr().err
    assert encode(source, tmp_path / "clip.nvc", "--convert") == 0
    assert "nvczoo: note: the pictures were converted: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("model", "message"), [("tinny", "Did you mean 'tiny'"), ("ev-nvc", "no trained weights")]
)
def test_a_model_that_cannot_be_used_is_told(
    model: str, message: str, tiny_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["encode", "-i", str(tiny_clip), "-o", str(tmp_path / "x.nvc"), "-m", model]) == 1
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_stream_is_not_written_to_a_terminal(
    tiny_clip: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert encode(tiny_clip, Path("-")) == 1
    assert "stdout is a terminal" in capsys.readouterr().err


def test_parts_are_not_read_from_a_pipe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["encode", "-i", "-", "-o", str(tmp_path / "a.nvc"), "--engine", "ray"]) == 1
    assert "name a file, no pipe" in capsys.readouterr().err


def test_a_number_is_the_frames_per_group(tiny_clip: Path, tmp_path: Path, capsys) -> None:
    target = tmp_path / "clip.nvc"
    assert encode(tiny_clip, target, "--gop", '{name = "hierarchical", size = 2, intra_period = 2}') == 0
    assert stream_info(target).delay == 1
    assert encode(tiny_clip, target, "-y", "--gop", "4") == 1  # of low delay, which has no such thing
    assert "size" in capsys.readouterr().err


def test_defaults_that_spare_the_help_torch_are_those_of_the_codec() -> None:
    assert (verb.EFFORTS, verb.LOOKAHEAD) == (EFFORTS, LOOKAHEAD)


def test_without_a_look_ahead_p_frames_have_the_q_that_was_asked_for(tiny_clip: Path, tmp_path: Path) -> None:
    streams = {}
    for frames in ("0", "32"):
        assert encode(tiny_clip, tmp_path / "clip.nvc", "--lookahead", frames, "-y") == 0
        streams[frames] = [one.q for one in stream_info(tmp_path / "clip.nvc").frames]
    assert len(set(streams["0"][1:])) == 1
    assert streams["0"][1] == streams["32"][1] > streams["32"][-1]
    with pytest.raises(SystemExit):
        encode(tiny_clip, tmp_path / "clip.nvc", "--lookahead", "many")
