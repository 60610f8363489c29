"""``nvczoo decode``."""

from pathlib import Path

import av
import numpy as np
import pytest
from tiny_model import MODEL

from nvczoo.cli.main import main
from nvczoo.codec import Video
from nvczoo.video import open_video

pytestmark = pytest.mark.usefixtures("tiny")


def decode(source: Path, target: object, *options: str) -> int:
    return main(["decode", "-i", str(source), "-o", str(target), *options])


def pictures(path: Path) -> list[np.ndarray]:
    with open_video(path) as reader:
        return [np.concatenate([plane.flatten() for plane in picture.planes]) for picture in reader]


@pytest.fixture
def film(tiny_video: Video, tmp_path: Path) -> Path:
    """Return a Matroska file of the tiny video, with sound."""
    path = tmp_path / "film.mkv"
    with av.open(str(path), "w") as container:
        video = container.add_stream("ffv1", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        sound = container.add_stream("flac", rate=8000, layout="mono")
        for number, picture in enumerate(tiny_video):
            planes = np.concatenate([plane.numpy().flatten() for plane in picture.planes])
            frame = av.VideoFrame.from_ndarray(planes.reshape(72, 64), "yuv420p")
            frame.pts = number
            container.mux(video.encode(frame))
        frame = av.AudioFrame.from_ndarray(np.arange(1152, dtype=np.int16)[None], "s16", "mono")
        frame.sample_rate, frame.pts = 8000, 0
        container.mux(sound.encode(frame))
        for one in (video, sound):
            container.mux(one.encode(None))
    return path


def test_a_stream_becomes_a_video_by_the_model_it_names(stream: Path, tmp_path: Path) -> None:
    for name in ("clip.y4m", "clip.mkv"):
        assert decode(stream, tmp_path / name) == 0
    one, other = pictures(tmp_path / "clip.y4m"), pictures(tmp_path / "clip.mkv")
    assert len(one) == 4
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_part_of_it_is_the_part_of_the_whole(stream: Path, tmp_path: Path) -> None:
    assert decode(stream, tmp_path / "all.yuv") == 0
    assert decode(stream, tmp_path / "part.yuv", "--start", "1", "--frames", "2") == 0
    size = 64 * 48 * 3 // 2
    assert (tmp_path / "part.yuv").read_bytes() == (tmp_path / "all.yuv").read_bytes()[size : 3 * size]


def test_y4m_goes_to_stdout(stream: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert decode(stream, "-") == 0
    assert decode(stream, tmp_path / "clip.y4m") == 0
    assert capfdbinary.readouterr().out == (tmp_path / "clip.y4m").read_bytes()


def test_another_codec_may_compress_the_video(stream: Path, tmp_path: Path) -> None:
    options = ("--codec", "libx264", "--crf", "40", "--codec-option", "preset=ultrafast")
    assert decode(stream, tmp_path / "small.mp4", *options) == 0
    assert decode(stream, tmp_path / "clip.mp4") == 0
    assert (tmp_path / "small.mp4").stat().st_size < (tmp_path / "clip.mp4").stat().st_size


def test_options_without_their_codec_are_refused(
    stream: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert decode(stream, tmp_path / "clip.mp4", "--crf", "40") == 1
    assert "name it with --codec" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        decode(stream, tmp_path / "clip.mp4", "--codec-option", "slow")


def test_sound_is_put_back_or_said_to_be_lost(
    film: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    coded = tmp_path / "film.nvc"
    assert main(["encode", "-i", str(film), "-o", str(coded), "-m", MODEL]) == 0
    assert decode(coded, tmp_path / "back.mkv") == 0
    assert capsys.readouterr().err == ""
    assert decode(coded, tmp_path / "mute.y4m") == 0
    assert "cannot hold it: audio in flac" in capsys.readouterr().err
    assert decode(coded, tmp_path / "mute.mkv", "--no-audio") == 0
    assert capsys.readouterr().err == ""
    for name, tracks in (("back.mkv", ["audio"]), ("mute.mkv", [])):
        with open_video(tmp_path / name) as reader:
            assert [track.kind for track in reader.tracks] == tracks


def test_a_damaged_stream_leaves_nothing_and_names_the_packet(
    stream: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = bytearray(stream.read_bytes())
    data[-150] ^= 1
    damaged = tmp_path / "damaged.nvc"
    damaged.write_bytes(data)
    assert decode(damaged, tmp_path / "clip.y4m") == 1
    assert "nvczoo: error: Packet " in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [damaged]


def test_a_stream_of_an_unknown_model_says_how_to_name_it(
    stream: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NVCZOO_PLUGIN_AUTOLOAD", "0")
    assert decode(stream, tmp_path / "clip.y4m") == 1
    message = capsys.readouterr().err
    assert "made with the model 'tiny'" in message
    assert "-m names it" in message


def test_parts_are_swapped_only_in_a_named_model(
    stream: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert decode(stream, tmp_path / "clip.y4m", "--part", "gop=all-intra") == 1
    assert "-m names" in capsys.readouterr().err


def test_what_is_no_stream_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.nvc").write_text("Dear reader")
    assert decode(tmp_path / "text.nvc", tmp_path / "clip.y4m") == 1
    assert "no nvczoo stream" in capsys.readouterr().err
    assert decode(tmp_path / "nowhere.nvc", tmp_path / "clip.y4m") == 1
    assert "nowhere.nvc" in capsys.readouterr().err
