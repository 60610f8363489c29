from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvczoo.codec.wire import ByteReader, ByteWriter
from nvczoo.errors import CorruptStream, StreamError, TruncatedStream

LARGEST = (1 << 63) - 1


def reader(data: bytes) -> ByteReader:
    return ByteReader(data, "Packet 3 (frame) at byte 512")


@given(st.lists(st.integers(0, LARGEST)))
def test_varints_come_back(values: list[int]) -> None:
    source = reader(ByteWriter().varint(*values).bytes())
    assert [source.varint("a number") for _ in values] == values
    source.finish()


@given(st.integers(-(1 << 62), (1 << 62) - 1))
def test_signed_numbers_come_back(value: int) -> None:
    assert reader(ByteWriter().signed(value).bytes()).signed("a number") == value


@given(st.text(max_size=60))
def test_texts_come_back(text: str) -> None:
    assert reader(ByteWriter().text(text).bytes()).text("a name") == text


@given(st.binary(max_size=30))
def test_any_bytes_give_a_value_or_a_stream_error(data: bytes) -> None:
    for field in ("varint", "signed", "text"):
        with suppress(StreamError):
            getattr(reader(data), field)("a field")


def test_small_numbers_take_one_byte() -> None:
    assert ByteWriter().varint(0, 127).signed(-64, 63).bytes() == bytes([0, 127, 127, 126])


@pytest.mark.parametrize("value", [-1, LARGEST + 1])
def test_numbers_that_do_not_fit_are_not_written(value: int) -> None:
    with pytest.raises(ValueError, match="varint"):
        ByteWriter().varint(value)


def test_a_varint_in_a_longer_form_is_refused() -> None:
    with pytest.raises(CorruptStream, match="shortest"):
        reader(b"\x80\x00").varint("a number")


def test_an_endless_varint_is_refused() -> None:
    with pytest.raises(CorruptStream, match="9 bytes"):
        reader(b"\xff" * 20).varint("a number")


def test_a_number_out_of_bounds_names_bounds_and_place() -> None:
    with pytest.raises(CorruptStream, match=r"Packet 3 .*the width is 300; from 1 to 200"):
        reader(ByteWriter().varint(300).bytes()).varint("the width", 1, 200)


def test_a_blob_longer_than_allowed_is_refused_before_it_is_read() -> None:
    with pytest.raises(CorruptStream, match="length of a name"):
        reader(ByteWriter().varint(1 << 40).bytes()).text("a name")


def test_missing_bytes_are_counted() -> None:
    source = reader(b"\x01\x02\x03")
    source.varint("a number")
    with pytest.raises(TruncatedStream, match=r"Packet 3.* needs 4 bytes at payload byte 1, 2 are left"):
        source.fixed("I", "a checksum")


def test_left_over_bytes_are_refused() -> None:
    with pytest.raises(CorruptStream, match="2 bytes follow"):
        reader(b"ab").finish()


def test_text_that_is_no_utf8_is_refused() -> None:
    with pytest.raises(CorruptStream, match="UTF-8"):
        reader(b"\x01\xff").text("a name")
