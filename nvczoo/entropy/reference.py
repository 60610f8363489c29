"""The stream format in plain Python: slow, short, and independent of the C++ coder it checks.

docs/coder.md describes the format; the names here are those used there.
"""

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from nvczoo import _coder
from nvczoo.entropy.reference_format import (
    MAX_STREAMS,
    STATE_LOW,
    ByteReader,
    Header,
    compact_states,
    read_header,
    varint,
)
from nvczoo.entropy.reference_steps import Row, read_distance, refilled, rows_of
from nvczoo.errors import CorruptStream, ShapeError, TableMismatch, TruncatedStream
from nvczoo.interfaces import EntropyCoder, TableSet

MAX_LANES = 64
TAIL_CAP = 4096  # symbols that lane 0 may code alone
SAMPLE_BITS = 12
PAYLOAD_PER_LANE = 300  # bytes

Part = list[tuple[int, Row]]  # symbols with their rows


def _block(part: list, block: int, blocks: int) -> list:
    """Return one of ``blocks`` slices of nearly equal length, the longer ones first."""
    each, longer = divmod(len(part), blocks)
    first = block * each + min(block, longer)
    return part[first : first + each + (block < longer)]


@dataclass
class _StreamWriter:
    """One sub-stream under construction; ``words`` are in the order of writing, the last read first."""

    lanes: int
    states: list[int]
    words: list[int] = field(default_factory=list)
    count: int = 0
    tail: int = 0
    seeds: int = 0

    def encode(self, parts: list[Part]) -> None:
        """Code all parts, walking backwards."""
        self.count = sum(map(len, parts))
        symbols_left = self.count
        if self.lanes > 1:
            while symbols_left and self.tail < TAIL_CAP and len(self.words) < self.lanes - 1:
                parts = [part for part in parts if part]
                self._put_row(parts[-1][-1:])
                parts[-1] = parts[-1][:-1]
                self.tail += 1
                symbols_left -= 1
            self.seeds = min(len(self.words), self.lanes - 1)
            for lane in range(1, self.seeds + 1):
                self.states[lane] += self.words[self.seeds - lane]
        for part in reversed(parts):
            for first in reversed(range(0, len(part), self.lanes)):
                self._put_row(part[first : first + self.lanes])

    def _put_row(self, row: Part) -> None:
        steps = [table.steps(symbol) for symbol, table in row]
        for lane in reversed(range(len(row))):
            for step in reversed(steps[lane][1:]):
                self.states[lane] = step.put(self.states[lane], self.words)
        for lane in reversed(range(len(row))):
            self.states[lane] = steps[lane][0].put(self.states[lane], self.words)

    def to_bytes(self, header: Header) -> bytes:
        """Return counts, states and words."""
        out = varint(self.count) if header.counted else b""
        out += varint(self.tail) if header.seeded else b""
        words = self.words[self.seeds :][::-1]
        return out + compact_states(self.states) + np.array(words, dtype="<u2").tobytes()


