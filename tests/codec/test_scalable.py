"""Layers that can be dropped: one file, two videos, and what is said if a layer is damaged or missing."""

import io
from dataclasses import replace
from fractions import Fraction

import pytest
from independent_parser import packets as split
from toy import toy_codec, toy_pictures

from nvczoo.codec import (
    DecodeOptions,
    EncodeOptions,
    FramePacket,
    Hierarchical,
    Video,
    VideoCodec,
    stream_info,
    strip,
    strip_file,
)
from nvczoo.codec.container import StreamReader
from nvczoo.codec.packet import MAGIC, PacketType, framed
from nvczoo.errors import CorruptStream, NvczooError, SettingError, StreamError
from nvczoo.video import VideoInfo
from nvczoo.video.picture import Picture
from nvczoo.video.tracks import Track, TrackPacket

BASE, CHECKED = DecodeOptions(layers="base"), EncodeOptions(picture_checksums=True)
BASE_CHECKED = EncodeOptions(picture_checksums=True, layers="base")
COUNT = 9
HINT = r"The base layer can be decoded alone: layers='base' in Python, --layers base"
TRACK = Track(0, "audio", "opus", Fraction(1, 48000), "matroska", b"an opus file", "eng", None)
INFO = VideoInfo(22, 18, Fraction(25), Fraction(1, 25), tracks=(TRACK,))


class CountingFile(io.BytesIO):
    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.taken += len(data)
        return data


class Pipe(io.BytesIO):
    def seekable(self) -> bool:
        return False


@pytest.fixture(scope="module")
def codec() -> VideoCodec:
    return toy_codec(layered=True)


@pytest.fixture(scope="module")
def pictures() -> list[Picture]:
    return toy_pictures(COUNT)


@pytest.fixture(scope="module")
def stream(codec: VideoCodec, pictures: list[Picture]) -> bytes:
    video = Video(INFO, tuple(pictures), (TrackPacket(0, 0, 0, 960, 1, b"sound"),))
    return codec.encode(video, 40, CHECKED)


def without(stream: bytes, kind: PacketType) -> bytes:
    """Return the stream as a network leaves it that drops all packets of a type."""
    return MAGIC + b"".join(framed(one, payload) for one, _, payload in split(stream) if one != kind)


def same(one: Video, other: Video) -> bool:
    return one.info == other.info and all(a.same(b) for a, b in zip(one, other, strict=True))


def test_one_stream_holds_the_video_and_a_smaller_one(codec: VideoCodec, stream: bytes) -> None:
    whole, small = codec.decode(stream), codec.decode(stream, BASE)
    assert [(one.width, one.height) for one in (whole.info, small.info)] == [(22, 18), (11, 9)]
    assert {(one.width, one.height) for one in small} == {(11, 9)}
    assert [one.pts for one in small] == list(range(COUNT))
    assert (len(whole), len(small), small.packets) == (COUNT, COUNT, whole.packets)


def test_of_the_base_layer_no_byte_of_the_others_is_read(codec: VideoCodec, stream: bytes) -> None:
    file = CountingFile(stream)
    codec.decode(file, BASE)
    layers = [packet for packet in split(stream) if packet[0] == PacketType.LAYER]
    assert len(layers) == 6  # of nine frames three are intra coded
    assert file.taken == len(stream) - sum(2 + len(payload) for _, _, payload in layers)


def test_a_stripped_stream_is_the_one_that_was_coded_without_the_layer(
    codec: VideoCodec, pictures: list[Picture], stream: bytes
) -> None:
    video = Video(INFO, tuple(pictures), (TrackPacket(0, 0, 0, 960, 1, b"sound"),))
    assert strip(stream) == codec.encode(video, 40, BASE_CHECKED)
    assert strip(strip(stream)) == strip(stream)


def test_a_stripped_stream_decodes_to_the_small_video(codec: VideoCodec, stream: bytes) -> None:
    small = codec.decode(stream, BASE)
    for data in (strip(stream), io.BytesIO(strip(stream)), Pipe(strip(stream))):
        assert same(codec.decode(data), small)
    assert same(codec.decode(strip(stream), BASE), small)
    part = codec.decode(strip(stream), DecodeOptions(start=6, frames=2))
    assert all(one.same(other) for one, other in zip(part, small.pictures[6:8], strict=True))


@pytest.mark.parametrize("data", [bytes, Pipe])
def test_the_base_layer_may_come_from_a_pipe(codec: VideoCodec, stream: bytes, data: type) -> None:
    assert same(codec.decode(data(stream), BASE), codec.decode(strip(stream)))


def test_layers_lost_on_the_way_are_told_and_the_base_layer_remains(codec: VideoCodec, stream: bytes) -> None:
    lossy = without(stream, PacketType.LAYER)
    with pytest.raises(CorruptStream, match=rf"stands where layer 1 of 1 of frame 1 should be\. {HINT}"):
        codec.decode(lossy)
    assert same(codec.decode(lossy, BASE), codec.decode(stream, BASE))
    assert strip(lossy) == strip(stream)


