import io
import random
import tracemalloc
from fractions import Fraction
from pathlib import Path

import av
import pytest
from video_clips import SHARED, grey_frame, make_clip, make_info, read, same_samples, write

from nvczoo.errors import VideoError
from nvczoo.video import open_video, parse_rate

CLIPS = sorted((SHARED / "train").glob("*.m*"))[:3]
PHOTOS = sorted((SHARED / "photos").glob("*"))[:1]
PLAYLISTS = (
    b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nother.mp4\n#EXT-X-ENDLIST\n",
    b"ffconcat version 1.0\nfile 'other.mp4'\n",
)


def test_a_file_object_is_read_like_a_file(tmp_path: Path) -> None:
    for ending in ("mkv", "mp4", "y4m"):
        path = write(tmp_path / f"a.{ending}", make_info(32, 32), make_clip(32, 32, 5))

        with path.open("rb") as file:
            assert same_samples(read(file)[1], make_clip(32, 32, 5))
            assert not file.closed


def test_content_decides_and_not_the_name(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mkv", make_info(32, 32), make_clip(32, 32, 5))
    renamed = path.rename(tmp_path / "a:%03d.mp4")

    assert len(read(renamed)[1]) == 5


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "give its size, rate"),
        ({"size": (32, 32)}, "give its frame rate"),
        ({"size": (32, 32), "rate": 0}, "cannot be read|no frame rate"),
        ({"size": (0, 32), "rate": 25}, "width is 0"),
        ({"size": (32,), "rate": 25}, "cannot be read"),
        ({"size": (32, 32), "rate": "fast"}, "no frame rate"),
        ({"size": (32, 32), "rate": 25, "pixel_format": "nonsense"}, "nonsense"),
        ({"pixel_format": "yuv420p"}, "for raw .yuv"),
        ({"size": (30, 32), "rate": 25}, "ends inside picture 1"),
    ],
)
def test_raw_video_needs_to_be_described(tmp_path: Path, values: dict[str, object], message: str) -> None:
    path = tmp_path / "a.yuv"
    path.write_bytes(bytes(32 * 32 * 3 // 2))

    with pytest.raises(VideoError, match=message):
        read(path, **values)


def test_a_rate_is_refused_where_the_file_has_its_own(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mkv", make_info(32, 32), make_clip(32, 32, 1))

    with pytest.raises(VideoError, match="states its own frame rate"):
        open_video(path, rate=30)


@pytest.mark.parametrize(
    ("rate", "value"),
    [
        (25, 25),
        ("30000/1001", Fraction(30000, 1001)),
        ("29.97", Fraction(2997, 100)),
        (12.5, Fraction(25, 2)),
    ],
)
def test_rates_are_numbers_or_fractions(rate: object, value: Fraction) -> None:
    assert parse_rate(rate) == value  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("rate", ["", "1/0", "fast", None, float("inf"), float("nan")])
def test_what_is_no_rate_is_refused(rate: object) -> None:
    with pytest.raises(VideoError, match="no frame rate"):
        parse_rate(rate)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("data", [b"", b"\0", b"abc" * 999, random.Random(1).randbytes(99999), *PLAYLISTS])
def test_garbage_and_lists_of_other_files_are_refused(tmp_path: Path, data: bytes) -> None:
    write(tmp_path / "other.mp4", make_info(32, 32), make_clip(32, 32, 1))
    for ending in ("m3u8", "mkv", "mp4"):
        path = tmp_path / f"list.{ending}"
        path.write_bytes(data)

        with pytest.raises(VideoError, match="is no video that can be read"):
            open_video(path)


def test_sound_alone_is_no_video() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as container:
        container.add_stream("pcm_s16le", rate=8000)
        container.start_encoding()
        container.mux(container.streams.audio[0].encode(_silence()))
    file.seek(0)

    with pytest.raises(VideoError, match="no video stream, only audio"):
        open_video(file)


def _silence() -> av.AudioFrame:
    frame = av.AudioFrame("s16", "stereo", 100)
    frame.sample_rate = 8000
    return frame


def test_a_change_of_size_is_reported_with_its_place() -> None:
    file = io.BytesIO()
    for size in (32, 64):
        with av.open(file, "w", format="mjpeg") as container:
            stream = container.add_stream("mjpeg", rate=25)
            stream.width = stream.height = size
            stream.pix_fmt = "yuvj420p"
            container.mux(stream.encode(grey_frame(size, "yuvj420p")))
            container.mux(stream.encode(None))
    file.seek(0)

    with pytest.raises(VideoError, match=r"picture 1: the format changes .* to \(64, 64"):
        read(file)


@pytest.mark.parametrize("ending", ["mkv", "mp4", "webm"])
def test_truncated_and_damaged_files_raise_video_errors_only(tmp_path: Path, ending: str) -> None:
    clip = make_clip(48, 32, 12)
    data = write(tmp_path / f"a.{ending}", make_info(48, 32), clip).read_bytes()
    generator = random.Random(3)
    for share in (0.01, 0.1, 0.5, 0.9, 0.99):
        with pytest.raises(VideoError):
            read(io.BytesIO(data[: int(len(data) * share)]))
    for _ in range(60):
        damaged = bytearray(data)
        for _ in range(generator.randrange(1, 20)):
            damaged[generator.randrange(len(data))] = generator.randrange(256)
        try:
            read(io.BytesIO(bytes(damaged)), convert=True)
        except VideoError:
            continue


def test_memory_does_not_grow_with_the_length(tmp_path: Path) -> None:
    path = write(tmp_path / "a.y4m", make_info(320, 240), make_clip(320, 240, 4) * 25)
    tracemalloc.start()
    try:
        with open_video(path) as reader:
            assert sum(1 for _ in reader) == 100
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 5 * 320 * 240 * 3 // 2


@pytest.mark.skipif(not PHOTOS, reason="the shared photographs are not at hand")
def test_a_photograph_is_a_video_of_one_picture() -> None:
    reader, clip = read(PHOTOS[0])

    assert len(clip) == 1
    assert reader.info.colour.full_range


@pytest.mark.skipif(not CLIPS, reason="the shared training clips are not at hand")
@pytest.mark.parametrize("path", CLIPS, ids=lambda path: path.stem)
def test_shared_clips_are_read_as_libav_decodes_them(path: Path) -> None:
    reader, clip = read(path)
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))

    assert len(clip) == len(frames)
    assert [picture.pts for picture in clip] == [frame.pts for frame in frames]
    for picture, frame in zip(clip, frames, strict=True):
        planar = frame.to_ndarray()  # Y, then U and V, in rows of the full width
        assert (picture.y.numpy() == planar[: picture.height]).all()
    assert reader.conversion is None
