"""Symbols, tables and options to try coders with."""

from dataclasses import dataclass

import numpy as np
import torch
from hypothesis import strategies as st
from torch import Tensor

from nvczoo.entropy.ladder import SCALE_BITS, SCALES
from nvczoo.entropy.tables import quantise
from nvczoo.interfaces import EntropyCoder, TableSet

INT32 = np.iinfo(np.int32)
LANES = (0, 1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True)
class Part:
    symbols: Tensor
    indexes: Tensor
    tables: TableSet


def encode(coder: EntropyCoder, parts: list[Part]) -> bytes:
    encoder = coder.encoder()
    for part in parts:
        encoder.push(part.symbols, part.indexes, part.tables)
    return encoder.finish()


def decode(coder: EntropyCoder, data: bytes, parts: list[Part]) -> list[Tensor]:
    decoder = coder.decoder(data)
    symbols = [decoder.decode(part.indexes, part.tables) for part in parts]
    decoder.finish()
    return symbols


def table_set(rows: list[tuple[np.ndarray, int]], precision: int) -> TableSet:
    """Return tables of (weights, offset); a row of one weight is deterministic, without an escape."""
    cdfs, sizes = [], []
    for weights, _ in rows:
        frequencies = quantise(weights, precision)
        if len(weights) == 1:
            frequencies = np.array([1 << precision, 0])
        cdfs.append(np.concatenate(([0], np.cumsum(frequencies))))
        sizes.append(len(frequencies))
    offsets = np.array([offset for _, offset in rows], np.int32)
    return TableSet(np.concatenate(cdfs).astype(np.uint32), np.array(sizes, np.int32), offsets, precision)


def random_tables(rng: np.random.Generator, rows: int, precision: int) -> TableSet:
    """Return tables of every shape: deterministic, narrow, peaked, wide, near the ends of int32."""
    made = []
    for _ in range(rows):
        size = int(rng.choice([1, 2, 3, 17, 300, 4096], p=[0.15, 0.2, 0.2, 0.25, 0.15, 0.05]))
        weights = np.floor(2.0 ** rng.uniform(0, rng.choice([1, 40]), size)).astype(np.int64)
        offset = int(rng.choice([-size // 2, 0, 1000, INT32.min, INT32.max - size - 1]))
        made.append((weights, offset))
    return table_set(made, precision)


def random_part(rng: np.random.Generator, tables: TableSet, count: int, wide: bool, escapes: float) -> Part:
    """Return symbols drawn from the tables, a share of them from all over int32 where escapes exist."""
    indexes = rng.integers(0, len(tables.sizes), count)
    ends = np.cumsum(tables.sizes + 1)
    symbols = np.empty(count, np.int64)
    for row in range(len(tables.sizes)):
        cdf = tables.cdfs[ends[row] - tables.sizes[row] - 1 : ends[row]]
        here = indexes == row
        drawn = np.searchsorted(cdf, rng.integers(0, 1 << tables.precision, here.sum()), side="right") - 1
        symbols[here] = np.minimum(tables.offsets[row] + drawn, INT32.max)
    has_escape = (tables.cdfs[ends - 1] > tables.cdfs[ends - 2])[indexes]
    far = has_escape & (rng.random(count) < escapes)
    extreme = rng.choice([INT32.min, INT32.max, 0, -1], count)
    anywhere = rng.integers(INT32.min, INT32.max, count, endpoint=True)
    symbols = np.where(far, np.where(rng.random(count) < 0.3, extreme, anywhere), symbols)
    kind = np.uint16 if wide else np.uint8
    return Part(torch.from_numpy(symbols.astype(np.int32)), torch.from_numpy(indexes.astype(kind)), tables)


@st.composite
def random_parts(draw: st.DrawFn, largest: int = 400) -> list[Part]:
    """Draw some parts, each with tables of its own or those of the part before."""
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    sizes = draw(st.lists(st.integers(0, largest), min_size=0, max_size=4))
    escapes = draw(st.sampled_from([0.0, 0.02, 1.0]))
    parts: list[Part] = []
    for size in sizes:
        if parts and rng.random() < 0.5:
            tables = parts[-1].tables
        else:
            tables = random_tables(rng, int(rng.integers(1, 9)), int(rng.integers(12, 17)))
        parts.append(random_part(rng, tables, size, bool(rng.random() < 0.3), escapes))
    return parts


def laplace_part(tables: TableSet, count: int, spread: float, seed: int = 0) -> Part:
    """Return Laplace symbols; row r is used in proportion to exp(-r / spread)."""
    rng = np.random.default_rng(seed)
    likelihood = np.exp(-np.arange(len(SCALES)) / spread)
    indexes = rng.choice(len(SCALES), count, p=likelihood / likelihood.sum())
    scales = np.array(SCALES)[indexes] / 2**SCALE_BITS
    symbols = np.round(rng.laplace(0, scales)).astype(np.int32)
    return Part(torch.from_numpy(symbols), torch.from_numpy(indexes.astype(np.uint8)), tables)


def counted_part(tables: TableSet, count: int) -> Part:
    """Return symbols from integer arithmetic alone, so that they never change: for golden data."""
    state, symbols, indexes = 1, [], []
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        row = (state >> 33) % len(tables.sizes)
        size = int(tables.sizes[row])
        indexes.append(row)
        symbols.append(int(tables.offsets[row]) + (state >> 45) % (size + 2) - 1)
    return Part(torch.tensor(symbols, dtype=torch.int32), torch.tensor(indexes, dtype=torch.uint8), tables)
