"""How integers become bytes, given the probability table of each."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from torch import Tensor

MAX_TABLE_ROWS = 1 << 12
MAX_TABLE_SYMBOLS = 1 << 12  # per row, the escape included


@dataclass(frozen=True, eq=False)
class TableSet:
    """Frozen integer probability tables, one row per index; the same on every platform.

    Row ``r`` codes the symbols ``offsets[r] .. offsets[r] + sizes[r] - 2`` and, last, the escape:
    any other int32, unless the escape's frequency is 0, when no other can be coded.
    ``cdfs[starts[r] : starts[r] + sizes[r] + 1]`` runs from 0 to 2**precision, where ``starts`` is
    the running sum of ``sizes + 1``.
    """

    cdfs: np.ndarray  # uint32 [sum(sizes + 1)]
    sizes: np.ndarray  # int32 [R], symbols of each row with its escape
    offsets: np.ndarray  # int32 [R], the smallest symbol of each row
    precision: int = 14  # bits


class SymbolEncoder(Protocol):
    """Collects the symbols of one packet."""

    def push(self, symbols: Tensor, indexes: Tensor, tables: TableSet) -> None:
        """Add int32 ``symbols`` [N] with table rows ``indexes`` [N], uint8 or uint16; once per part."""
        ...

    def finish(self) -> bytes:
        """Return the coded bytes; the encoder is spent."""
        ...


class SymbolDecoder(Protocol):
    """Answers part by part, and keeps its position between calls."""

    def decode(self, indexes: Tensor, tables: TableSet) -> Tensor:
        """Return int32 symbols [N] for table rows ``indexes`` [N], uint8 or uint16."""
        ...

    def finish(self) -> None:
        """Raise CorruptStream unless the data was used up exactly."""
        ...


class EntropyCoder(ABC):
    """A coder: stateless itself, it opens an encoder or a decoder per packet.

    Every coder with the same ``format`` writes the same bytes and reads what the others wrote.
    """

    format: str

    @abstractmethod
    def encoder(self) -> SymbolEncoder:
        """Return an empty encoder."""

    @abstractmethod
    def decoder(self, data: bytes | memoryview) -> SymbolDecoder:
        """Return a decoder at the start of ``data``."""
