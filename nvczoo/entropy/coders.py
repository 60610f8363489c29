"""The entropy coders: the fast one in C++, and a slow one in plain Python to check it by.

Both write the same bytes, which docs/coder.md describes.
"""

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

from nvczoo import _coder
from nvczoo.entropy.reference import ReferenceCoder
from nvczoo.errors import SettingError, ShapeError
from nvczoo.interfaces import EntropyCoder, TableSet

__all__ = ["FORMAT", "NativeCoder", "ReferenceCoder", "active_path", "paths", "prepared"]

FORMAT = ReferenceCoder.format

# A torch tensor, a NumPy array, or whatever lends its memory by DLPack or the buffer protocol.
Array = Any
# The table row of each symbol; or (rows, inner): one row for each `inner` symbols in turn, as channels have.
Indexes = Array | tuple[Array, int]

SYMBOLS = ("int32", "int16", "int8")
PROFILES = ("auto", "gpu")

_prepared: WeakKeyDictionary[TableSet, _coder.Tables] = WeakKeyDictionary()


def prepared(tables: TableSet) -> _coder.Tables:
    """Return the tables as the C++ coder wants them, made once per TableSet."""
    known = _prepared.get(tables)
    if known is None:
        known = _coder.Tables(
            np.ascontiguousarray(tables.cdfs, dtype=np.uint32),
            np.ascontiguousarray(tables.sizes, dtype=np.int32),
            np.ascontiguousarray(tables.offsets, dtype=np.int32),
            tables.precision,
        )
        _prepared[tables] = known
    return known


def paths() -> list[str]:
    """Return the names of the coder's paths that this processor can take, the fastest first."""
    return _coder.paths()


def active_path() -> str:
    """Return the path taken unless told: the fastest, or what NVCZOO_CODER in the environment names."""
    return _coder.path()


def _lend(array: Array, kinds: tuple[str, ...], name: str) -> np.ndarray:
    """Return a contiguous view in the CPU's memory, copied only if the array is neither."""
    if isinstance(array, Tensor):
        lent = array.detach().cpu().contiguous().numpy()
    elif hasattr(array, "__dlpack__") and not isinstance(
        array, np.ndarray
    ):  # NumPy lends none that are read-only
        lent = np.from_dlpack(array)
    else:
        lent = np.asarray(array)
    if lent.dtype.name not in kinds:
        raise ShapeError(f"{name} must be {' or '.join(kinds)}, not {lent.dtype.name}")
    return lent if lent.flags.c_contiguous else np.ascontiguousarray(lent)


def _lend_indexes(indexes: Indexes) -> tuple[np.ndarray, int]:
    """Return the rows, and for how many symbols each is, or 0 if they are one each."""
    rows, inner = indexes if isinstance(indexes, tuple) else (indexes, 0)
    if isinstance(indexes, tuple) and inner < 1:
        raise ShapeError(f"rows for {inner} symbols each were given; it must be 1 or more")
    return _lend(rows, ("uint8", "uint16"), "indexes"), inner


@cache
def _pool() -> ThreadPoolExecutor:
    """Return threads to code in: they run side by side, as the coder lets go of the interpreter lock."""
    return ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="nvczoo-coder")


os.register_at_fork(after_in_child=_pool.cache_clear)  # a forked process has none of the threads


class NativeEncoder:
    """Collects parts without copying them: CPU arrays must not change before ``finish``."""

    def __init__(self, encoder: _coder.Encoder) -> None:
        self._encoder = encoder

    def push(self, symbols: Array, indexes: Indexes, tables: TableSet) -> None:
        """Add ``symbols`` [N], int32, int16 or int8, with table rows ``indexes`` [N], uint8 or uint16.

        With ``indexes=(rows, inner)``, rows [R] and N = R * inner, each row is that of ``inner`` symbols.
        """
        values = _lend(symbols, SYMBOLS, "symbols")
        rows, inner = _lend_indexes(indexes)
        self._encoder.push(values, rows, prepared(tables), inner)

    def finish(self) -> bytes:
        """Return the coded bytes; the encoder is spent."""
        return self._encoder.finish()


