"""Damaged data ends in an error or in symbols, soon; never in a crash, and rarely unnoticed."""

import numpy as np
import pytest
import torch
from coder_cases import Part, counted_part, decode, encode, laplace_part
from hypothesis import given, settings
from hypothesis import strategies as st

from nvczoo.entropy.coders import NativeCoder, ReferenceCoder
from nvczoo.entropy.reference_format import varint
from nvczoo.entropy.tables import gaussian_tables, laplace_tables
from nvczoo.errors import CorruptStream, StreamError, TruncatedStream, UnsupportedStream
from nvczoo.interfaces import EntropyCoder

CODERS = (NativeCoder, ReferenceCoder)
OPTIONS = ((1, 1), (4, 1), (64, 1), (8, 3))


def outcome(coder: EntropyCoder, data: bytes, parts: list[Part]) -> list[list[int]] | type[StreamError]:
    try:
        return [symbols.tolist() for symbols in decode(coder, data, parts)]
    except StreamError as error:
        return type(error)


@pytest.mark.parametrize("options", OPTIONS)
def test_every_truncation_is_told(options: tuple[int, int]) -> None:
    parts = [counted_part(laplace_tables(), 300), counted_part(gaussian_tables(), 100)]
    data = encode(NativeCoder(*options), parts)
    for end in range(len(data)):
        assert isinstance(outcome(NativeCoder(), data[:end], parts), type), end
    assert isinstance(outcome(NativeCoder(), data + b"\0", parts), type)
    assert isinstance(outcome(NativeCoder(), data + b"\0\0", parts), type)


@pytest.mark.parametrize("checksum", [False, True])
@pytest.mark.parametrize("options", OPTIONS)
def test_flipped_bits_are_told_almost_always(options: tuple[int, int], checksum: bool) -> None:
    parts = [counted_part(laplace_tables(), 300), counted_part(gaussian_tables(), 100)]
    data = encode(NativeCoder(*options, checksum=checksum), parts)
    unnoticed = 0
    for bit in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        unnoticed += not isinstance(outcome(NativeCoder(), bytes(damaged), parts), type)
    # Raw bits of an escape, and symbols of equal frequency, change without touching the lane's state:
    # the same data with other symbols, which only a checksum tells.
    assert unnoticed <= (0 if checksum else 0.04 * 8 * len(data))


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 1 << 32), st.sampled_from(OPTIONS))
def test_both_coders_make_the_same_of_damage(seed: int, options: tuple[int, int]) -> None:
    rng = np.random.default_rng(seed)
    parts = [laplace_part(laplace_tables(), 200, 30.0, seed), laplace_part(gaussian_tables(), 55, 30.0, seed)]
    data = bytearray(encode(NativeCoder(*options), parts))
    for _ in range(int(rng.integers(1, 4))):
        data[rng.integers(len(data))] = rng.integers(256)
    data = bytes(data[: rng.integers(len(data) + 1)]) if rng.random() < 0.3 else bytes(data)
    native, reference = (outcome(coder(), data, parts) for coder in CODERS)
    if isinstance(native, type) or isinstance(reference, type):
        assert isinstance(native, type)
        assert isinstance(reference, type)
    else:
        assert native == reference


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 300))
def test_arbitrary_bytes_are_survived(data: bytes, count: int) -> None:
    part = counted_part(laplace_tables(), count)
    for start in (data, b"\x02" + data, b"\x42\x40\x08" + data, b"\xe2\x08\x02\x40\x40" + data):
        native, reference = (outcome(coder(), start, [part]) for coder in CODERS)
        assert isinstance(native, type) == isinstance(reference, type)


HUGE = varint((1 << 49) - 1)


@pytest.mark.parametrize("coder", CODERS)
@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"\x00", UnsupportedStream),  # version 0
        (b"\x01", UnsupportedStream),  # version 1, which no release wrote
        (b"\x72", UnsupportedStream),  # 2**7 lanes
        (b"\x82\x20", UnsupportedStream),  # an unknown flag
        (b"\x82\x00", CorruptStream),  # flags announced, none there
        (b"\x82\x01", UnsupportedStream),  # one of version 1
        (b"\x82", TruncatedStream),
        (b"\x82\x10", TruncatedStream),  # no fingerprint
        (b"\x82\x04\x00", TruncatedStream),  # no checksum
        (b"\x82\x04\x00\x00\x00\x00\x00\x00", CorruptStream),  # a wrong one
        (b"\x82\x08\x01\x05", CorruptStream),  # one sub-stream
        (b"\x82\x08" + varint(1025), CorruptStream),  # too many
        (b"\x82\x08" + varint(1024), TruncatedStream),
        (b"\x82\x08\x02" + HUGE + HUGE, TruncatedStream),  # longer than all there is
        (b"\x82\x08\x02\x03\x03" + bytes(5), TruncatedStream),
        (b"\x82\x08\x02\x03\x03" + bytes(7), CorruptStream),  # a byte beyond the last sub-stream
        (b"\x12\x80\x00" + bytes(4), CorruptStream),  # a number longer than it need be
        (b"\x12" + b"\xff" * 7 + bytes(4), CorruptStream),  # a number too large
        (b"\x12" + varint(9) + varint(10) + bytes(5), CorruptStream),  # a stage longer than all
        (b"\x62" + varint(9) + varint(5) + varint(5) + bytes(160), CorruptStream),  # or two of them
        (b"\x02\x00\x00", TruncatedStream),  # half a state
        (b"\x02\x00\x00\x10", CorruptStream),  # padding
        (b"\x02\x00\x00\x00\x00", CorruptStream),  # half a word
    ],
)
def test_a_broken_header_is_told_at_once(coder: type[EntropyCoder], data: bytes, error: type) -> None:
    with pytest.raises(error):
        coder().decoder(data)


@pytest.mark.parametrize("coder", CODERS)
def test_a_claimed_count_allocates_nothing(coder: type[EntropyCoder]) -> None:
    data = b"\x12" + HUGE + b"\x00" + bytes(5)
    decoder = coder().decoder(data)
    with pytest.raises(StreamError):
        decoder.decode(torch.zeros(10, dtype=torch.uint8) + 60, laplace_tables())


@pytest.mark.parametrize("coder", CODERS)
def test_an_escape_beyond_int32_is_told(coder: type[EntropyCoder]) -> None:
    # Found by damaging: 2**32 above the row. Any other outcome would be a symbol nobody wrote.
    part = Part(
        torch.full((40,), -(1 << 31), dtype=torch.int32), torch.zeros(40, dtype=torch.uint8), laplace_tables()
    )
    data = encode(coder(), [part])
    kinds = set()
    for bit in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        try:
            decode(coder(), bytes(damaged), [part])
        except StreamError as error:
            kinds.add(str(error))
    assert any("does not fit 32 bits" in kind for kind in kinds)