class ReferenceEncoder:
    """Collects parts as lists."""

    def __init__(self, lanes: int, streams: int, checksum: bool, fingerprint: bool) -> None:
        self._lanes = lanes
        self._streams = streams
        self._checksum = checksum
        self._fingerprint = fingerprint
        self._first: TableSet | None = None
        self._parts: list[Part] = []

    def push(self, symbols: Tensor, indexes: Tensor, tables: TableSet) -> None:
        """Add int32 ``symbols`` [N] with table rows ``indexes`` [N]."""
        if symbols.numel() != indexes.numel():
            raise ShapeError(f"{symbols.numel()} symbols but {indexes.numel()} indexes were given")
        rows = rows_of(tables)
        numbers = indexes.flatten().tolist()
        if max(numbers, default=0) >= len(rows):
            raise ShapeError(f"an index of {max(numbers)} was given, but the tables have {len(rows)} rows")
        self._parts.append(
            [(symbol, rows[i]) for symbol, i in zip(symbols.flatten().tolist(), numbers, strict=True)]
        )
        if numbers and self._first is None:
            self._first = tables

    def finish(self) -> bytes:
        """Return the coded bytes."""
        if self._first is None:
            return b""
        lanes, streams = self._choose_lanes()
        writers = [_StreamWriter(lanes, [STATE_LOW] * lanes) for _ in range(streams)]
        for number, writer in enumerate(writers):
            writer.encode([_block(part, number, streams) for part in self._parts])
        header = Header(
            lanes,
            counted=lanes > 1,
            seeded=any(writer.tail for writer in writers),
            checked=self._checksum,
            fingerprint=_table_byte(self._first) if self._fingerprint else None,
        )
        bodies = [writer.to_bytes(header) for writer in writers]
        if streams > 1:
            header = replace(header, lengths=tuple(map(len, bodies)))
        out = header.to_bytes() + b"".join(bodies)
        return out + _coder.crc32c(out).to_bytes(4, "little") if self._checksum else out

    def _choose_lanes(self) -> tuple[int, int]:
        payload = 0
        for part in self._parts:
            stride = len(part) >> SAMPLE_BITS | 1
            payload += stride * sum(row.price(symbol) for symbol, row in part[::stride])
        total = (payload >> 19) // PAYLOAD_PER_LANE
        fitting = [lanes for lanes in (4, 8, 16, 32, 64) if 2 * lanes <= 3 * total]
        streams = min(max(total // MAX_LANES, 1), MAX_STREAMS)
        return self._lanes or max(fitting, default=1), self._streams or streams


def _table_byte(tables: TableSet) -> int:
    """Return the low byte of the CRC-32C over all integers of the tables, row by row."""
    numbers = [tables.precision, tables.sizes.size]
    for row in rows_of(tables):
        numbers += [len(row.cdf) - 1, row.offset & 0xFFFFFFFF, *row.cdf]
    return _coder.crc32c(np.array(numbers, dtype="<u4")) & 0xFF


class _StreamReader:
    """One sub-stream being read."""

    def __init__(self, body: bytes, header: Header) -> None:
        reader = ByteReader(body)
        self.lanes = header.lanes
        self.count = reader.varint() if header.counted else None
        tail = reader.varint() if header.seeded else 0
        if tail > TAIL_CAP or (self.count is not None and tail > self.count):
            raise CorruptStream("the coded data claims an impossible tail")
        self.rows_end = None if self.count is None else self.count - tail
        self.states = reader.states(self.lanes)
        words = reader.rest()
        if len(words) % 2:
            raise CorruptStream("the coded data has an odd number of bytes")
        self.words = np.frombuffer(words, dtype="<u2").tolist()[::-1]  # the next is the last
        self.done = 0
        self.seeds: list[int] | None = None  # known once the rows have ended

    def _take(self) -> int:
        if self.words:
            return self.words.pop()
        if self.seeds:
            return self.seeds.pop(0)
        raise TruncatedStream("the coded data ends before its symbols do")

    def _begin_tail(self) -> None:
        if any(state >> 16 != 1 for state in self.states[1:]):
            raise CorruptStream("a lane did not end where its encoder began")
        self.seeds = [state - STATE_LOW for state in self.states[1:]]

    def decode(self, rows: list[Row]) -> list[int]:
        """Return one symbol for each row."""
        if self.count is not None and len(rows) > self.count - self.done:
            raise CorruptStream(f"the coded data holds {self.count} symbols, but more were asked for")
        in_rows = len(rows) if self.rows_end is None else min(len(rows), max(self.rows_end - self.done, 0))
        symbols: list[int] = []
        for first in range(0, in_rows, self.lanes):
            symbols += self._row(rows[first : min(first + self.lanes, in_rows)])
        for row in rows[in_rows:]:
            if self.seeds is None:
                self._begin_tail()
            symbols += self._row([row])
        self.done += len(rows)
        return symbols

    def _row(self, rows: list[Row]) -> list[int]:
        symbols = []
        for lane, row in enumerate(rows):
            index = row.index_at(self.states[lane])
            self.states[lane] = refilled(row.step(index).undo(self.states[lane]), self._take)
            symbols.append(None if index == row.escape else row.offset + index)
        for lane, row in enumerate(rows):
            if symbols[lane] is None:
                self.states[lane], distance = read_distance(self.states[lane], self._take)
                symbols[lane] = row.escaped_symbol(distance)
        return symbols

    def finish(self) -> None:
        """Raise CorruptStream unless everything was used up and every lane is where it began."""
        if self.seeds is None:
            self._begin_tail()
        used_up = not self.words and not any(self.seeds or ()) and self.states[0] == STATE_LOW
        if not used_up or self.count not in (None, self.done):
            raise CorruptStream("the coded data was not used up exactly")


class ReferenceDecoder:
    """Answers part by part."""

    def __init__(self, data: bytes) -> None:
        self._streams: list[_StreamReader] = []
        self._fingerprint: int | None = None
        if not data:
            return
        reader = ByteReader(data)
        header = read_header(reader)
        self._fingerprint = header.fingerprint
        bodies = reader.rest()
        if header.checked:
            if len(bodies) < 4:
                raise TruncatedStream("the coded data ends before its checksum")
            if _coder.crc32c(data[:-4]) != int.from_bytes(data[-4:], "little"):
                raise CorruptStream("the checksum of the coded data does not match")
            bodies = bodies[:-4]
        reader = ByteReader(bodies)
        self._streams = [
            _StreamReader(reader.take(length), header) for length in header.lengths or (len(bodies),)
        ]
        if reader.rest():
            raise CorruptStream("coded data is left over after the last sub-stream")

    def decode(self, indexes: Tensor, tables: TableSet) -> Tensor:
        """Return int32 symbols for table rows ``indexes``, in their shape."""
        if not indexes.numel():
            return torch.empty(indexes.shape, dtype=torch.int32)
        if not self._streams:
            raise TruncatedStream("the coded data is empty, but symbols were asked for")
        if self._fingerprint not in (None, _table_byte(tables)):
            raise TableMismatch("the data was coded with other probability tables")
        self._fingerprint = None
        rows = rows_of(tables)
        wanted = [rows[i] for i in indexes.flatten().tolist()]
        symbols: list[int] = []
        for number, stream in enumerate(self._streams):
            symbols += stream.decode(_block(wanted, number, len(self._streams)))
        return torch.tensor(symbols, dtype=torch.int32).reshape(indexes.shape)

    def finish(self) -> None:
        """Raise CorruptStream unless the data was used up exactly."""
        for stream in self._streams:
            stream.finish()


class ReferenceCoder(EntropyCoder):
    """The coder in plain Python: the oracle of the tests, with the options of ``NativeCoder``."""

    format = "rans32x16"

    def __init__(
        self, lanes: int = 0, streams: int = 1, checksum: bool = False, fingerprint: bool = False
    ) -> None:
        self._options = (lanes, streams, checksum, fingerprint)

    def encoder(self) -> ReferenceEncoder:
        """Return an empty encoder."""
        return ReferenceEncoder(*self._options)

    def decoder(self, data: bytes | memoryview) -> ReferenceDecoder:
        """Return a decoder at the start of ``data``."""
        return ReferenceDecoder(bytes(data))
