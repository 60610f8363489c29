"""The entropy coder beside its peers, in one run and in CPU time; the table's brackets are the ratios.

``pytest benchmarks/test_coder_speed.py --benchmark-columns=median``. Workloads: Laplace symbols whose scale
is drawn evenly from 64 between 0.11 and 64 (W1, about 4 bits a symbol), skewed to small ones as in intra
frames (W2, 0.9 bit), or as in inter frames (W3, one of 1080p, 0.2 bit).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
import torch

from nvczoo.entropy.coders import NativeCoder
from nvczoo.entropy.ladder import SCALE_BITS, SCALES
from nvczoo.entropy.tables import frequencies, laplace_tables

SPREADS = {"W1": 1e9, "W2": 9.0, "W3": 2.5}
SIZES = {"W1": 1_000_000, "W2": 1_000_000, "W3": 120 * 68 * 128 + 30 * 17 * 128}
LEAST_SCALE, GREATEST_SCALE, LEVELS = 0.11, 64.0, 64


@dataclass(frozen=True)
class Peer:
    """What to time: encoding to an object, decoding it, and how long it is in bytes."""

    encode: Callable[[], object]
    decode: Callable[[object], object]
    size: Callable[[object], int]


@cache
def workload(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return symbols int32 [N] and rows uint8 [N]."""
    rng = np.random.default_rng(7)
    levels = np.geomspace(LEAST_SCALE, GREATEST_SCALE, LEVELS)
    likelihood = np.exp(-np.arange(LEVELS) / SPREADS[name])
    level = rng.choice(LEVELS, SIZES[name], p=likelihood / likelihood.sum())
    distance = np.abs(np.log(np.array(SCALES) / 2**SCALE_BITS)[:, None] - np.log(levels))
    rows = distance.argmin(0)[level].astype(np.uint8)
    return np.round(rng.laplace(0, levels[level])).astype(np.int32), rows


def native(symbols: np.ndarray, rows: np.ndarray) -> Peer:
    tables = laplace_tables()
    values, indexes = torch.from_numpy(symbols), torch.from_numpy(rows)

    def encode() -> bytes:
        encoder = NativeCoder().encoder()
        encoder.push(values, indexes, tables)
        return encoder.finish()

    def decode(data: bytes) -> np.ndarray:
        decoder = NativeCoder().decoder(data)
        decoded = decoder.decode(indexes, tables)
        decoder.finish()
        return decoded.numpy()

    return Peer(encode, decode, len)


def compressai(symbols: np.ndarray, rows: np.ndarray) -> Peer:
    """Return CompressAI as its users must call it: with lists, 16-bit tables."""
    ans = pytest.importorskip("compressai.ans")
    tables = laplace_tables(16)
    ends = np.cumsum(tables.sizes + 1)
    model = (
        [cdf.tolist() for cdf in np.split(tables.cdfs, ends[:-1])],
        (tables.sizes + 1).tolist(),
        tables.offsets.tolist(),
    )
    values, indexes = torch.from_numpy(symbols), torch.from_numpy(rows).int()
    return Peer(
        lambda: ans.RansEncoder().encode_with_indexes(values.tolist(), indexes.tolist(), *model),
        lambda data: np.array(ans.RansDecoder().decode_with_indexes(data, indexes.tolist(), *model)),
        len,
    )


def constriction(symbols: np.ndarray, rows: np.ndarray) -> Peer:
    """Return constriction's ANS coder with the symbols grouped by row, its best mode; no escapes."""
    stream = pytest.importorskip("constriction").stream
    tables = laplace_tables(16)
    parts = np.split(frequencies(tables), np.cumsum(tables.sizes)[:-1])
    models = [stream.model.Categorical(part / part.sum(), perfect=False) for part in parts]
    highest = (tables.sizes - 1)[rows]
    inside = np.clip(symbols - tables.offsets[rows], 0, highest).astype(np.int32)
    places = [np.flatnonzero(rows == row) for row in range(len(models))]

    def encode() -> np.ndarray:
        coder = stream.stack.AnsCoder()
        for model, place in reversed(list(zip(models, places, strict=True))):
            coder.encode_reverse(inside[place], model)
        return coder.get_compressed()

    def decode(data: np.ndarray) -> np.ndarray:
        coder = stream.stack.AnsCoder(data)
        out = np.empty_like(symbols)
        for row, (model, place) in enumerate(zip(models, places, strict=True)):
            out[place] = coder.decode(model, len(place)) + tables.offsets[row]
        return out

    return Peer(encode, decode, lambda data: data.nbytes)


PEERS = {"nvczoo": native, "compressai": compressai, "constriction": constriction}


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("name", SPREADS)
@pytest.mark.parametrize("direction", ["encode", "decode"])
@pytest.mark.benchmark(timer=time.process_time, min_rounds=5, max_time=1.0, warmup=True, warmup_iterations=1)
def test_coder_speed(benchmark, direction: str, name: str, peer: str) -> None:
    symbols, rows = workload(name)
    coder = PEERS[peer](symbols, rows)
    data = coder.encode()
    decoded = coder.decode(data)
    assert np.mean(decoded != symbols) < (0.01 if peer == "constriction" else 1e-9)
    benchmark.group = f"{name} {direction}"
    benchmark(coder.encode) if direction == "encode" else benchmark(coder.decode, data)
    benchmark.extra_info |= {
        "Msym/s": round(len(symbols) / benchmark.stats.stats.median / 1e6, 1),
        "bytes": coder.size(data),
    }
