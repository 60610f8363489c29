import io
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest
from video_clips import FOREMAN, make_clip, make_info, read, same_samples, write

from nvczoo.errors import ShapeError, VideoError
from nvczoo.video import Colour, TrackPacket, create_video

LIBRARY_FORMATS = ("mkv", "webm", "mp4", "mov")
TAGGED = Colour(full_range=True, matrix=1, primaries=9, transfer=13)


@pytest.mark.parametrize("ending", LIBRARY_FORMATS)
@pytest.mark.parametrize("colour", [TAGGED, Colour(), Colour(matrix=6, primaries=6, transfer=6)])
def test_pictures_and_colours_come_back_bit_for_bit(tmp_path: Path, ending: str, colour: Colour) -> None:
    info, clip = make_info(64, 48, colour=colour), make_clip(64, 48, 5)

    reader, found = read(write(tmp_path / f"a.{ending}", info, clip))

    assert same_samples(found, clip)
    assert reader.info.colour == colour
    assert reader.conversion is None


@pytest.mark.parametrize("ending", ["mkv", "webm", "mp4"])
def test_odd_sizes_come_back_bit_for_bit(tmp_path: Path, ending: str) -> None:
    clip = make_clip(35, 17, 4)

    reader, found = read(write(tmp_path / f"a.{ending}", make_info(35, 17), clip))

    assert (reader.info.width, reader.info.height) == (35, 17)
    assert same_samples(found, clip)


def test_raw_planes_come_back_bit_for_bit(tmp_path: Path) -> None:
    path = write(tmp_path / "a.yuv", make_info(35, 17), make_clip(35, 17, 3))

    reader, found = read(path, size=(35, 17), rate="30000/1001", pixel_format="yuvj420p")

    assert same_samples(found, make_clip(35, 17, 3))
    assert reader.info.frame_rate == Fraction(30000, 1001)
    assert reader.info.frame_count == 3
    assert reader.info.colour.full_range


@pytest.mark.parametrize("ending", LIBRARY_FORMATS)
@pytest.mark.parametrize("rate", [Fraction(30000, 1001), Fraction(24000, 1001), Fraction(25), Fraction(60)])
def test_fractional_rates_survive(tmp_path: Path, ending: str, rate: Fraction) -> None:
    reader, _ = read(write(tmp_path / f"a.{ending}", make_info(32, 32, rate), make_clip(32, 32, 30)))

    assert reader.info.frame_rate == rate


@pytest.mark.parametrize("ending", LIBRARY_FORMATS)
def test_varying_times_survive(tmp_path: Path, ending: str) -> None:
    times = (0, 3000, 4500, 4590, 27000, 90000)
    clip = [replace(p, pts=t) for p, t in zip(make_clip(32, 32, 6), times, strict=True)]

    reader, found = read(
        write(tmp_path / f"a.{ending}", make_info(32, 32, time_base=Fraction(1, 90000)), clip)
    )

    seconds = [float(picture.pts * reader.info.time_base) for picture in found if picture.pts is not None]
    assert seconds == pytest.approx([time / 90000 for time in times], abs=0.0005)
    if ending in ("mp4", "mov"):
        assert [picture.pts for picture in found] == list(times)


def test_pictures_without_times_follow_at_the_nominal_rate(tmp_path: Path) -> None:
    clip = [replace(picture, pts=None) for picture in make_clip(32, 32, 3)]

    _, found = read(write(tmp_path / "a.mp4", make_info(32, 32, time_base=Fraction(1, 12800)), clip))

    assert [picture.pts for picture in found] == [0, 512, 1024]


@pytest.mark.parametrize("ending", ["mkv", "mp4"])
def test_sample_aspect_and_rotation_survive(tmp_path: Path, ending: str) -> None:
    info = make_info(64, 48, sample_aspect=Fraction(4, 3), rotation=90)

    reader, found = read(write(tmp_path / f"a.{ending}", info, make_clip(64, 48, 2)))

    assert (reader.info.sample_aspect, reader.info.rotation) == (Fraction(4, 3), 90)
    assert same_samples(found, make_clip(64, 48, 2))


