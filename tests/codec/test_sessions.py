"""Encoder and decoder sessions: order, references, times, and what a decoder refuses."""

from dataclasses import replace
from fractions import Fraction

import pytest
import torch
from toy import ToyChunk, ToyInter, ToyIntra, VarintCoder, toy_codec, toy_pictures

from nvczoo.codec import (
    AllIntra,
    EndPacket,
    FramePacket,
    Hierarchical,
    LowDelay,
    Seek,
    StreamHeader,
    VideoCodec,
)
from nvczoo.codec.container import Packet
from nvczoo.codec.files import EncodeOptions
from nvczoo.errors import (
    ArithmeticMismatch,
    CorruptStream,
    SettingError,
    ShapeError,
    TruncatedStream,
    UnsupportedStream,
)
from nvczoo.interfaces import CodingStep, GopStructure
from nvczoo.video.picture import Picture, VideoInfo

INFO = VideoInfo(22, 18, Fraction(25), Fraction(1, 25))
CHECKED = EncodeOptions(picture_checksums=True)
STRUCTURES = (
    AllIntra(),
    LowDelay(intra_period=4),
    LowDelay(intra_period=-1, long_term=0, pattern=(0, 1), refresh=2),
    Hierarchical(size=4, intra_period=8),
    Hierarchical(size=6, intra_period=-1),
)


class Chunks(GopStructure):
    """Frame 0, then chunks of four, each from the last frame before it."""

    group = 4
    references_per_step = 1

    def steps(self, first: int, count: int) -> tuple[CodingStep, ...]:
        frames = tuple(range(first, first + count))
        return (CodingStep(frames, (first - 1,) if first else ()),)

    def is_entry(self, frame: int) -> bool:
        return frame == 0


def encoded(codec: VideoCodec, pictures: list[Picture], info: VideoInfo = INFO) -> list[Packet]:
    session = codec.encoder(info, 50, CHECKED)
    packets = [packet for picture in pictures for packet in session.push(picture)]
    return packets + session.flush()


def decoded(codec: VideoCodec, packets: list[Packet], entry: int = 0) -> list[Picture]:
    session = codec.decoder(Seek(entry))
    pictures = [picture for packet in packets for picture in session.push(packet)]
    return pictures + session.flush()


@pytest.mark.parametrize("gop", STRUCTURES, ids=str)
@pytest.mark.parametrize("count", [1, 2, 5, 9, 14])
def test_pictures_come_back_in_display_order_whatever_the_structure(gop: GopStructure, count: int) -> None:
    codec = toy_codec(gop)
    pictures = toy_pictures(count)
    returned = decoded(codec, encoded(codec, pictures))
    assert [picture.pts for picture in returned] == list(range(count))
    for picture, original in zip(returned, pictures, strict=True):
        error = (picture.y.int() - original.y.int()).abs().float().mean()
        assert error < 20


@pytest.mark.parametrize("layout", ["packed420", "yuv444", "rgb"])
def test_every_layout_decodes_to_the_bit(layout: str) -> None:
    codec = toy_codec(layout=layout)  # pyright: ignore[reportArgumentType]
    assert len(decoded(codec, encoded(codec, toy_pictures(3)))) == 3


def test_chunks_are_coded_together_and_the_last_is_filled_by_repetition() -> None:
    codec = VideoCodec(ToyIntra(), ToyChunk(), Chunks(), None, VarintCoder())
    packets = encoded(codec, toy_pictures(7))
    frames = [packet.frames for packet in packets if isinstance(packet, FramePacket)]
    assert frames == [(0,), (1, 2, 3, 4), (5, 6)]
    assert len(decoded(codec, packets)) == 7


def test_references_do_not_pile_up() -> None:
    codec = toy_codec(LowDelay(intra_period=-1, long_term=4))
    encoder, decoder = codec.encoder(INFO), codec.decoder()
    for number, picture in enumerate(toy_pictures(30)):
        for packet in encoder.push(picture):
            assert len(decoder.push(packet)) in (0, 1)
        assert encoder.references == decoder.references == min(number + 1, 4)


def test_low_delay_gives_each_picture_at_once() -> None:
    codec = toy_codec()
    session = codec.encoder(INFO)
    counts = [len(session.push(picture)) for picture in toy_pictures(4)]
    assert counts == [2, 1, 1, 1]  # the header comes with the first


