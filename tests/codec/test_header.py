from contextlib import suppress
from fractions import Fraction

import pytest
from hypothesis import given
from strategies import HEADERS

from nvczoo.codec.header import IDENTITY_BYTES, VERSION, Arithmetic, GopDescription, StreamHeader
from nvczoo.codec.packet import parse_packet
from nvczoo.errors import CorruptStream, SettingError, StreamError, UnsupportedStream
from nvczoo.video.picture import VideoInfo

IDENTITY = bytes(IDENTITY_BYTES)
PLACE = "Packet 0 (header) at byte 8"


def header(model: str = "toy", info: VideoInfo | None = None) -> StreamHeader:
    info = info or VideoInfo(352, 288, Fraction(25), Fraction(1, 25))
    return StreamHeader(
        model, IDENTITY, info, GopDescription("all-intra"), "coder", Arithmetic("float32", 7), 32.0
    )


def payload(of: StreamHeader) -> bytearray:
    return bytearray(parse_packet(of.to_bytes()).payload)


@given(HEADERS)
def test_headers_come_back(original: StreamHeader) -> None:
    assert StreamHeader.from_payload(parse_packet(original.to_bytes()).payload, PLACE) == original


@given(HEADERS)
def test_a_header_cut_off_anywhere_is_a_stream_error(original: StreamHeader) -> None:
    data = payload(original)
    for end in range(0, len(data), max(1, len(data) // 40)):
        with pytest.raises(StreamError, match="Packet 0"):
            StreamHeader.from_payload(data[:end], PLACE)


def test_a_header_with_any_bit_wrong_is_another_header_or_an_error() -> None:
    original = header()
    data = payload(original)
    for bit in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        with suppress(StreamError):
            unused_flag = 10 <= bit < 16
            assert StreamHeader.from_payload(damaged, PLACE) != original or unused_flag


def test_fields_of_a_later_minor_version_are_ignored() -> None:
    original = header()
    assert StreamHeader.from_payload(payload(original) + b"more", PLACE) == original


def test_another_version_is_unsupported() -> None:
    data = payload(header())
    data[0] = VERSION + 1
    with pytest.raises(UnsupportedStream, match="install a newer"):
        StreamHeader.from_payload(data, PLACE)


def test_sizes_beyond_the_limit_are_corrupt() -> None:
    data = payload(header(model=""))
    at = 1 + 1 + 1 + IDENTITY_BYTES  # version, flags, empty name, identity
    data[at : at + 2] = b"\x81\x80\x01"  # 16385
    with pytest.raises(CorruptStream, match="the width is 16385; from 1 to 16384"):
        StreamHeader.from_payload(data, PLACE)


def test_expected_times_follow_the_frame_rate() -> None:
    info = VideoInfo(16, 16, Fraction(30), Fraction(1, 1000))
    assert [header(info=info).expected_pts(frame) for frame in range(5)] == [0, 33, 67, 100, 133]
    ntsc = VideoInfo(16, 16, Fraction(30000, 1001), Fraction(1001, 30000))
    assert header(info=ntsc).expected_pts(10**6) == 10**6


def test_a_name_too_long_to_store_is_refused() -> None:
    with pytest.raises(SettingError, match="255 bytes"):
        header(model="x" * 256)


def test_an_option_that_is_no_integer_is_refused() -> None:
    with pytest.raises(SettingError, match="integers"):
        GopDescription("mine", (("ratio", 0.5),))  # pyright: ignore[reportArgumentType]
