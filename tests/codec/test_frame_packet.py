from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import HEADERS, frame_packets
from test_header import header

from nvczoo.codec.frame_packet import KNOWN_FLAGS, FrameHead, FramePacket
from nvczoo.codec.header import LayerDescription, StreamHeader
from nvczoo.codec.layer_packet import Layer, LayerPacket
from nvczoo.codec.packet import (
    MAX_LENGTH_BYTES,
    PacketType,
    checksum_bytes,
    crc32c,
    parse_length,
    parse_packet,
)
from nvczoo.codec.wire import ByteWriter
from nvczoo.errors import CorruptStream, SettingError, StreamError, UnsupportedStream

PLACE = "Packet 4 (frame) at byte 99"
HEADER = header()
LAYERED = replace(HEADER, layers=LayerDescription(("fine", "finer"), (8, 6)))
PLAIN = FramePacket(3, (3,), 32.0, (Layer(b"abc", symbols=5),), intra=False)


def read(data: bytes, header_: StreamHeader) -> FramePacket:
    """Return the frame in a packet and in those of its layers, as a stream's reader puts it together."""
    head, packets = None, []
    for place, one in enumerate(split(data)):
        raw = parse_packet(one, place)
        if head is None:
            head = FrameHead.from_payload(raw.payload, raw.where, header_)
        else:
            packets.append(LayerPacket.from_payload(raw.payload, raw.where, header_))
    assert head is not None
    assert head.following == len(packets)
    return head.with_layers(packets, PLACE)


def split(data: bytes) -> list[bytes]:
    """Return the packets that follow each other in ``data``."""
    packets = []
    while data:
        length, head = parse_length(memoryview(data)[1 : 1 + MAX_LENGTH_BYTES], PLACE)
        size = 1 + head + checksum_bytes(length) + length
        packets.append(data[:size])
        data = data[size:]
    return packets


@given(st.data(), HEADERS)
def test_frame_packets_come_back(data: st.DataObject, header_: StreamHeader) -> None:
    packet = data.draw(frame_packets(header_))
    assert read(packet.to_bytes(header_), header_) == packet


@given(st.data())
def test_a_frame_packet_with_any_bits_wrong_is_a_packet_or_a_stream_error(data: st.DataObject) -> None:
    packets = split(data.draw(frame_packets(LAYERED)).to_bytes(LAYERED))
    number = data.draw(st.integers(0, len(packets) - 1))
    damaged = bytearray(parse_packet(packets[number]).payload)
    for bit in data.draw(st.lists(st.integers(0, 8 * len(damaged) - 1), min_size=1, max_size=4)):
        damaged[bit // 8] ^= 1 << bit % 8
    with suppress(StreamError):
        (LayerPacket if number else FrameHead).from_payload(damaged, PLACE, LAYERED)


def test_an_ordinary_frame_costs_eight_bytes_beside_its_data() -> None:
    assert len(PLAIN.to_bytes(HEADER)) == 8 + len(b"abc")


def test_flags_of_a_later_version_are_unsupported() -> None:
    data = ByteWriter().varint(KNOWN_FLAGS + 1, 3).bytes()
    with pytest.raises(UnsupportedStream, match="newer"):
        FrameHead.from_payload(data, PLACE, HEADER)


@pytest.mark.parametrize(
    ("more", "rest", "message"),
    [
        (0, (63 * 256 + 1,), r"q is 63\.00"),
        (32, (), r"q is 64\.0; from 0\.0 to 63\.0"),
        (-33, (), r"q is -1\.0"),
        (0, (40 * 256,), "q is not in its shortest form"),
    ],
)
def test_a_q_that_cannot_be_is_corrupt(more: int, rest: tuple[int, ...], message: str) -> None:
    data = ByteWriter().varint(8, 3).signed(more).fixed("H" * len(rest), *rest).bytes()
    with pytest.raises(CorruptStream, match=message):
        FrameHead.from_payload(data, PLACE, replace(HEADER, q=32.0))


@pytest.mark.parametrize(("q", "size"), [(32.0, 0), (40.0, 1), (0.0, 1), (40.5, 3)])
def test_a_q_of_its_own_costs_a_byte_if_it_is_whole_numbers_away(q: float, size: int) -> None:
    usual = replace(HEADER, q=32.0)
    data = replace(PLAIN, q=q).to_bytes(usual)
    assert len(data) - len(PLAIN.to_bytes(usual)) == size
    assert read(data, usual).q == q


def test_each_layer_is_a_packet_of_its_own_and_the_base_is_the_first() -> None:
    layers = (Layer(b"main", symbols=1), Layer(b"fine data", "fine", 2), Layer(b"", "finer", 3))
    packet = FramePacket(3, (3,), 32.0, layers, intra=False, picture=9, base_picture=8)
    kinds = [one[0] for one in split(packet.to_bytes(LAYERED))]
    assert kinds == [PacketType.FRAME, PacketType.LAYER, PacketType.LAYER]
    base = packet.base()
    assert (base.layers, base.picture, base.base_picture) == (layers[:1], 8, None)
    assert base.base() == base == read(base.to_bytes(LAYERED), LAYERED)


def test_two_layers_of_one_name_are_corrupt() -> None:
    layer = Layer(b"x", "fine", 1)
    data = FramePacket(3, (3,), 32.0, (Layer(b"", symbols=1), layer, layer), intra=False).to_bytes(LAYERED)
    with pytest.raises(CorruptStream, match="'fine' of frame 3 comes twice"):
        read(data, LAYERED)


def test_a_layer_that_the_header_does_not_know_is_corrupt() -> None:
    data = ByteWriter().varint(2, 3, 0).bytes()
    for known, count in ((LAYERED, 2), (HEADER, 0)):
        with pytest.raises(CorruptStream, match=f"layer 2, the header knows {count}"):
            LayerPacket.from_payload(data, PLACE, known)


def test_a_layer_that_the_codec_does_not_announce_is_refused() -> None:
    packet = FramePacket(3, (3,), 32.0, (Layer(b""), Layer(b"", "coarse")), intra=False)
    for known, names in ((LAYERED, "fine, finer"), (HEADER, "none")):
        with pytest.raises(SettingError, match=f"'coarse' of frame 3, and announces {names}"):
            packet.to_bytes(known)


@pytest.mark.parametrize("names", [(), ("fine", "fine"), ("fine", ""), tuple(map(str, range(17)))])
def test_layers_without_names_of_their_own_are_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(SettingError, match="1 to 16 with names of their own"):
        LayerDescription(names, (8, 6))


def test_the_checksum_is_crc_32c() -> None:
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(b"6789", crc32c(b"12345")) == 0xE3069283
