import io
import random
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from video_clips import make_clip, make_info, read, same_samples, write

from nvczoo.errors import VideoError
from nvczoo.video import Colour, open_video
from nvczoo.video.y4m import MAGIC, MAX_HEADER_BYTES

HEADER = "YUV4MPEG2 W16 H16 F25:1 Ip A1:1 C420jpeg"
FRAME = b"FRAME\n" + bytes(16 * 16 * 3 // 2)


def stream(header: str = HEADER, frames: bytes = FRAME) -> io.BytesIO:
    return io.BytesIO(header.encode() + b"\n" + frames)


@pytest.mark.parametrize("size", [(16, 16), (35, 17), (1, 1)])
@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30000, 1001)])
def test_pictures_come_back_bit_for_bit(tmp_path: Path, size: tuple[int, int], rate: Fraction) -> None:
    colour = Colour(full_range=True, chroma_location=0)
    info = make_info(*size, rate, colour=colour, sample_aspect=Fraction(4, 3))
    clip = make_clip(*size, 3)

    reader, found = read(write(tmp_path / "a.y4m", info, clip))

    assert same_samples(found, clip)
    assert [picture.pts for picture in found] == [0, 1, 2]
    assert reader.info == replace(info, frame_count=3)


@pytest.mark.parametrize(
    ("tag", "location"), [("", None), ("420", None), ("420jpeg", 1), ("420mpeg2", 0), ("420paldv", 2)]
)
def test_every_8_bit_420_variant_is_known(tag: str, location: int | None) -> None:
    header = HEADER.replace(" C420jpeg", f" C{tag}" if tag else "")

    assert read(stream(header))[0].info.colour.chroma_location == location


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (HEADER.replace("420jpeg", "444"), "chroma format is '444'"),
        (HEADER.replace("420jpeg", "420p10"), "chroma format is '420p10'"),
        (HEADER.replace("420jpeg", "mono"), "only 8-bit 4:2:0"),
        (HEADER.replace("Ip", "It"), "only progressive"),
        (HEADER.replace("Ip", "Im"), "only progressive"),
        (HEADER.replace("W16", "W0"), "width is 0"),
        (HEADER.replace("W16", "W99999"), "width is 99999"),
        (HEADER.replace("W16", "W-16"), "as width"),
        (HEADER.replace("H16 ", ""), "as height"),
        (HEADER.replace("F25:1", "F0:0"), "no frame rate"),
        (HEADER.replace("F25:1", "Ffast"), "30000:1001"),
        (HEADER.replace("F25:1", "F9999999999:1"), "frame_rate"),
        (HEADER.replace("A1:1", "A1:9999999999"), "sample_aspect"),
        ("YUV4MPEG2000", "not y4m"),
        (HEADER + " X" + "x" * MAX_HEADER_BYTES, "longer than"),
    ],
)
def test_headers_that_cannot_be_used_are_told_apart(header: str, message: str) -> None:
    with pytest.raises(VideoError, match=message):
        open_video(stream(header))


def test_a_header_without_end_is_reported() -> None:
    with pytest.raises(VideoError, match="cut off"):
        open_video(io.BytesIO(HEADER.encode()))


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (FRAME[:-1], "ends inside picture 0"),
        (FRAME + FRAME[:50], "ends inside picture 1"),
        (FRAME + b"FRAME\n", "after the header of picture 1"),
        (FRAME + b"FRA", "header of picture 1.*cut off"),
        (FRAME + b"FRAMES\n", "not with FRAME"),
        (b"FRAME" + b" " * 2000, "longer than"),
    ],
)
def test_damage_between_pictures_is_told_with_its_place(frames: bytes, message: str) -> None:
    with pytest.raises(VideoError, match=message):
        read(stream(frames=frames))


def test_a_rate_can_be_given_where_the_header_has_none() -> None:
    reader, _ = read(stream(HEADER.replace("F25:1", "F0:0")), rate="24000/1001")

    assert reader.info.frame_rate == Fraction(24000, 1001)


def test_parameters_of_pictures_are_passed_over() -> None:
    _, clip = read(stream(frames=FRAME.replace(b"FRAME", b"FRAME Xcomment=1")))

    assert len(clip) == 1


def test_random_damage_never_raises_anything_but_video_errors() -> None:
    sound = stream(frames=FRAME * 2).getvalue()
    generator = random.Random(5)
    for _ in range(300):
        data = bytearray(sound[: generator.randrange(len(MAGIC), len(sound))])
        for _ in range(generator.randrange(4)):
            data[generator.randrange(len(MAGIC), min(60, len(data) + 1)) - 1] = generator.randrange(256)
        try:
            read(io.BytesIO(bytes(data)))
        except VideoError:
            continue