def test_a_damaged_layer_is_told_and_the_base_layer_remains(codec: VideoCodec, stream: bytes) -> None:
    found = split(stream)
    _, at, payload = next(one for one in found if one[0] == PacketType.LAYER)
    for place in (at + 4, at + 6, at + 6 + len(payload) // 2):
        damaged = bytearray(stream)
        damaged[place] ^= 1
        with pytest.raises(StreamError, match=rf"\(layer\) at byte {at} is damaged.*{HINT}"):
            codec.decode(bytes(damaged))
        assert same(codec.decode(bytes(damaged), BASE), codec.decode(stream, BASE))
        assert strip(bytes(damaged)) == strip(stream)


def test_a_layer_of_another_frame_is_corrupt(codec: VideoCodec, stream: bytes) -> None:
    packets = [(kind, payload) for kind, _, payload in split(stream)]
    first, second = [at for at, (kind, _) in enumerate(packets) if kind == PacketType.LAYER][:2]
    packets[first], packets[second] = packets[second], packets[first]
    with pytest.raises(CorruptStream, match=rf"belongs to frame 2, not here\. {HINT}"):
        codec.decode(MAGIC + b"".join(framed(*one) for one in packets))


def test_a_layer_without_a_frame_is_corrupt(codec: VideoCodec, stream: bytes) -> None:
    layer = next(payload for kind, _, payload in split(stream) if kind == PacketType.LAYER)
    packets = [(kind, payload) for kind, _, payload in split(strip(stream))]
    packets.insert(2, (PacketType.LAYER, layer))
    with pytest.raises(CorruptStream, match=r"\(layer\).*stands where a frame"):
        codec.decode(MAGIC + b"".join(framed(*one) for one in packets))


def test_a_session_that_lacks_a_layer_says_so(codec: VideoCodec, stream: bytes) -> None:
    reader, session = StreamReader(io.BytesIO(stream)), codec.decoder()
    session.push(reader.header)
    packets = [packet for packet in reader if isinstance(packet, FramePacket)]
    session.push(packets[0])
    with pytest.raises(CorruptStream, match=rf"frame 1\): the layer 'fine' is missing\. {HINT}"):
        session.push(packets[1].base())


def test_a_session_for_the_base_layer_takes_packets_with_and_without_others(
    codec: VideoCodec, stream: bytes
) -> None:
    reader, session = StreamReader(io.BytesIO(stream)), codec.decoder(layers="base")
    session.push(reader.header)
    shown: list[Picture] = []
    for number, packet in enumerate(reader):
        chosen = packet.base() if isinstance(packet, FramePacket) and number % 2 else packet
        shown += session.push(chosen)
    assert all(one.same(other) for one, other in zip(shown, codec.decode(stream, BASE), strict=True))


def test_a_wrong_base_picture_is_found_in_the_base_layer_alone(codec: VideoCodec, stream: bytes) -> None:
    reader = StreamReader(io.BytesIO(stream))
    packets = [packet for packet in reader if isinstance(packet, FramePacket)]
    wrong = replace(packets[1], base_picture=(packets[1].base_picture or 0) ^ 1)
    for layers, raises in (("all", False), ("base", True)):
        session = codec.decoder(layers=layers)  # pyright: ignore[reportArgumentType]
        session.push(reader.header)
        session.push(packets[0])
        if raises:
            with pytest.raises(StreamError, match="symbols are right, the decoded picture is not"):
                session.push(wrong)
        else:
            assert len(session.push(wrong)) == 1


def test_a_header_that_tells_of_other_layers_than_the_model_is_corrupt(
    codec: VideoCodec, stream: bytes
) -> None:
    header = StreamReader(io.BytesIO(stream)).header
    assert header.layers is not None
    others = (
        None,
        replace(header.layers, names=("fine", "finer")),
        replace(header.layers, base_size=(22, 18)),
    )
    for layers in others:
        with pytest.raises(CorruptStream, match=r"announces .* the model makes"):
            codec.decoder().push(replace(header, layers=layers))


def test_a_codec_of_one_layer_has_no_base_to_pick() -> None:
    plain = toy_codec()
    data = plain.encode(toy_pictures(2))
    with pytest.raises(SettingError, match=r"'toy' has one layer only.*leave layers out"):
        plain.encode(toy_pictures(2), options=EncodeOptions(layers="base"))
    for call in (strip, lambda data: plain.decode(data, BASE)):
        with pytest.raises(SettingError, match="stream has one layer only"):
            call(data)


def test_only_all_or_the_base_can_be_chosen(codec: VideoCodec, stream: bytes) -> None:
    with pytest.raises(SettingError, match="choose 'all' or 'base'"):
        codec.decode(stream, DecodeOptions(layers="fine"))  # pyright: ignore[reportArgumentType]


def test_layers_of_reordered_frames_are_dropped_as_well() -> None:
    codec = toy_codec(Hierarchical(4, 8), layered=True)
    data = codec.encode(toy_pictures(14), options=CHECKED)
    small = codec.decode(strip(data), DecodeOptions(start=3))
    assert [one.pts for one in small] == list(range(3, 14))
    assert all(one.same(other) for one, other in zip(small, codec.decode(data, BASE)[3:], strict=True))  # pyright: ignore


def test_info_tells_the_layers_their_sizes_and_which_are_there(stream: bytes) -> None:
    whole, stripped = stream_info(stream), stream_info(strip(stream))
    assert [(one.name, one.width, one.height, one.present) for one in whole.layers] == [
        ("base", 11, 9, True),
        ("fine", 22, 18, True),
    ]
    assert [one.present for one in stripped.layers] == [True, False]
    assert [one.size for one in stripped.layers] == [whole.layers[0].size, 0]
    assert whole.layers[1].size == sum(size for one in whole.frames for name, size in one.layers if name)
    assert whole.size - stripped.size > whole.layers[1].size > 0


def test_a_file_is_stripped_into_a_file(codec: VideoCodec, stream: bytes, tmp_path) -> None:
    source, target = tmp_path / "whole.nvc", tmp_path / "small.nvc"
    source.write_bytes(stream)
    assert strip_file(source, target) == target.stat().st_size
    assert target.read_bytes() == strip(stream)
    with pytest.raises(NvczooError, match="exists already"):
        strip_file(source, target)
    source.write_bytes(stream[:-60])
    with pytest.raises(StreamError):
        strip_file(source, target, overwrite=True)
    assert target.read_bytes() == strip(stream)
