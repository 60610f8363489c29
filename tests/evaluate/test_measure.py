import sys
from pathlib import Path

import pytest
import torch

from nvczoo.codec.files import EncodeOptions
from nvczoo.codec.gop import LowDelay
from nvczoo.codec.video import Video
from nvczoo.codec.video_codec import VideoCodec
from nvczoo.errors import ArithmeticMismatch, StreamError
from nvczoo.evaluate import measure
from nvczoo.evaluate.anchors import AnchorSettings
from nvczoo.evaluate.measure import check_pictures, conditions_of, measure_anchor, measure_codec
from nvczoo.video.picture import Picture

sys.path.insert(0, str(Path(__file__).parents[1] / "codec"))
from toy import toy_codec, toy_pictures

OPTIONS = EncodeOptions(picture_checksums=True)
TOYS = str(Path(__file__).parents[1] / "codec")
DECODE_TOY = (
    "import sys; sys.path.insert(0, sys.argv[1]); from toy import toy_codec; "
    "toy_codec().decode_file(sys.argv[4], sys.argv[6])"
)


@pytest.fixture
def codec(monkeypatch: pytest.MonkeyPatch) -> VideoCodec:
    """Return a toy, and let new processes decode with the same, which no card names."""
    monkeypatch.setattr(measure, "COMMAND", (sys.executable, "-c", DECODE_TOY, TOYS))
    return toy_codec(LowDelay(intra_period=4))


@pytest.fixture
def video(codec: VideoCodec) -> Video:
    return codec.decode(codec.encode(toy_pictures(6), 50))  # smooth, and with times


def test_a_codec_is_measured_on_what_a_new_process_decodes(
    codec: VideoCodec, video: Video, tmp_path: Path
) -> None:
    measured = measure_codec(codec, video, 20.0, OPTIONS, tmp_path / "toy.nvc")
    result = measured.result
    again = codec.decode(tmp_path / "toy.nvc")
    assert all(mine.same(theirs) for mine, theirs in zip(again, measured.pictures, strict=True))
    assert (result.codec, result.point) == ("toy", "q 20")
    assert codec.identity.hex()[:16] in result.settings
    assert result.size == (tmp_path / "toy.nvc").stat().st_size
    assert result.psnr_611 == measured.quality.mean.psnr_611
    assert min(result.encode_fps, result.decode_fps) > 0


def test_one_wrong_sample_is_found(codec: VideoCodec, video: Video, tmp_path: Path) -> None:
    path = tmp_path / "toy.nvc"
    codec.encode_file(video, path, 20, OPTIONS)
    pictures = list(codec.decode(path))
    check_pictures(path, pictures)
    changed = pictures[3].v.clone()
    changed[0, 0] ^= 1
    wrong = [*pictures[:3], Picture(pictures[3].y, pictures[3].u, changed), *pictures[4:]]
    with pytest.raises(ArithmeticMismatch, match="frame 3"):
        check_pictures(path, wrong)
    for other in (pictures[:-1], [*pictures, pictures[0]]):
        with pytest.raises(ArithmeticMismatch):
            check_pictures(path, other)


def test_a_stream_without_checksums_proves_nothing(codec: VideoCodec, video: Video, tmp_path: Path) -> None:
    codec.encode_file(video, tmp_path / "toy.nvc", 20)
    with pytest.raises(ArithmeticMismatch):
        check_pictures(tmp_path / "toy.nvc", list(codec.decode(tmp_path / "toy.nvc")))


def test_a_process_that_fails_tells_its_cause(
    codec: VideoCodec, video: Video, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "COMMAND", (sys.executable, "-c", "raise SystemExit('no such model')"))
    with pytest.raises(StreamError, match="new process: no such model"):
        measure_codec(codec, video, 20.0, OPTIONS, tmp_path / "toy.nvc")


def test_an_anchor_is_measured_at_the_size_of_each_result(
    codec: VideoCodec, video: Video, tmp_path: Path
) -> None:
    ours = measure_codec(codec, video, 20.0, OPTIONS, tmp_path / "toy.nvc").result
    (measured,) = measure_anchor(video, AnchorSettings("x264", "ultrafast"), [ours])
    assert measured.result.point == ours.point
    assert measured.result.codec == "x264 ultrafast"
    assert "crf=" in measured.result.settings
    assert len(measured.pictures) == len(video)


def test_conditions_say_what_was_measured_with(video: Video) -> None:
    conditions = conditions_of(video, "toy.mp4", 4, torch.device("cpu"))
    assert (conditions.width, conditions.height, conditions.frames) == (22, 18, 6)
    assert conditions.frame_rate == "25"
    assert {"torch", "PyAV", "libavcodec"} <= dict(conditions.versions).keys()