class NativeDecoder:
    """Answers part by part."""

    def __init__(self, decoder: _coder.Decoder) -> None:
        self._decoder = decoder
        self._latest: Future[Tensor] | None = None  # of ``decode_async``

    def decode(self, indexes: Indexes, tables: TableSet, out: Tensor | None = None) -> Tensor:
        """Return int32 symbols for table rows ``indexes``, uint8 or uint16, in their shape, on the CPU.

        With ``indexes=(rows, inner)`` the shape is that of the rows and ``inner``. With ``out``, a
        contiguous int32 tensor of as many items, they are written there.
        """
        self._settle()
        return self._decode(indexes, tables, out)

    def decode_async(self, indexes: Indexes, tables: TableSet, out: Tensor | None = None) -> "Future[Tensor]":
        """Decode as ``decode`` does, in another thread, after what was asked for before.

        ``indexes`` must not change until the future is done. Other calls wait for it.
        """
        before = self._latest

        def work() -> Tensor:
            if before is not None:
                before.result()  # started earlier, so it cannot wait for us
            return self._decode(indexes, tables, out)

        self._latest = _pool().submit(work)
        return self._latest

    def finish(self) -> None:
        """Raise CorruptStream unless the data was used up exactly."""
        self._settle()
        self._decoder.finish()

    def _decode(self, indexes: Indexes, tables: TableSet, out: Tensor | None) -> Tensor:
        rows, inner = _lend_indexes(indexes)
        shape = (*rows.shape, inner) if inner else rows.shape
        symbols = torch.empty(shape, dtype=torch.int32) if out is None else out
        self._decoder.decode(rows, prepared(tables), symbols.numpy(), inner)
        return symbols

    def _settle(self) -> None:
        if self._latest is not None:
            wait([self._latest])  # if it failed, the decoder says so itself


class NativeCoder(EntropyCoder):
    """The coder in C++.

    ``lanes`` and ``streams`` follow from the payload when 0: as many as a few thousandths of it pay for.
    Several streams are for ``threads`` (0: one for each core) to share, and for GPUs: with
    ``profile="gpu"`` there are 64 lanes and as many streams as 1 % of the payload pays for. ``checksum``
    appends a CRC-32C, for data that no container protects; ``fingerprint`` adds a byte by which decoders
    tell other tables. ``path`` is one of ``paths()``, by default ``active_path()``; all write the same bytes.
    """

    format = FORMAT

    def __init__(
        self,
        lanes: int = 0,
        streams: int = 1,
        checksum: bool = False,
        fingerprint: bool = False,
        threads: int = 1,
        path: str = "",
        profile: str = "auto",
    ) -> None:
        if profile not in PROFILES:
            raise SettingError(f"there is no profile '{profile}'; known are {', '.join(PROFILES)}")
        for_gpu = profile == "gpu"
        if for_gpu and streams == 1:
            streams = 0
        self._options = (lanes, streams, checksum, fingerprint, threads, path, for_gpu)
        self._threads = threads
        self._path = path
        self.encoder()  # options that cannot be are found here

    def encoder(self) -> NativeEncoder:
        """Return an empty encoder."""
        return NativeEncoder(_coder.Encoder(*self._options))

    def decoder(self, data: bytes | memoryview) -> NativeDecoder:
        """Return a decoder at the start of ``data``, which must not change meanwhile."""
        return NativeDecoder(_coder.Decoder(data, self._threads, self._path))

    def encode_batch(self, packets: Iterable[Sequence[tuple[Array, Indexes, TableSet]]]) -> list[bytes]:
        """Return the bytes of each packet, given as parts (symbols, indexes, tables), coded side by side."""
        return list(_pool().map(self._encode, packets))

    def decode_batch(
        self, packets: Iterable[tuple[bytes | memoryview, Sequence[tuple[Indexes, TableSet]]]]
    ) -> list[list[Tensor]]:
        """Return the symbols of each part of each packet, given as data and parts (indexes, tables)."""
        return list(_pool().map(self._decode, packets))

    def _encode(self, parts: Sequence[tuple[Array, Indexes, TableSet]]) -> bytes:
        encoder = self.encoder()
        for symbols, indexes, tables in parts:
            encoder.push(symbols, indexes, tables)
        return encoder.finish()

    def _decode(self, packet: tuple[bytes | memoryview, Sequence[tuple[Indexes, TableSet]]]) -> list[Tensor]:
        data, parts = packet
        decoder = self.decoder(data)
        symbols = [decoder.decode(indexes, tables) for indexes, tables in parts]
        decoder.finish()
        return symbols
