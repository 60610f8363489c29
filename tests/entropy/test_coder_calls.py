"""Arrays are lent, not copied; calls run beside Python, side by side, and ahead of who waits for them."""

import array
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from coder_cases import Part, decode, encode, laplace_part

from nvczoo.entropy.coders import NativeCoder, paths
from nvczoo.entropy.reference_format import ByteReader, read_header
from nvczoo.entropy.tables import laplace_tables
from nvczoo.errors import CorruptStream, SettingError, ShapeError, TruncatedStream

TABLES = laplace_tables()


class Lender:
    """Has nothing but DLPack's two methods, as arrays of other libraries have."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self._tensor = tensor

    def __dlpack__(self, **options: object) -> object:
        return self._tensor.__dlpack__(**options)

    def __dlpack_device__(self) -> object:
        return self._tensor.__dlpack_device__()


@pytest.fixture(scope="module")
def part() -> Part:
    return laplace_part(TABLES, 20_000, 9.0)


def frozen(values: np.ndarray) -> np.ndarray:
    values = values.copy()
    values.setflags(write=False)
    return values


LENT = {
    "tensor": lambda tensor: tensor,
    "array": lambda tensor: tensor.numpy(),
    "read-only": lambda tensor: frozen(tensor.numpy()),
    "DLPack": Lender,
    "memoryview": lambda tensor: memoryview(tensor.numpy()),
    "array.array": lambda tensor: array.array({4: "i", 1: "B"}[tensor.element_size()], tensor.tolist()),
}


@pytest.mark.parametrize("kind", LENT)
def test_arrays_of_every_kind_are_coded(part: Part, kind: str) -> None:
    lend = LENT[kind]
    encoder = NativeCoder().encoder()
    encoder.push(lend(part.symbols), lend(part.indexes), TABLES)
    data = encoder.finish()
    assert data == encode(NativeCoder(), [part])
    assert torch.equal(NativeCoder().decoder(data).decode(lend(part.indexes), TABLES), part.symbols)


@pytest.mark.parametrize("kind", ["tensor", "array", "DLPack", "memoryview"])
def test_what_is_lent_is_not_copied(part: Part, kind: str) -> None:
    symbols = torch.zeros_like(part.symbols)
    encoder = NativeCoder().encoder()
    encoder.push(LENT[kind](symbols), LENT[kind](part.indexes), TABLES)
    symbols.copy_(part.symbols)  # seen by the coder only if it looks at the same memory
    assert encoder.finish() == encode(NativeCoder(), [part])


def test_symbols_are_written_where_the_caller_says(part: Part) -> None:
    out = torch.zeros(part.symbols.shape, dtype=torch.int32)
    decoder = NativeCoder().decoder(encode(NativeCoder(), [part]))
    assert decoder.decode(part.indexes, TABLES, out) is out
    assert torch.equal(out, part.symbols)


def test_parts_asked_for_ahead_come_in_their_order(part: Part) -> None:
    parts = [part, laplace_part(TABLES, 5_000, 2.5, 1), laplace_part(TABLES, 300, 9.0, 2)]
    decoder = NativeCoder().decoder(encode(NativeCoder(), parts))
    *ahead, last = parts
    futures = [decoder.decode_async(one.indexes, TABLES) for one in ahead]
    assert torch.equal(decoder.decode(last.indexes, TABLES), last.symbols)  # waits for those before
    for one, future in zip(ahead, futures, strict=True):
        assert torch.equal(future.result(), one.symbols)
    decoder.finish()


def test_many_decoders_may_be_asked_ahead(part: Part) -> None:
    # More than there are threads, each with several parts that wait for one another.
    data = encode(NativeCoder(), [part, part, part])
    decoders = [NativeCoder().decoder(data) for _ in range(12)]
    futures = [decoder.decode_async(part.indexes, TABLES) for _ in range(3) for decoder in decoders]
    assert all(torch.equal(future.result(timeout=60), part.symbols) for future in futures)


def test_a_future_raises_what_decoding_would(part: Part) -> None:
    decoder = NativeCoder().decoder(encode(NativeCoder(), [part])[:-500])
    first, second = (decoder.decode_async(part.indexes, TABLES) for _ in range(2))
    for future in (first, second):
        with pytest.raises(TruncatedStream):
            future.result()
    with pytest.raises(CorruptStream, match="failed to decode before"):
        decoder.finish()


@pytest.mark.parametrize("path", ["scalar", "emulator"])
def test_batches_are_what_single_calls_give(path: str) -> None:
    coder = NativeCoder(path=path)
    packets = [
        [laplace_part(TABLES, 3_000 + number, 9.0, number), laplace_part(TABLES, number, 2.5, number)]
        for number in range(9)
    ]
    written = coder.encode_batch([(p.symbols, p.indexes, p.tables) for p in packet] for packet in packets)
    assert written == [encode(coder, packet) for packet in packets]
    wanted = [
        (data, [(p.indexes, p.tables) for p in packet]) for data, packet in zip(written, packets, strict=True)
    ]
    for packet, symbols in zip(packets, coder.decode_batch(wanted), strict=True):
        assert all(torch.equal(p.symbols, s) for p, s in zip(packet, symbols, strict=True))


def test_a_batch_with_a_damaged_packet_is_refused(part: Part) -> None:
    data = encode(NativeCoder(), [part])
    wanted = [(part.indexes, TABLES)]
    with pytest.raises(TruncatedStream):
        NativeCoder().decode_batch([(data, wanted), (data[:-500], wanted)])


def test_python_runs_while_symbols_are_coded() -> None:
    part = laplace_part(TABLES, 2_000_000, 9.0)
    encoder = NativeCoder(path="emulator").encoder()  # the slowest: there is time to be seen
    encoder.push(part.symbols, part.indexes, TABLES)
    ready, ran = threading.Event(), threading.Event()
    other = threading.Thread(target=lambda: (ready.wait(), ran.set()))
    other.start()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000)  # seconds: from here on another thread runs only if this one lets it
    try:
        ready.set()
        encoder.finish()
        during = ran.is_set()
    finally:
        sys.setswitchinterval(interval)
    other.join()
    assert during


def test_several_streams_are_coded_by_several_threads_alike(part: Part) -> None:
    assert encode(NativeCoder(64, 5, threads=0), [part]) == encode(NativeCoder(64, 5), [part])
    data = encode(NativeCoder(64, 5), [part])
    assert torch.equal(decode(NativeCoder(threads=0), data, [part])[0], part.symbols)


def test_what_is_no_array_is_refused() -> None:
    with pytest.raises(ShapeError, match="symbols must be int32"):
        NativeCoder().encoder().push([0.5], [0], TABLES)


@pytest.mark.parametrize("path", paths())
@pytest.mark.parametrize("kind", [torch.int8, torch.int16])
@pytest.mark.parametrize("streams", [1, 3])
def test_short_symbols_are_coded_like_long_ones(kind: torch.dtype, streams: int, path: str) -> None:
    part = laplace_part(TABLES, 30_000, 9.0)
    short = Part(part.symbols.clamp(-128, 127).to(kind), part.indexes, TABLES)
    coder = NativeCoder(streams=streams, path=path)
    assert encode(coder, [short, short]) == encode(coder, [replace(short, symbols=short.symbols.int())] * 2)


@pytest.mark.parametrize("path", paths())
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize(("lanes", "streams"), [(1, 1), (16, 3), (64, 1), (64, 5)])
@pytest.mark.parametrize(("channels", "inner"), [(33, 411), (3, 9_000), (2_000, 1)])
def test_a_row_for_each_channel_is_as_good_as_one_for_each_symbol(
    channels: int, inner: int, lanes: int, streams: int, kind: type, path: str
) -> None:
    rng = np.random.default_rng(1)
    rows = rng.integers(0, 30, channels).astype(kind)
    symbols = rng.integers(-2, 3, channels * inner).astype(np.int16)
    each = np.repeat(rows, inner)
    coder = NativeCoder(lanes, streams, path=path)
    data = coder.encode_batch([[(symbols, each, TABLES), (symbols, each, TABLES)]])[0]
    assert coder.encode_batch([[(symbols, (rows, inner), TABLES), (symbols, each, TABLES)]])[0] == data
    decoder = coder.decoder(data)
    decoded = decoder.decode((rows, inner), TABLES)
    assert decoded.shape == (channels, inner)
    assert np.array_equal(decoded.flatten().numpy(), symbols)
    decoder.decode((rows, inner), TABLES, torch.empty(symbols.size, dtype=torch.int32))
    decoder.finish()


def test_rows_for_channels_must_fit_the_symbols(part: Part) -> None:
    rows = np.zeros(7, np.uint8)
    with pytest.raises(ShapeError, match="20000 symbols but 7 indexes of 2857 symbols each"):
        NativeCoder().encoder().push(part.symbols, (rows, 2857), TABLES)
    with pytest.raises(ShapeError, match="rows for 0 symbols each"):
        NativeCoder().encoder().push(part.symbols, (rows, 0), TABLES)


def test_the_profile_for_gpus_spends_one_percent_on_sub_streams() -> None:
    part = laplace_part(TABLES, 300_000, 30.0)
    usual, data = (encode(NativeCoder(profile=profile), [part]) for profile in ("auto", "gpu"))
    header = read_header(ByteReader(data))
    assert header.lanes == 64
    assert len(header.lengths) == pytest.approx(len(usual) / 1200, rel=0.1)  # the payload is estimated
    assert len(usual) < len(data) < 1.015 * len(usual)
    assert torch.equal(decode(NativeCoder(), data, [part])[0], part.symbols)
    with pytest.raises(SettingError, match="no profile 'tpu'; known are auto, gpu"):
        NativeCoder(profile="tpu")
