"""The stream format in plain Python: slow, short, and independent of the C++ coder it checks.

docs/coder.md describes the format; the names here are those used there.
"""

import math
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
    stage_widths,
    varint,
)
from nvczoo.entropy.reference_steps import Row, read_distance, refilled, rows_of
from nvczoo.errors import CorruptStream, ShapeError, TableMismatch, TruncatedStream
from nvczoo.interfaces import EntropyCoder, TableSet

STAGE_CAP = 1 << 14  # symbols of a later stage
ROWS_AT_ONCE = 16
MAX_WORDS_LEFT = 512  # when the first stage ends
SAMPLE_BITS = 12
LEAST_PAYLOADS = {64: 3000, 16: 1500, 4: 1500}  # bytes, by lanes
PAYLOAD_PER_STREAM = 19200  # bytes

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
    lengths: list[int] = field(default_factory=list)  # symbols of each stage but the first

    def encode(self, parts: list[Part]) -> None:
        """Code all parts, walking backwards."""
        self.count = sum(map(len, parts))
        widths = stage_widths(self.lanes)
        for width, wider in zip(widths[:0:-1], widths[-2::-1], strict=True):
            self.lengths.insert(0, self._put_stage(parts, width, (wider - width) * 7 // 4 + 2))
            for lane in range(width, wider):
                self._fill(lane)
        for part in reversed(parts):
            for first in reversed(range(0, len(part), self.lanes)):
                self._put_row(part[first : first + self.lanes])

    def _put_stage(self, parts: list[Part], width: int, enough: int) -> int:
        """Code symbols off the end of ``parts`` until there are enough words; return how many."""
        coded = 0
        while len(self.words) < enough and coded < STAGE_CAP:
            while parts and not parts[-1]:
                parts.pop()
            if not parts:
                break
            some = min(len(parts[-1]), ROWS_AT_ONCE * width)
            for last in range(0, some, width):  # counted from the end; the first row may be short
                stop = len(parts[-1])
                start = max(stop - width, stop - some + last)
                self._put_row(parts[-1][start:])
                del parts[-1][start:]
            coded += some
        return coded

    def _fill(self, lane: int) -> None:
        """Begin a lane with bits that lane 0 held."""
        width = self._pop(4)
        low = self._pop(16)
        self.states[lane] = (1 << width | self._pop(width)) << 16 | low

    def _pop(self, width: int) -> int:
        bits = self.states[0] & ((1 << width) - 1)
        self.states[0] = refilled(self.states[0] >> width, lambda: self.words.pop() if self.words else 0)
        return bits

    def _put_row(self, row: Part) -> None:
        steps = [table.steps(symbol) for symbol, table in row]
        for lane in reversed(range(len(row))):
            for step in reversed(steps[lane][1:]):
                self.states[lane] = step.put(self.states[lane], self.words)
        for lane in reversed(range(len(row))):
            self.states[lane] = steps[lane][0].put(self.states[lane], self.words)

    def to_bytes(self, header: Header) -> bytes:
        """Return counts, states and words."""
        out = b"".join(map(varint, [self.count, *self.lengths])) if header.lanes > 1 else b""
        return out + compact_states(self.states) + np.array(self.words[::-1], dtype="<u2").tobytes()


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
            checked=self._checksum,
            fingerprint=_table_byte(self._first) if self._fingerprint else None,
        )
        bodies = [writer.to_bytes(header) for writer in writers]
        if streams > 1:
            header = replace(header, lengths=tuple(map(len, bodies)))
        out = header.to_bytes() + b"".join(bodies)
        return out + _coder.crc32c(out).to_bytes(4, "little") if self._checksum else out

    def _choose_lanes(self) -> tuple[int, int]:
        payload = _estimated_bytes(self._parts)
        paid = (7 * payload + 2000 * _estimated_bytes(self._last_symbols())) // 7000
        fitting = (lanes for lanes, least in LEAST_PAYLOADS.items() if payload >= least and lanes <= paid)
        streams = min(max(payload // PAYLOAD_PER_STREAM, 1), MAX_STREAMS)
        return self._lanes or next(fitting, 1), self._streams or streams

    def _last_symbols(self) -> list[Part]:
        """Return of all parts what later stages can take."""
        left, found = STAGE_CAP, []
        for part in reversed(self._parts):
            found.append(part[max(len(part) - left, 0) :])
            left -= len(found[-1])
        return found


def _estimated_bytes(parts: list[Part]) -> int:
    """Return what about 2**SAMPLE_BITS symbols of each part tell of their size."""
    total = 0
    for part in parts:
        stride = len(part) >> SAMPLE_BITS | 1
        total += stride * sum(row.price(symbol) for symbol, row in part[::stride])
    return total >> 19


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
        self.widths = stage_widths(header.lanes)  # of the present stage and those after it
        self.left: list[float] = [math.inf]  # symbols of the same stages
        if header.lanes > 1:
            self.left = [reader.varint() for _ in self.widths]
            self.left[0] -= sum(self.left[1:])
            if self.left[0] < 0:
                raise CorruptStream("the coded data claims impossible stages")
        self.states = reader.states(header.lanes)
        words = reader.rest()
        if len(words) % 2:
            raise CorruptStream("the coded data has an odd number of bytes")
        self.words = np.frombuffer(words, dtype="<u2").tolist()[::-1]  # the next is the last
        self.first_stage = True
        self.exact = True  # at the end no words may be left, not even zeros

    def _take(self) -> int:
        if self.words:
            return self.words.pop()
        raise TruncatedStream("the coded data ends before its symbols do")

    def _end_stage(self) -> None:
        if self.first_stage:
            if len(self.words) > MAX_WORDS_LEFT:
                raise CorruptStream("words are left over when the first stage ends")
            self.exact = bool(self.words)
        for lane in reversed(range(self.widths[1], self.widths[0])):
            width = self.states[lane].bit_length() - 17
            self._push((self.states[lane] >> 16) - (1 << width), width)
            self._push(self.states[lane] & 0xFFFF, 16)
            self._push(width, 4)
        self.first_stage = False
        del self.widths[0], self.left[0]

    def _push(self, bits: int, width: int) -> None:
        if self.states[0] >> (32 - width):
            self.words.append(self.states[0] & 0xFFFF)
            self.states[0] >>= 16
        self.states[0] = self.states[0] << width | bits

    def decode(self, rows: list[Row]) -> list[int]:
        """Return one symbol for each row."""
        if len(rows) > sum(self.left):
            raise CorruptStream(f"the coded data holds {sum(self.left)} symbols more, not {len(rows)}")
        symbols: list[int] = []
        while len(symbols) < len(rows):
            while not self.left[0]:
                self._end_stage()
            share = int(min(len(rows) - len(symbols), self.left[0]))
            width, end = self.widths[0], len(symbols) + share
            next_end = len(symbols) + (width if self.first_stage else (share - 1) % width + 1)
            while len(symbols) < end:
                symbols += self._row(rows[len(symbols) : min(next_end, end)])
                next_end += width
            self.left[0] -= share
        return symbols

    def _row(self, rows: list[Row]) -> list[int]:
        symbols = []
        for lane, row in enumerate(rows):
            index = row.index_at(self.states[lane])
            self.states[lane] = refilled(row.step(index).undo(self.states[lane]), self._take)
            symbols.append(None if index == row.escape else row.offset + index)
        for lane, row in enumerate(rows):
            if symbols[lane] is None:
                self.states[lane], distance = read_distance(self.states[lane], row.unit, self._take)
                symbols[lane] = row.escaped_symbol(distance)
        return symbols

    def finish(self) -> None:
        """Raise CorruptStream unless everything was used up and every lane is where it began."""
        if sum(self.left) not in (0, math.inf):
            raise CorruptStream(f"the coded data holds {sum(self.left)} symbols more than were read")
        while len(self.widths) > 1:
            self._end_stage()
        if self.states[0] != STATE_LOW or any(self.words) or (self.exact and self.words):
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
