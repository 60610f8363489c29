"""Both coders write the same bytes, read what either wrote, and keep the format for ever."""

import gc
import hashlib
import threading

import numpy as np
import pytest
import torch
from coder_cases import (
    INT32,
    LANES,
    Part,
    counted_part,
    decode,
    encode,
    laplace_part,
    random_part,
    random_parts,
    random_tables,
    table_set,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from nvczoo import _coder
from nvczoo.entropy.coders import NativeCoder, ReferenceCoder
from nvczoo.entropy.reference_format import ByteReader, read_header
from nvczoo.entropy.reference_steps import rows_of
from nvczoo.entropy.tables import PRECISION, gaussian_tables, laplace_tables
from nvczoo.errors import CorruptStream, SettingError, ShapeError, TableMismatch, TruncatedStream
from nvczoo.interfaces import EntropyCoder

CODERS = (NativeCoder, ReferenceCoder)
LANE_BYTES = 0.15  # a lane costs nothing on average, but more or less by chance
CHECK_BYTES = 2.0  # lane 0 must end where it began: 16 bits that tell damage
HEADER_BYTES = 12


@settings(max_examples=150, deadline=None)
@given(random_parts(), st.sampled_from(LANES), st.sampled_from([0, 1, 2, 5]), st.booleans(), st.booleans())
def test_coders_write_the_same_bytes_and_read_each_other(
    parts: list[Part], lanes: int, streams: int, checksum: bool, fingerprint: bool
) -> None:
    options = {"lanes": lanes, "streams": streams, "checksum": checksum, "fingerprint": fingerprint}
    data = encode(NativeCoder(**options), parts)
    assert data == encode(ReferenceCoder(**options), parts)
    for coder in CODERS:
        for part, symbols in zip(parts, decode(coder(), data, parts), strict=True):
            assert torch.equal(part.symbols, symbols)


@pytest.mark.parametrize("count", [1, 4095, 4097, 8191, 70_000])
@pytest.mark.parametrize("spread", [2.5, 1e9])
def test_coders_agree_on_whole_frames(count: int, spread: float) -> None:
    tables = laplace_tables()
    parts = [
        laplace_part(tables, count - count // 3, spread),
        laplace_part(tables, count // 3, spread, seed=1),
    ]
    data = encode(NativeCoder(), parts)
    assert data == encode(ReferenceCoder(), parts)
    for coder in CODERS:
        symbols = torch.cat(decode(coder(), data, parts))
        assert torch.equal(symbols, torch.cat([part.symbols for part in parts]))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 70_000), st.integers(0, 1 << 32), st.sampled_from(LANES), st.integers(0, 9))
def test_any_size_comes_back(count: int, seed: int, lanes: int, streams: int) -> None:
    rng = np.random.default_rng(seed)
    part = random_part(rng, random_tables(rng, 5, PRECISION), count, wide=False, escapes=0.001)
    data = encode(NativeCoder(lanes, streams), [part])
    assert torch.equal(decode(NativeCoder(), data, [part])[0], part.symbols)


@pytest.mark.parametrize("coder", CODERS)
@pytest.mark.parametrize("lanes", LANES)
def test_every_int32_can_escape(coder: type[EntropyCoder], lanes: int) -> None:
    near = [base + step for base in (INT32.min, 0, INT32.max) for step in (-2, -1, 0, 1, 2)]
    near += [sign * (1 << bit) + step for bit in range(31) for sign in (-1, 1) for step in (-1, 0, 1)]
    symbols = torch.tensor([n for n in near if INT32.min <= n <= INT32.max], dtype=torch.int32)
    for offset in (INT32.min, -1, 0, INT32.max - 3):
        tables = table_set([(np.array([1, 1, 1]), offset)], PRECISION)
        part = Part(symbols, torch.zeros(symbols.shape, dtype=torch.uint8), tables)
        assert torch.equal(decode(coder(), encode(coder(lanes=lanes), [part]), [part])[0], symbols)


@pytest.mark.parametrize("coder", CODERS)
def test_what_is_certain_costs_nothing(coder: type[EntropyCoder]) -> None:
    certain = table_set([(np.array([1]), 7)], PRECISION)
    many = Part(torch.full((5000,), 7, dtype=torch.int32), torch.zeros(5000, dtype=torch.uint8), certain)
    assert len(encode(coder(), [many])) == 4
    assert torch.equal(decode(coder(), encode(coder(), [many]), [many])[0], many.symbols)


@pytest.mark.parametrize("coder", CODERS)
def test_what_was_certain_not_to_happen_is_refused(coder: type[EntropyCoder]) -> None:
    certain = table_set([(np.array([1]), 7)], PRECISION)
    with pytest.raises(SettingError, match="symbol 8 cannot be coded"):
        encode(
            coder(), [Part(torch.tensor([8], dtype=torch.int32), torch.zeros(1, dtype=torch.uint8), certain)]
        )


@pytest.mark.parametrize("coder", CODERS)
def test_nothing_is_coded_as_nothing(coder: type[EntropyCoder]) -> None:
    empty = Part(torch.empty(0, dtype=torch.int32), torch.empty(0, dtype=torch.uint8), laplace_tables())
    assert encode(coder(), []) == encode(coder(checksum=True), [empty]) == b""
    assert decode(coder(), b"", [empty, empty])[0].shape == (0,)
    with pytest.raises(TruncatedStream):
        coder().decoder(b"").decode(torch.zeros(1, dtype=torch.uint8), laplace_tables())


def payload_bits(part: Part) -> float:
    """Return the exact price of a part's symbols in its tables, escapes included."""
    rows = rows_of(part.tables)
    known: dict[tuple[int, int], float] = {}
    total = 0.0
    for key in zip(part.symbols.tolist(), part.indexes.tolist(), strict=True):
        if key not in known:
            steps = rows[key[1]].steps(key[0])
            known[key] = sum(step.precision - np.log2(step.frequency) for step in steps)
        total += known[key]
    return total


@pytest.mark.parametrize("count", [300, 3_000, 30_000, 400_000])
@pytest.mark.parametrize("spread", [2.5, 9.0, 1e9])
def test_size_is_the_price_of_the_symbols_and_little_more(count: int, spread: float) -> None:
    part = laplace_part(laplace_tables(), count, spread)
    data = encode(NativeCoder(streams=0), [part])
    header = read_header(ByteReader(data))
    streams = max(1, len(header.lengths))
    overhead = LANE_BYTES * header.lanes + CHECK_BYTES + HEADER_BYTES
    assert len(data) <= payload_bits(part) / 8 * 1.0005 + streams * overhead


@pytest.mark.parametrize(
    ("payload", "lanes", "streams"),
    [(300, 1, 1), (1_400, 1, 1), (1_600, 16, 1), (3_100, 64, 1), (30_000, 64, 1), (500_000, 64, 26)],
)
def test_lanes_follow_from_the_payload(payload: int, lanes: int, streams: int) -> None:
    tables = table_set([(np.ones(257, np.int64), 0)], PRECISION)  # 8 bits a symbol
    symbols = torch.arange(payload, dtype=torch.int32) % 256
    data = encode(NativeCoder(streams=0), [Part(symbols, torch.zeros(payload, dtype=torch.uint8), tables)])
    header = read_header(ByteReader(data))
    assert (header.lanes, max(1, len(header.lengths))) == (lanes, streams)


@pytest.mark.parametrize("coder", [NativeCoder, pytest.param(ReferenceCoder, marks=pytest.mark.slow)])
def test_where_symbols_cost_next_to_nothing_lanes_are_few(coder: type[EntropyCoder]) -> None:
    # A later stage of 2**14 symbols codes too few bits here to fill 64 lanes: each costs up to 2.5 bytes.
    part = laplace_part(laplace_tables(), 600_000, 4.0)
    data = encode(coder(), [part])
    assert read_header(ByteReader(data)).lanes == 16
    one, many = (len(encode(NativeCoder(lanes), [part])) for lanes in (1, 64))
    assert len(data) <= 1.002 * one < many


@pytest.mark.parametrize("coder", [NativeCoder, ReferenceCoder])
def test_where_the_last_symbols_cost_nothing_lanes_are_few(coder: type[EntropyCoder]) -> None:
    tables, count = laplace_tables(), 20_000
    silent = Part(torch.zeros(count, dtype=torch.int32), torch.zeros(count, dtype=torch.uint8), tables)
    parts = [laplace_part(tables, count, 1e9), silent]  # channels of zeros have no bits to fill lanes with
    data = encode(coder(), parts)
    assert read_header(ByteReader(data)).lanes == 4
    assert len(data) <= 1.003 * len(encode(NativeCoder(lanes=1), parts))


GOLDEN_SMALL = (
    "a2145c2810e1ff7b9979cf9effbfaa7bfda799010b4000b0ba021d40360076b5fd7f67c0ff3fffff9628faffbc99debf"
    "83bf7800abc6fffffef3ffe71500acd7db4b"
)
GOLDEN_LARGE = {
    (1, 1): "42fdec8f7f0ed429",
    (8, 1): "9d6236c89f037603",
    (64, 1): "2b74b65fee37708d",
    (32, 3): "adb1bedd7923ea90",
    (0, 0): "2b74b65fee37708d",
}


def test_the_format_has_not_changed_since_version_2_small() -> None:
    parts = [counted_part(laplace_tables(), 20), counted_part(gaussian_tables(), 20)]
    data = encode(NativeCoder(lanes=4, checksum=True, fingerprint=True), parts)
    assert data.hex() == GOLDEN_SMALL
    for part, symbols in zip(parts, decode(ReferenceCoder(), data, parts), strict=True):
        assert torch.equal(part.symbols, symbols)


@pytest.mark.parametrize("options", GOLDEN_LARGE)
def test_the_format_has_not_changed_since_version_2_large(options: tuple[int, int]) -> None:
    parts = [counted_part(laplace_tables(), 9_001), counted_part(gaussian_tables(), 1_777)]
    data = encode(NativeCoder(*options), parts)
    assert hashlib.sha256(data).hexdigest()[:16] == GOLDEN_LARGE[options]


@pytest.mark.parametrize("coder", CODERS)
def test_other_tables_are_told_by_the_fingerprint(coder: type[EntropyCoder]) -> None:
    part = counted_part(laplace_tables(), 50)
    decoder = coder().decoder(encode(coder(fingerprint=True), [part]))
    with pytest.raises(TableMismatch):
        decoder.decode(part.indexes, gaussian_tables())


@pytest.mark.parametrize("coder", CODERS)
@pytest.mark.parametrize("lanes", [1, 8])
def test_a_decoder_that_asks_for_less_or_more_is_told(coder: type[EntropyCoder], lanes: int) -> None:
    part = counted_part(laplace_tables(), 100)
    data = encode(coder(lanes=lanes), [part])
    less = coder().decoder(data)
    less.decode(part.indexes[:-1], part.tables)
    with pytest.raises(CorruptStream):
        less.finish()
    more = coder().decoder(data)
    with pytest.raises((CorruptStream, TruncatedStream)):
        more.decode(torch.cat([part.indexes, part.indexes]), part.tables)


def test_a_decoder_that_failed_does_not_go_on() -> None:
    part = counted_part(laplace_tables(), 100)
    decoder = NativeCoder().decoder(encode(NativeCoder(), [part])[:-20])
    with pytest.raises(TruncatedStream):
        decoder.decode(part.indexes, part.tables)
    with pytest.raises(CorruptStream, match="failed to decode before"):
        decoder.decode(part.indexes[:0], part.tables)
    with pytest.raises(CorruptStream, match="failed to decode before"):
        decoder.finish()


def test_an_encoder_serves_once() -> None:
    part = counted_part(laplace_tables(), 10)
    encoder = NativeCoder().encoder()
    encoder.finish()
    with pytest.raises(SettingError, match="spent"):
        encoder.finish()
    with pytest.raises(SettingError, match="spent"):
        encoder.push(part.symbols, part.indexes, part.tables)


@pytest.mark.parametrize("options", [{"lanes": 3}, {"lanes": 128}, {"streams": 1025}])
def test_impossible_options_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(SettingError, match="possible"):
        NativeCoder(**options)


@pytest.mark.parametrize(
    ("symbols", "indexes", "message"),
    [
        (torch.zeros(3, dtype=torch.int64), torch.zeros(3, dtype=torch.uint8), "must be int32"),
        (torch.zeros(3, dtype=torch.int32), torch.zeros(3, dtype=torch.int32), "must be uint8 or uint16"),
        (torch.zeros(3, dtype=torch.int32), torch.zeros(4, dtype=torch.uint8), "3 symbols but 4 indexes"),
        (torch.zeros(3, dtype=torch.int32), torch.full((3,), 64, dtype=torch.uint8), "index of 64"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(
    symbols: torch.Tensor, indexes: torch.Tensor, message: str
) -> None:
    with pytest.raises(ShapeError, match=message):
        NativeCoder().encoder().push(symbols, indexes, laplace_tables())


def test_decoding_checks_indexes_and_output() -> None:
    tables = _coder.Tables(
        np.array([0, 5, 4096], np.uint32), np.array([2], np.int32), np.array([0], np.int32), 12
    )
    decoder = _coder.Decoder(b"\x02\x00\x00\x00")
    with pytest.raises(ShapeError, match="index of 1"):
        decoder.decode(np.ones(2, np.uint8), tables, np.zeros(2, np.int32))
    with pytest.raises(ShapeError, match="3 symbols but 2 indexes"):
        decoder.decode(np.zeros(2, np.uint8), tables, np.zeros(3, np.int32))
    with pytest.raises(ShapeError, match="out must be contiguous"):
        decoder.decode(np.zeros(2, np.uint8), tables, np.zeros(4, np.int32)[::2])
    with pytest.raises(ShapeError, match="out must be contiguous"):
        decoder.decode(np.zeros(2, np.uint8), tables, np.zeros(2, np.float32))


def test_the_shape_of_the_indexes_is_kept() -> None:
    part = counted_part(laplace_tables(), 24)
    shaped = Part(part.symbols.reshape(2, 3, 4), part.indexes.reshape(2, 3, 4), part.tables)
    for coder in CODERS:
        data = encode(coder(), [shaped])
        assert torch.equal(decode(coder(), data, [shaped])[0], shaped.symbols)


def test_views_that_are_not_contiguous_are_coded_in_their_own_order() -> None:
    part = counted_part(laplace_tables(), 24)
    turned = Part(part.symbols.reshape(4, 6).T, part.indexes.reshape(4, 6).T, part.tables)
    assert torch.equal(decode(NativeCoder(), encode(NativeCoder(), [turned]), [turned])[0], turned.symbols)


def test_pushed_arrays_live_until_they_are_coded() -> None:
    wanted = counted_part(laplace_tables(), 50_000)
    encoder = NativeCoder().encoder()
    encoder.push(wanted.symbols.clone(), wanted.indexes.clone(), wanted.tables)
    gc.collect()
    torch.full((50_000,), -1, dtype=torch.int32)  # would likely take the place of what was freed
    assert encoder.finish() == encode(NativeCoder(), [wanted])


def test_data_lives_as_long_as_its_decoder() -> None:
    part = counted_part(laplace_tables(), 5_000)
    decoder = NativeCoder().decoder(memoryview(bytearray(encode(NativeCoder(), [part]))))
    gc.collect()
    assert torch.equal(decoder.decode(part.indexes, part.tables), part.symbols)


def test_coders_run_in_several_threads() -> None:
    parts = [laplace_part(laplace_tables(), 200_000, 9.0, seed) for seed in range(4)]
    results: dict[int, bool] = {}

    def work(number: int) -> None:
        part = parts[number]
        data = encode(NativeCoder(), [part])
        results[number] = torch.equal(decode(NativeCoder(), data, [part])[0], part.symbols)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(results[number] for number in range(4))


def test_crc32c_is_that_of_the_standard() -> None:
    # RFC 3720, B.4, and the check value of the catalogue of parametrised CRC algorithms.
    assert _coder.crc32c(b"123456789") == 0xE3069283
    assert _coder.crc32c(bytes(32)) == 0x8A9136AA
    assert _coder.crc32c(b"\xff" * 32) == 0x62A8AB43
    assert _coder.crc32c(bytes(range(32))) == 0x46DD794E
    assert _coder.crc32c(b"") == 0


def test_crc32c_continues_where_it_stopped() -> None:
    data = np.arange(1000, dtype=np.int32)
    assert _coder.crc32c(data[333:], _coder.crc32c(data[:333])) == _coder.crc32c(data)
