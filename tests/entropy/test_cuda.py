"""The coder for GPUs: acted out on the CPU everywhere, and on a GPU where one and the library are."""

import numpy as np
import pytest
import torch
from coder_cases import LANES, Part, counted_part, decode, encode, laplace_part, random_part, random_tables
from hypothesis import given, settings
from hypothesis import strategies as st

from nvczoo.entropy import cuda_library
from nvczoo.entropy.coders import NativeCoder
from nvczoo.entropy.cuda import CudaCoder
from nvczoo.entropy.tables import gaussian_tables, laplace_tables
from nvczoo.errors import CorruptStream, SettingError, ShapeError, StreamError, TableMismatch, TruncatedStream


def missing() -> str:
    """Return why nothing can run on a GPU here, or nothing if it can."""
    if not torch.cuda.is_available():
        return "no GPU that torch can use"
    try:
        cuda_library.cuda()
    except SettingError as error:
        return str(error)
    return ""


DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(bool(missing()), reason=missing() or "runs")),
]


def on(device: str, parts: list[Part]) -> list[Part]:
    return [Part(part.symbols.to(device), part.indexes.to(device), part.tables) for part in parts]


def check(device: str, parts: list[Part], lanes: int, streams: int, **options: bool) -> None:
    there = on(device, parts)
    native, cuda = NativeCoder(lanes, streams, **options), CudaCoder(lanes, streams, **options, device=device)
    data = encode(native, parts)
    assert encode(cuda, there) == data
    for part, symbols in zip(parts, decode(cuda, data, there), strict=True):
        assert torch.equal(part.symbols, symbols.cpu())


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("streams", [1, 3, 64])
@pytest.mark.parametrize("lanes", LANES[1:])
def test_a_gpu_writes_and_reads_what_the_cpu_does(device: str, lanes: int, streams: int) -> None:
    sizes = (6_000, 1, 0, 65, 2_277)
    check(device, [laplace_part(laplace_tables(), n, 9.0, n) for n in sizes], lanes, streams)


@pytest.mark.parametrize("device", DEVICES)
def test_options_are_written_alike(device: str) -> None:
    check(device, [counted_part(gaussian_tables(), 5_000)], 32, 4, checksum=True, fingerprint=True)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1 << 32), st.integers(0, 3_000), st.sampled_from([8, 32, 64]), st.integers(1, 9))
def test_warps_agree_on_random_tables(seed: int, count: int, lanes: int, streams: int) -> None:
    rng = np.random.default_rng(seed)
    tables = random_tables(rng, int(rng.integers(1, 9)), int(rng.integers(12, 17)))
    parts = [
        random_part(rng, tables, count, bool(rng.integers(2)), float(rng.choice([0, 0.02]))) for _ in range(2)
    ]
    check("cpu", parts, lanes, streams)


@pytest.mark.parametrize("device", DEVICES)
def test_more_escapes_than_there_was_room_for_are_coded(device: str) -> None:
    symbols = torch.randint(-(2**31), 2**31 - 1, (20_000,), dtype=torch.int32)
    check(device, [Part(symbols, torch.full((20_000,), 5, dtype=torch.uint8), laplace_tables())], 32, 2)


@pytest.mark.parametrize("device", DEVICES)
def test_nothing_is_coded_as_nothing(device: str) -> None:
    empty = torch.empty(0, dtype=torch.int32, device=device)
    coder = CudaCoder(device=device)
    nothing = Part(empty, empty.to(torch.uint8), laplace_tables())
    assert encode(coder, [nothing]) == encode(coder, []) == b""
    assert decode(coder, b"", [nothing])[0].numel() == 0
    with pytest.raises(TruncatedStream):
        coder.decoder(b"").decode(torch.zeros(1, dtype=torch.uint8, device=device), laplace_tables())


@pytest.mark.parametrize("device", DEVICES)
def test_damage_is_told_at_the_end(device: str) -> None:
    part = laplace_part(laplace_tables(), 3_000, 9.0)
    (there,) = on(device, [part])
    data = encode(NativeCoder(32, 2), [part])
    told = 0
    for place in range(0, len(data), 7):
        damaged = bytearray(data)
        damaged[place] ^= 0x55
        for broken in (bytes(damaged), data[:place]):
            try:
                decode(CudaCoder(device=device), broken, [there])
            except StreamError:
                told += 1
    assert told > 1.9 * len(range(0, len(data), 7))


@pytest.mark.parametrize("device", DEVICES)
def test_an_error_waits_until_it_is_asked_for(device: str) -> None:
    (part,) = on(device, [laplace_part(laplace_tables(), 20_000, 9.0)])
    decoder = CudaCoder(device=device).decoder(encode(NativeCoder(32), [part])[:-200])
    assert decoder.decode(part.indexes, part.tables).shape == part.symbols.shape
    decoder.decode(part.indexes, part.tables)
    with pytest.raises(TruncatedStream):
        decoder.finish()


@pytest.mark.parametrize("device", DEVICES)
def test_an_index_beyond_the_tables_is_not_looked_up(device: str) -> None:
    (part,) = on(device, [counted_part(laplace_tables(), 500)])
    data = encode(NativeCoder(32), [part])
    beyond = torch.full_like(part.indexes, 64)
    decoder = CudaCoder(device=device).decoder(data)
    decoder.decode(beyond, part.tables)
    with pytest.raises(ShapeError, match="no row"):
        decoder.finish()
    with pytest.raises(ShapeError, match="no row"):
        encode(CudaCoder(device=device), [Part(part.symbols, beyond, part.tables)])


def test_other_tables_are_told_by_the_fingerprint() -> None:
    part = counted_part(laplace_tables(), 500)
    data = encode(NativeCoder(32, fingerprint=True), [part])
    with pytest.raises(TableMismatch):
        CudaCoder(device="cpu").decoder(data).decode(part.indexes, gaussian_tables())


def test_less_than_was_coded_is_told() -> None:
    part = counted_part(laplace_tables(), 500)
    decoder = CudaCoder(device="cpu").decoder(encode(NativeCoder(32), [part]))
    decoder.decode(part.indexes[:400], part.tables)
    with pytest.raises(CorruptStream, match="more symbols than were read"):
        decoder.finish()


def test_arrays_that_do_not_fit_are_refused() -> None:
    part = counted_part(laplace_tables(), 50)
    encoder = CudaCoder(device="cpu").encoder()
    with pytest.raises(ShapeError, match="symbols must be contiguous"):
        encoder.push(part.symbols.long(), part.indexes, part.tables)
    with pytest.raises(ShapeError, match="50 symbols but 49 indexes"):
        encoder.push(part.symbols, part.indexes[1:], part.tables)
    decoder = CudaCoder(device="cpu").decoder(encode(NativeCoder(32), [part]))
    with pytest.raises(ShapeError, match="room for 50 symbols, not 49"):
        decoder.decode(part.indexes[1:], part.tables, part.symbols)


@pytest.mark.parametrize("options", [{"lanes": 0}, {"lanes": 3}, {"streams": 0}, {"streams": 1025}])
def test_impossible_options_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(SettingError, match="are possible"):
        CudaCoder(**options, device="cpu")


def test_a_missing_library_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cuda_library.PLACE, "nowhere.so")
    with pytest.raises(SettingError, match=r"not here \(nowhere\.so\).*NVCZOO_CUDA=ON"):
        cuda_library.cuda.__wrapped__()
