"""docs/bitstream.md is enough: a parser written from it reads what nvczoo writes, and agrees with it."""

from fractions import Fraction

import independent_parser
import pytest
from torch import Tensor
from toy import toy_codec, toy_pictures

from nvczoo.codec import (
    AllIntra,
    DecodeOptions,
    EncodeOptions,
    Hierarchical,
    LowDelay,
    Video,
    stream_info,
    strip,
)
from nvczoo.codec.container import StreamReader
from nvczoo.codec.files import opened
from nvczoo.codec.frame_packet import FramePacket
from nvczoo.codec.gop_options import all_options, group_of
from nvczoo.codec.pictures import picture_checksum
from nvczoo.interfaces import GopStructure
from nvczoo.video.picture import Colour, VideoInfo
from nvczoo.video.tracks import Track, TrackPacket

STRUCTURES = (
    AllIntra(),
    LowDelay(intra_period=5, long_term=4, pattern=(0, 2, 1)),
    LowDelay(intra_period=-1, long_term=0),
    Hierarchical(size=4, intra_period=8),
)
TRACKS = (
    Track(0, "audio", "opus", Fraction(1, 48000), "matroska", b"an opus file", "eng", None, default=True),
    Track(3, "subtitle", "subrip", Fraction(1, 1000), "mp4", b"a subtitle file", None, "Für Hörgeschädigte"),
)
PACKETS = (TrackPacket(0, -312, -312, 960, 1, b"sound"), TrackPacket(3, 40, 20, 0, 0, b"Hello"))
INFO = VideoInfo(
    22,
    18,
    Fraction(30000, 1001),
    Fraction(1, 1000),
    Colour(True, 6, 5, 6, 1),
    Fraction(16, 11),
    rotation=90,
    tracks=TRACKS,
)


@pytest.fixture(params=STRUCTURES, ids=str)
def gop(request: pytest.FixtureRequest) -> GopStructure:
    return request.param


@pytest.fixture
def stream(gop: GopStructure) -> bytes:
    video = Video(INFO, tuple(toy_pictures(11)), PACKETS)
    return toy_codec(gop, layered=True).encode(video, 41.3, EncodeOptions(picture_checksums=True))


def test_both_parsers_read_the_same_header(stream: bytes) -> None:
    found = independent_parser.parse(stream)["header"]
    header = stream_info(stream).header
    assert found["identity"] == toy_codec(layered=True).identity[:16]
    assert (found["model"], found["coder"], found["profile"]) == ("toy", "toy-varint", "float32")
    assert found["fingerprint"] == header.arithmetic.fingerprint
    assert found["environment"] == header.arithmetic.environment
    assert (found["width"], found["height"], found["rotation"]) == (22, 18, 90)
    assert (found["frame_rate"], found["time_base"]) == (INFO.frame_rate, INFO.time_base)
    assert found["aspect"] == INFO.sample_aspect
    assert found["colour"] == (1, 6, 5, 6, 2)
    assert (found["symbols"], found["pictures"]) == (True, True)
    assert found["q"] == Fraction(round(41.3 * 256), 256)
    assert found["start"] == 0
    assert found["gop"] == header.gop.name
    assert {
        name: tuple(value) if isinstance(value, list) else value for name, value in found["options"].items()
    } == all_options(header.gop)


def test_both_parsers_read_the_same_tracks(stream: bytes) -> None:
    parsed = independent_parser.parse(stream)
    for found, track in zip(parsed["header"]["tracks"], TRACKS, strict=True):
        assert all(found[name] == getattr(track, name) for name in found)
    for found, packet in zip(parsed["tracks"], PACKETS, strict=True):
        assert all(found[name] == getattr(packet, name) for name in found)


def test_both_parsers_read_the_same_frames(stream: bytes) -> None:
    parsed = independent_parser.parse(stream)
    with opened(stream) as file:
        frames = [packet for packet in StreamReader(file) if isinstance(packet, FramePacket)]
    assert len(frames) == 11
    for found, packet in zip(parsed["frames"], frames, strict=True):
        assert found["frame"] == packet.frame
        assert tuple(found["times"]) == packet.times
        main, *others = packet.layers
        assert (found["main"], found["symbols"]) == (main.data, main.symbols)
        assert [(one["name"], one["data"], one["symbols"]) for one in found["further"]] == [
            (layer.name, layer.data, layer.symbols) for layer in others
        ]
        assert found["picture"] == packet.base().picture
        assert [one["picture"] for one in found["further"]] == [packet.picture] * len(others)
        for name in ("intra", "q", "group", "level"):
            assert found[name] == getattr(packet, name)
    offsets = [frame.offset for frame in stream_info(stream).frames]
    assert [found["offset"] for found in parsed["frames"]] == offsets


def test_totals_and_index_are_as_described(stream: bytes) -> None:
    parsed = independent_parser.parse(stream)
    assert parsed["totals"] == (11, 11, 2)
    assert parsed["length"] == 11
    assert parsed["index"] == [(one["frame"], one["offset"]) for one in parsed["frames"] if one["intra"]]


def test_the_described_references_are_those_of_the_structure(stream: bytes, gop: GopStructure) -> None:
    parsed = independent_parser.parse(stream)
    described = independent_parser.references(parsed["header"], 11)
    steps = []
    first = 0
    while first < 11:
        group = group_of(gop, first, 11 - first)
        steps += [(step.frames[0], step.references, step.level) for step in group.steps]
        first = group.last + 1
    assert described == steps
    assert [(frame, level) for frame, _, level in described] == [
        (one["frame"], one["level"]) for one in parsed["frames"]
    ]


def test_picture_checksums_are_as_described(stream: bytes, gop: GopStructure) -> None:
    parsed = independent_parser.parse(stream)
    codec = toy_codec(gop, layered=True)
    video, small = codec.decode(stream), codec.decode(stream, DecodeOptions(layers="base"))
    for found in parsed["frames"]:
        whole, base = (one[found["frame"]].planes for one in (video, small))
        described = found["further"][-1]["picture"] if found["further"] else found["picture"]
        assert described == crc_of(whole) == picture_checksum([whole])
        if found["further"]:  # else it is an intra frame, and its checksum that of the whole picture
            assert found["picture"] == crc_of(base)


def crc_of(planes: tuple[Tensor, ...]) -> int:
    return independent_parser.crc32c(b"".join(bytes(plane.numpy().tobytes()) for plane in planes))


def test_both_parsers_read_the_same_layers_also_of_a_stripped_stream(stream: bytes) -> None:
    for data, base_only in ((stream, False), (strip(stream), True)):
        parsed = independent_parser.parse(data)
        found, layers = parsed["header"], stream_info(data).header.layers
        assert layers is not None
        assert (found["layers"], found["base_size"]) == (["fine"], (11, 9))
        assert (tuple(found["layers"]), found["base_size"]) == (layers.names, layers.base_size)
        assert found["base_only"] == layers.base_only == base_only
        assert base_only <= all(one["further"] == [] for one in parsed["frames"])


def test_the_described_checksum_is_crc_32c() -> None:
    assert independent_parser.crc32c(b"123456789") == 0xE3069283
