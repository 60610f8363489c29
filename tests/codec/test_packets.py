from contextlib import suppress
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import END_PACKETS, track_packets
from test_header import header

from nvczoo.codec.packet import MAX_PACKET_BYTES, SHORT, framed, parse_packet
from nvczoo.codec.packets import (
    FOOTER_BYTES,
    EndPacket,
    FooterPacket,
    IndexPacket,
    track_packet_bytes,
    track_packet_from,
)
from nvczoo.errors import CorruptStream, StreamError, TruncatedStream
from nvczoo.video.picture import VideoInfo
from nvczoo.video.tracks import Track, TrackPacket

TRACK = Track(5, "audio", "opus", Fraction(1, 48000), "matroska", b"setup")
HEADER = header(info=VideoInfo(16, 16, Fraction(25), Fraction(1, 25), tracks=(TRACK,)))
ENTRIES = st.lists(st.tuples(st.integers(0, 1 << 31), st.integers(1, 1 << 40)), max_size=20)


@given(END_PACKETS)
def test_end_packets_come_back(packet: EndPacket) -> None:
    assert EndPacket.from_payload(parse_packet(packet.to_bytes()).payload, "here") == packet


@given(ENTRIES)
def test_indexes_come_back(entries: list[tuple[int, int]]) -> None:
    frames = sorted({frame for frame, _ in entries})
    offsets = sorted({offset for _, offset in entries})
    packet = IndexPacket(7, tuple(zip(frames, offsets, strict=False)))
    assert IndexPacket.from_payload(parse_packet(packet.to_bytes()).payload, "here") == packet


def test_an_index_that_claims_more_than_it_has_is_cut_off() -> None:
    with pytest.raises(TruncatedStream):
        IndexPacket.from_payload(b"\x01\xff\xff\xff\x0f", "here")


@given(st.integers(0, (1 << 64) - 1))
def test_footers_come_back_and_have_one_size(offset: int) -> None:
    data = FooterPacket(offset).to_bytes()
    assert len(data) == FOOTER_BYTES
    assert FooterPacket.from_payload(parse_packet(data).payload, "here") == FooterPacket(offset)


@given(track_packets(TRACK))
def test_track_packets_come_back(packet: TrackPacket) -> None:
    data = parse_packet(track_packet_bytes(packet)).payload
    assert track_packet_from(data, "here", HEADER) == packet


@given(st.binary(max_size=24))
def test_any_bytes_are_a_packet_or_a_stream_error(data: bytes) -> None:
    for parse in (EndPacket.from_payload, IndexPacket.from_payload, FooterPacket.from_payload):
        with suppress(StreamError):
            parse(data, "here")
    with suppress(StreamError):
        track_packet_from(data, "here", HEADER)


def test_a_packet_of_a_track_the_header_does_not_know_is_corrupt() -> None:
    packet = TrackPacket(6, 0, 0, 10, 1, b"data")
    with pytest.raises(CorruptStream, match="no track 6"):
        track_packet_from(parse_packet(track_packet_bytes(packet)).payload, "here", HEADER)


def test_small_packets_have_small_checksums() -> None:
    assert len(framed(2, bytes(SHORT - 1))) == 1 + 2 + 2 + SHORT - 1
    assert len(framed(2, bytes(SHORT))) == 1 + 2 + 4 + SHORT


@given(st.binary(max_size=600), st.integers(0, 255))
def test_framed_packets_come_back(payload: bytes, packet_type: int) -> None:
    raw = parse_packet(framed(packet_type, payload))
    assert (raw.type, bytes(raw.payload)) == (packet_type, payload)


@pytest.mark.parametrize("length", [0, 21, SHORT - 1, SHORT])
def test_every_bit_of_a_packet_is_guarded(length: int) -> None:
    data = framed(2, bytes(one % 251 for one in range(length)))
    for bit in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(StreamError):
            parse_packet(damaged)


def test_a_packet_longer_than_the_limit_is_refused() -> None:
    head = bytes([2]) + (MAX_PACKET_BYTES + 1).to_bytes(4, "little")
    with pytest.raises(StreamError):
        parse_packet(b"\x02\x81\x80\x80\x20" + bytes(4))
    with pytest.raises(StreamError):
        parse_packet(head + bytes(20))
