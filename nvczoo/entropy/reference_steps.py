"""One symbol as the reference coder sees it: the steps that a lane's state takes."""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from nvczoo.errors import CorruptStream, SettingError
from nvczoo.interfaces import TableSet

STATE_LOW = 1 << 16
WORD_MASK = (1 << 16) - 1
ESCAPE_PRECISION = 14
CHUNK_BITS = 14
LENGTH_FREQUENCIES = (6144, 4096, 3072, 1536, 768, 384, 192, 96, 48) + (2,) * 23 + (1,) * 2
LENGTH_STARTS = (0, *accumulate(LENGTH_FREQUENCIES))
COST_BITS = 16  # fraction bits of a price


@dataclass(frozen=True)
class Step:
    """An interval of a table of 2**precision."""

    start: int
    frequency: int
    precision: int

    def put(self, state: int, words: list[int]) -> int:
        """Return the state with this step on it; a word it had to shed is appended to ``words``."""
        if state >= self.frequency << (32 - self.precision):
            words.append(state & WORD_MASK)
            state >>= 16
        return (state // self.frequency << self.precision) + state % self.frequency + self.start

    def undo(self, state: int) -> int:
        """Return the state before this step, which may lack a word."""
        return self.frequency * (state >> self.precision) + state % (1 << self.precision) - self.start


def refilled(state: int, take: Callable[[], int]) -> int:
    """Return the state with the word that it lacks, if it lacks one."""
    return state << 16 | take() if state < STATE_LOW else state


def raw_bits(length: int, unit: int) -> int:
    """Return how many bits follow the length of a distance in units of 2**unit."""
    return unit + max(length - 1, 0)


def distance_steps(distance: int, unit: int) -> list[Step]:
    """Return the steps that code how far an integer lies outside its row."""
    length = (distance >> unit).bit_length()
    steps = [Step(LENGTH_STARTS[length], LENGTH_FREQUENCIES[length], ESCAPE_PRECISION)]
    raw = raw_bits(length, unit)
    for low in range(0, raw, CHUNK_BITS):
        width = min(CHUNK_BITS, raw - low)
        steps.append(Step(distance >> low & ((1 << width) - 1), 1, width))
    return steps


def read_distance(state: int, unit: int, take: Callable[[], int]) -> tuple[int, int]:
    """Return (state, distance)."""
    length = bisect_right(LENGTH_STARTS, state % (1 << ESCAPE_PRECISION)) - 1
    step = Step(LENGTH_STARTS[length], LENGTH_FREQUENCIES[length], ESCAPE_PRECISION)
    state = refilled(step.undo(state), take)
    raw = raw_bits(length, unit)
    distance = 1 << raw if length else 0
    for low in range(0, raw, CHUNK_BITS):
        width = min(CHUNK_BITS, raw - low)
        distance |= state % (1 << width) << low
        state = refilled(state >> width, take)
    return state, distance


class Row:
    """A row of a table set."""

    def __init__(self, cdf: list[int], offset: int, precision: int) -> None:
        self.cdf = cdf
        self.offset = offset
        self.precision = precision
        self.escape = len(cdf) - 2  # index of the last symbol
        self.unit = max((self.escape + 1).bit_length() - 4, 0)  # of escapes: wide rows are left by far

    def step(self, index: int) -> Step:
        """Return the step of the row's symbol ``index``."""
        return Step(self.cdf[index], self.cdf[index + 1] - self.cdf[index], self.precision)

    def steps(self, symbol: int) -> list[Step]:
        """Return the symbol's step and, if it lies outside the row, those of its distance."""
        index = symbol - self.offset
        if 0 <= index < self.escape:
            return [self.step(index)]
        if self.step(self.escape).frequency == 0:
            raise SettingError(f"symbol {symbol} cannot be coded: its table row has no escape")
        return [self.step(self.escape), *distance_steps(self.distance(symbol), self.unit)]

    def index_at(self, state: int) -> int:
        """Return which of the row's symbols the state holds."""
        return bisect_right(self.cdf, state % (1 << self.precision), hi=self.escape + 1) - 1

    def distance(self, symbol: int) -> int:
        """Return 0 for the first integer above the row, 1 for the first below, 2 for the second above ..."""
        above = symbol - (self.offset + self.escape)
        return 2 * above if above >= 0 else 2 * (self.offset - 1 - symbol) + 1

    def escaped_symbol(self, distance: int) -> int:
        """Return the integer at a distance; raises CorruptStream if it is no int32."""
        steps = distance >> 1
        symbol = self.offset - 1 - steps if distance & 1 else self.offset + self.escape + steps
        if not -(1 << 31) <= symbol < 1 << 31:
            raise CorruptStream("an escaped symbol does not fit 32 bits")
        return symbol

    def price(self, symbol: int) -> int:
        """Return what the symbol costs in units of 2**-16 bit, roughly so for escapes."""
        index = symbol - self.offset
        if 0 <= index < self.escape:
            return _price(self.step(index))
        return _price(self.step(self.escape)) + (self.distance(symbol).bit_length() + 3 << COST_BITS)


def _price(step: Step) -> int:
    """Return -log2 of the step's probability, by squaring."""
    if step.frequency == 0:
        return 0
    whole = step.frequency.bit_length() - 1
    mantissa, log2 = step.frequency << (31 - whole), whole
    for _ in range(COST_BITS):
        mantissa = mantissa * mantissa >> 31
        carry = mantissa >> 32
        mantissa >>= carry
        log2 = log2 << 1 | carry
    return (step.precision << COST_BITS) - log2


def rows_of(tables: TableSet) -> list[Row]:
    """Return the rows of a table set."""
    ends = np.cumsum(tables.sizes + 1)
    return [
        Row(cdf.tolist(), int(offset), tables.precision)
        for cdf, offset in zip(np.split(tables.cdfs, ends[:-1]), tables.offsets, strict=True)
    ]
