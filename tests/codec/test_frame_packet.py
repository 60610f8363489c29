from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import HEADERS, frame_packets
from test_header import header

from nvczoo.codec.frame_packet import KNOWN_FLAGS, MAX_LAYERS, FramePacket, Layer
from nvczoo.codec.packet import crc32c, parse_packet
from nvczoo.codec.wire import ByteWriter
from nvczoo.errors import CorruptStream, SettingError, StreamError, UnsupportedStream

PLACE = "Packet 4 (frame) at byte 99"
HEADER = header()
PLAIN = FramePacket(3, (3,), 32.0, (Layer(b"abc", symbols=5),), intra=False)


def payload(packet: FramePacket) -> bytes:
    return bytes(parse_packet(packet.to_bytes(HEADER)).payload)


@given(st.data(), HEADERS)
def test_frame_packets_come_back(data: st.DataObject, header_: object) -> None:
    packet = data.draw(frame_packets(header_))
    raw = parse_packet(packet.to_bytes(header_))
    assert FramePacket.from_payload(raw.payload, PLACE, header_) == packet


@given(st.data())
def test_a_frame_packet_with_any_bits_wrong_is_a_packet_or_a_stream_error(data: st.DataObject) -> None:
    damaged = bytearray(payload(data.draw(frame_packets(HEADER))))
    for bit in data.draw(st.lists(st.integers(0, 8 * len(damaged) - 1), min_size=1, max_size=4)):
        damaged[bit // 8] ^= 1 << bit % 8
    with suppress(StreamError):
        FramePacket.from_payload(damaged, PLACE, HEADER)


def test_an_ordinary_frame_costs_twelve_bytes_beside_its_data() -> None:
    assert len(PLAIN.to_bytes(HEADER)) == 12 + len(b"abc")


def test_flags_of_a_later_version_are_unsupported() -> None:
    data = ByteWriter().varint(KNOWN_FLAGS + 1, 3).bytes()
    with pytest.raises(UnsupportedStream, match="newer"):
        FramePacket.from_payload(data, PLACE, HEADER)


def test_a_q_beyond_the_scale_is_corrupt() -> None:
    data = ByteWriter().varint(8, 3).fixed("H", 63 * 256 + 1).bytes()
    with pytest.raises(CorruptStream, match="q is 63"):
        FramePacket.from_payload(data, PLACE, HEADER)


def test_layers_longer_than_the_packet_are_corrupt() -> None:
    data = ByteWriter().varint(256, 3, 1).text("fine").varint(50).fixed("II", 0, 0).raw(b"short").bytes()
    with pytest.raises(CorruptStream, match="longer than the packet"):
        FramePacket.from_payload(data, PLACE, HEADER)


def test_two_layers_of_one_name_are_corrupt() -> None:
    layer = Layer(b"x", "fine", 1)
    data = payload(FramePacket(3, (3,), 32.0, (Layer(b"", symbols=1), layer, layer), intra=False))
    with pytest.raises(CorruptStream, match="same name"):
        FramePacket.from_payload(data, PLACE, HEADER)


def test_damage_in_a_droppable_layer_is_found_by_its_own_checksum() -> None:
    layers = (Layer(b"main", symbols=1), Layer(b"fine data", "fine", 2))
    data = bytearray(payload(FramePacket(3, (3,), 32.0, layers, intra=False)))
    data[-1] ^= 1
    with pytest.raises(CorruptStream, match="layer 'fine'"):
        FramePacket.from_payload(data, PLACE, HEADER)


def test_more_layers_than_fit_are_refused() -> None:
    layers = tuple(Layer(b"", str(number), 0) for number in range(MAX_LAYERS + 1))
    with pytest.raises(SettingError, match="layers"):
        FramePacket(3, (3,), 32.0, (Layer(b""), *layers), intra=False).to_bytes(HEADER)


def test_the_checksum_is_crc_32c() -> None:
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(b"6789", crc32c(b"12345")) == 0xE3069283
