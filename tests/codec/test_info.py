from dataclasses import replace
from fractions import Fraction

from toy import toy_codec, toy_pictures

from nvczoo.codec import Hierarchical, read_header, stream_info
from nvczoo.video.picture import VideoInfo


def test_a_stream_tells_its_frames_without_a_codec() -> None:
    data = toy_codec(layered=True).encode(toy_pictures(6), 20)
    info = stream_info(data)
    assert info.size == len(data)
    assert info.frame_count == 6
    assert "".join(frame.kind for frame in info.frames) == "IPPPIP"
    assert {frame.q for frame in info.frames} == {20}
    assert [name for name, _ in info.frames[1].layers] == ["", "fine"]
    assert info.video_size == sum(frame.size for frame in info.frames) < info.size
    assert info.frames[0].offset + info.frames[0].size == info.frames[1].offset


def test_frames_shown_before_others_are_b_frames() -> None:
    info = stream_info(toy_codec(Hierarchical(4, 8)).encode(toy_pictures(9)))
    assert [(frame.frame, frame.kind) for frame in info.frames[:5]] == [
        (0, "I"),
        (4, "P"),
        (2, "B"),
        (1, "B"),
        (3, "B"),
    ]


def test_rates_follow_from_times() -> None:
    video = VideoInfo(22, 18, Fraction(25), Fraction(1, 1000))
    times = (0, 40, 120)
    pictures = [replace(one, pts=pts) for one, pts in zip(toy_pictures(3), times, strict=True)]
    info = stream_info(toy_codec().encode(pictures, info=video))
    assert info.duration == Fraction(160, 1000)
    assert info.bit_rate == info.size * 8 / 0.16
    assert info.video_bit_rate < info.bit_rate
    assert info.bits_per_pixel == info.video_size * 8 / (3 * 22 * 18)


def test_the_header_alone_names_the_model() -> None:
    data = toy_codec().encode(toy_pictures(2))
    assert read_header(data).model == "toy"
    assert read_header(data[:400]).model == "toy"