def test_a_group_waits_until_it_is_full() -> None:
    session = toy_codec(Hierarchical(size=4, intra_period=-1)).encoder(INFO)
    assert [len(session.push(picture)) for picture in toy_pictures(7)] == [2, 0, 0, 0, 4, 0, 0]
    *frames, end = session.flush()
    assert [packet.frame for packet in frames if isinstance(packet, FramePacket)] == [6, 5]
    assert end == EndPacket(7, 7)


def test_uneven_times_are_kept() -> None:
    codec = toy_codec()
    times = [5, 6, 9, 9, 30]
    pictures = [replace(one, pts=pts) for one, pts in zip(toy_pictures(5), times, strict=True)]
    assert [picture.pts for picture in decoded(codec, encoded(codec, pictures))] == times


def test_pictures_without_times_follow_at_the_frame_rate() -> None:
    codec = toy_codec()
    info = replace(INFO, frame_rate=Fraction(30), time_base=Fraction(1, 1000))
    pictures = toy_pictures(4)
    pictures[0] = replace(pictures[0], pts=1000)
    returned = decoded(codec, encoded(codec, pictures, info))
    assert [picture.pts for picture in returned] == [1000, 1033, 1067, 1100]


def test_each_picture_may_have_its_own_q() -> None:
    codec = toy_codec()
    session = codec.encoder(INFO, 20)
    packets = [packet for picture in toy_pictures(3) for packet in session.push(picture, q=40.5)]
    assert [packet.q for packet in packets if isinstance(packet, FramePacket)] == [40.5] * 3
    header = packets[0]
    assert isinstance(header, StreamHeader)
    assert header.q == 20
    assert len(decoded(codec, packets + session.flush())) == 3


def test_decoding_from_an_intra_frame_leaves_out_what_is_shown_before_it() -> None:
    codec = toy_codec(Hierarchical(size=4, intra_period=8))
    packets = encoded(codec, toy_pictures(14))
    whole = decoded(codec, packets)
    header, end = packets[0], packets[-1]
    frames = [packet for packet in packets if isinstance(packet, FramePacket)]
    start = next(at for at, packet in enumerate(frames) if packet.frame == 8)
    late = decoded(codec, [header, *frames[start:], end], entry=8)
    assert len(late) == 6
    assert all(one.same(other) for one, other in zip(late, whole[8:], strict=True))


def test_decoding_cannot_start_at_a_frame_that_needs_others() -> None:
    codec = toy_codec()
    packets = encoded(codec, toy_pictures(6))
    with pytest.raises(SettingError, match="no intra frame"):
        codec.decoder(Seek(3)).push(packets[0])


def test_a_stream_without_an_end_is_truncated() -> None:
    codec = toy_codec()
    with pytest.raises(TruncatedStream, match=r"after 3 frame packets"):
        decoded(codec, encoded(codec, toy_pictures(3))[:-1])


def test_wrong_totals_are_corrupt() -> None:
    codec = toy_codec()
    packets = encoded(codec, toy_pictures(3))
    with pytest.raises(CorruptStream, match="4 frames in 3 packets; 3 frames in 3 packets"):
        decoded(codec, [*packets[:-1], EndPacket(4, 3)])


def test_nothing_follows_the_end() -> None:
    codec = toy_codec()
    packets = encoded(codec, toy_pictures(2))
    with pytest.raises(CorruptStream, match="follows the end"):
        decoded(codec, [*packets, packets[1]])


def test_a_stream_ends_with_a_whole_group() -> None:
    codec = toy_codec(Hierarchical(size=4, intra_period=-1))
    *packets, _ = encoded(codec, toy_pictures(5))
    with pytest.raises(TruncatedStream, match="within the group that starts at frame 1"):
        decoded(codec, [*packets[:-1], EndPacket(5, 5)])


def test_nothing_but_the_end_follows_a_short_group() -> None:
    codec = toy_codec(Hierarchical(size=4, intra_period=-1))
    *packets, _ = encoded(codec, toy_pictures(3))
    frame = packets[-1]
    assert isinstance(frame, FramePacket)
    with pytest.raises(CorruptStream, match="nothing can follow a short group"):
        decoded(codec, [*packets, replace(frame, frame=3, times=(3,), group=1)])


@pytest.mark.parametrize(
    "change",
    [{"frame": 9}, {"intra": True}, {"level": 1}, {"group": 1}, {"times": (1, 2)}],
    ids=str,
)
def test_a_packet_that_does_not_fit_the_structure_is_corrupt(change: dict[str, object]) -> None:
    codec = toy_codec()
    packets = encoded(codec, toy_pictures(3))
    frame = packets[2]
    assert isinstance(frame, FramePacket)
    packets[2] = replace(frame, **change)
    with pytest.raises(CorruptStream, match="Frame packet 1"):
        decoded(codec, packets)