def test_a_codec_and_its_options_can_be_chosen(tmp_path: Path) -> None:
    info, clip = make_info(64, 48), make_clip(64, 48, 10)
    sizes = [
        write(tmp_path / f"{crf}.mp4", info, clip, codec="libx264", options={"crf": crf}).stat().st_size
        for crf in ("10", "45")
    ]

    assert sizes[0] > 2 * sizes[1]


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("a.avi", {}, "no known format"),
        ("a", {}, "no known format"),
        ("a.mkv", {"codec": "nonsense"}, "no encoder 'nonsense'"),
        ("a.mkv", {"codec": "aac"}, "codes no video"),
        ("a.mp4", {"codec": "libx264", "options": {"preset": "nonsense"}}, "libx264"),
        ("a.mov", {}, "no lossless codec for the odd size 35x17"),
        ("a.mp4", {"codec": "libx264"}, "libx264 cannot code 35x17"),
        ("a.y4m", {"codec": "ffv1"}, "not compressed"),
    ],
)
def test_what_cannot_be_written_is_said_before_the_first_picture(
    tmp_path: Path, name: str, values: dict[str, object], message: str
) -> None:
    with pytest.raises(VideoError, match=message):
        write(tmp_path / name, make_info(35, 17), [], **values)
    assert list(tmp_path.iterdir()) == []


def test_a_sample_aspect_that_would_be_lost_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="sample aspect 4/3"):
        write(tmp_path / "a.webm", make_info(64, 48, sample_aspect=Fraction(4, 3)), [])


@pytest.mark.parametrize("ending", ["mkv", "mp4", "y4m"])
def test_pictures_of_another_size_are_refused(tmp_path: Path, ending: str) -> None:
    with pytest.raises(ShapeError, match=r"\(16, 16\).*\(32, 32\)"):
        write(tmp_path / f"a.{ending}", make_info(32, 32), make_clip(16, 16, 1))
    assert list(tmp_path.iterdir()) == []


def test_times_that_go_back_are_refused(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="must advance"):
        write(tmp_path / "a.mkv", make_info(32, 32), make_clip(32, 32, 2)[::-1])


@pytest.mark.parametrize("ending", ["mkv", "mp4", "webm", "y4m", "yuv"])
def test_an_interrupted_write_leaves_no_file(tmp_path: Path, ending: str) -> None:
    def interrupted() -> None:
        with create_video(tmp_path / f"a.{ending}", make_info(32, 32)) as writer:
            writer.write(make_clip(32, 32, 1)[0])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_is_kept_unless_told_otherwise(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mkv", make_info(32, 32), make_clip(32, 32, 1))

    with pytest.raises(VideoError, match="exists already"):
        write(path, make_info(32, 32), make_clip(32, 32, 2))
    write(path, make_info(32, 32), make_clip(32, 32, 2), overwrite=True)

    assert len(read(path)[1]) == 2


def test_packets_of_unknown_tracks_are_refused(tmp_path: Path) -> None:
    packet = TrackPacket(3, 0, 0, 0, 0, b"x")
    for name in ("a.mkv", "a.y4m"):
        with create_video(tmp_path / name, make_info(32, 32)) as writer:
            with pytest.raises(VideoError, match=r"tracks of this file|pictures only"):
                writer.write_packet(packet)
            writer.write(make_clip(32, 32, 1)[0])


def test_libav_reads_our_y4m_and_we_read_its(tmp_path: Path) -> None:
    clip = make_clip(34, 18, 3)
    ours = write(tmp_path / "a.y4m", make_info(34, 18, Fraction(30000, 1001)), clip)
    theirs = io.BytesIO()
    with av.open(str(ours)) as source, av.open(theirs, "w", format="yuv4mpegpipe") as target:
        stream = target.add_stream("wrapped_avframe", rate=Fraction(30000, 1001))
        stream.width, stream.height, stream.pix_fmt = 34, 18, "yuv420p"
        for frame in source.decode(video=0):
            target.mux(stream.encode(frame))
    theirs.seek(0)

    reader, found = read(theirs)

    assert same_samples(found, clip)
    assert reader.info.frame_rate == Fraction(30000, 1001)


@pytest.mark.skipif(not FOREMAN.exists(), reason="the shared test sequences are not at hand")
@pytest.mark.parametrize("ending", ["y4m", *LIBRARY_FORMATS])
def test_a_real_sequence_survives_every_format(tmp_path: Path, ending: str) -> None:
    reader, clip = read(FOREMAN)

    copy, found = read(write(tmp_path / f"a.{ending}", reader.info, clip[:12]))

    assert same_samples(found, clip[:12])
    assert copy.info.frame_rate == reader.info.frame_rate == 30
