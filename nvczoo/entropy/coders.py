"""The entropy coders: the fast one in C++, and a slow one in plain Python to check it by.

Both write the same bytes, which docs/coder.md describes.
"""

from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

from nvczoo import _coder
from nvczoo.entropy.reference import ReferenceCoder
from nvczoo.errors import ShapeError
from nvczoo.interfaces import EntropyCoder, TableSet
from nvczoo.interfaces.coder import SymbolDecoder, SymbolEncoder

__all__ = ["FORMAT", "NativeCoder", "ReferenceCoder", "prepared"]

FORMAT = ReferenceCoder.format

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


def _lend(tensor: Tensor, kinds: tuple[torch.dtype, ...], name: str) -> np.ndarray:
    """Return a contiguous CPU view of the tensor, copied only if it is neither."""
    if tensor.dtype not in kinds:
        wanted = " or ".join(str(kind).removeprefix("torch.") for kind in kinds)
        raise ShapeError(f"{name} must be {wanted}, not {str(tensor.dtype).removeprefix('torch.')}")
    return tensor.detach().cpu().contiguous().numpy()


class NativeEncoder:
    """Collects parts without copying them: CPU tensors must not change before ``finish``."""

    def __init__(self, encoder: _coder.Encoder) -> None:
        self._encoder = encoder

    def push(self, symbols: Tensor, indexes: Tensor, tables: TableSet) -> None:
        """Add int32 ``symbols`` [N] with table rows ``indexes`` [N], uint8 or uint16."""
        self._encoder.push(
            _lend(symbols, (torch.int32,), "symbols"),
            _lend(indexes, (torch.uint8, torch.uint16), "indexes"),
            prepared(tables),
        )

    def finish(self) -> bytes:
        """Return the coded bytes; the encoder is spent."""
        return self._encoder.finish()


class NativeDecoder:
    """Answers part by part."""

    def __init__(self, data: bytes | memoryview) -> None:
        self._decoder = _coder.Decoder(data)

    def decode(self, indexes: Tensor, tables: TableSet) -> Tensor:
        """Return int32 symbols for table rows ``indexes``, uint8 or uint16, in their shape, on the CPU."""
        symbols = torch.empty(indexes.shape, dtype=torch.int32)
        rows = _lend(indexes, (torch.uint8, torch.uint16), "indexes")
        self._decoder.decode(rows, prepared(tables), symbols.numpy())
        return symbols

    def finish(self) -> None:
        """Raise CorruptStream unless the data was used up exactly."""
        self._decoder.finish()


class NativeCoder(EntropyCoder):
    """The coder in C++.

    ``lanes`` and ``streams`` follow from the payload when 0: as many as 0.2 % of it pay for. Several
    streams are for threads and GPUs to share. ``checksum`` appends a CRC-32C, for data that no
    container protects; ``fingerprint`` adds a byte by which decoders tell other tables.
    """

    format = FORMAT

    def __init__(
        self, lanes: int = 0, streams: int = 1, checksum: bool = False, fingerprint: bool = False
    ) -> None:
        self._options = (lanes, streams, checksum, fingerprint)
        self.encoder()  # options that cannot be are found here

    def encoder(self) -> SymbolEncoder:
        """Return an empty encoder."""
        return NativeEncoder(_coder.Encoder(*self._options))

    def decoder(self, data: bytes | memoryview) -> SymbolDecoder:
        """Return a decoder at the start of ``data``, which must not change meanwhile."""
        return NativeDecoder(data)