def test_frames_before_the_header_and_second_headers_are_corrupt() -> None:
    codec = toy_codec()
    packets = encoded(codec, toy_pictures(1))
    with pytest.raises(CorruptStream, match="begins with its header"):
        codec.decoder().push(packets[1])
    with pytest.raises(CorruptStream, match="second header"):
        decoded(codec, [packets[0], *packets])


def header_of(codec: VideoCodec) -> StreamHeader:
    header = encoded(codec, toy_pictures(1))[0]
    assert isinstance(header, StreamHeader)
    return header


def test_another_model_is_unsupported() -> None:
    other = VideoCodec(ToyIntra(), ToyInter(), LowDelay(), None, VarintCoder(), "other", {"inter": "other"})
    with pytest.raises(UnsupportedStream, match=r"'toy'.*'other'"):
        other.decoder().push(header_of(toy_codec()))


def test_other_weights_are_unsupported() -> None:
    codec, other = toy_codec(), toy_codec()
    with torch.no_grad():
        next(other.parameters())[0, 0, 0, 0] += 1e-6
    with pytest.raises(UnsupportedStream, match="weights differ"):
        other.decoder().push(header_of(codec))


def test_another_coder_is_unsupported() -> None:
    codec = toy_codec()
    with pytest.raises(UnsupportedStream, match=r"'abacus'.*'toy-varint'"):
        codec.decoder().push(replace(header_of(codec), coder="abacus"))


def test_other_arithmetic_is_refused_before_the_first_frame() -> None:
    codec = toy_codec()
    header = header_of(codec)
    other = replace(header.arithmetic, fingerprint=header.arithmetic.fingerprint ^ 1, environment="abacus 3")
    with pytest.raises(ArithmeticMismatch, match=r"Encoded with: abacus 3. Here is: nvczoo"):
        codec.decoder().push(replace(header, arithmetic=other))
    with pytest.raises(ArithmeticMismatch, match=r"'float8'.*newer"):
        codec.decoder().push(replace(header, arithmetic=replace(other, profile="float8")))


def test_a_wrong_picture_from_right_symbols_is_an_arithmetic_mismatch() -> None:
    codec = toy_codec()
    packets = encoded(codec, toy_pictures(2))
    frame = packets[1]
    assert isinstance(frame, FramePacket)
    packets[1] = replace(frame, picture=(frame.picture or 0) ^ 1)
    with pytest.raises(ArithmeticMismatch, match=r"Frame packet 0.*symbols are right"):
        decoded(codec, packets)


def test_wrong_symbols_are_corrupt() -> None:
    codec = toy_codec()
    packets = encoded(codec, toy_pictures(2))
    frame = packets[1]
    assert isinstance(frame, FramePacket)
    main = frame.layers[0]
    packets[1] = replace(frame, layers=(replace(main, data=bytes([main.data[0] ^ 2]) + main.data[1:]),))
    with pytest.raises(CorruptStream, match=r"Frame packet 0.*symbols are not those"):
        decoded(codec, packets)


def test_pictures_larger_than_allowed_are_refused() -> None:
    codec = toy_codec()
    with pytest.raises(UnsupportedStream, match=r"22x18; at most 395 pixels.*max_pixels"):
        codec.decoder(max_pixels=395).push(header_of(codec))


def test_pictures_of_another_size_are_refused() -> None:
    session = toy_codec().encoder(INFO)
    with pytest.raises(ShapeError, match="Picture 0 is 24x18, the video 22x18"):
        session.push(toy_pictures(1, 24, 18)[0])


def test_a_flushed_session_is_spent() -> None:
    session = toy_codec().encoder(INFO)
    session.push(toy_pictures(1)[0])
    session.flush()
    with pytest.raises(SettingError, match="flushed"):
        session.push(toy_pictures(1)[0])


def test_an_empty_video_is_refused() -> None:
    with pytest.raises(SettingError, match="no picture"):
        toy_codec().encoder(INFO).flush()


def test_a_codec_in_training_mode_does_not_code() -> None:
    codec = toy_codec().train()
    with pytest.raises(SettingError, match=r"eval\(\)"):
        codec.encoder(INFO)


@pytest.mark.parametrize("q", [-0.1, 63.1, float("nan"), float("inf"), True, "32"])
def test_a_q_off_the_scale_is_refused(q: float) -> None:
    with pytest.raises(SettingError, match=r"from 0 .* to 63"):
        toy_codec().encoder(INFO, q)
