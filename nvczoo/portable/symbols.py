"""Symbols of 16 bits: what the bounds of portable arithmetic begin with, so nothing larger gets in."""

from torch import Tensor

from nvczoo.errors import CorruptStream
from nvczoo.interfaces import Distribution, SymbolStream

SYMBOL_BITS = 16
MOST_SYMBOL = (1 << (SYMBOL_BITS - 1)) - 1  # and -MOST_SYMBOL, as no stream needs one more below


class SixteenBits(SymbolStream):
    """Another stream, its symbols within +-MOST_SYMBOL: values are clamped, what is read is checked.

    An encoder may compute anything, so it clamps what it wants to write; its decoder gets what was written.
    """

    def __init__(self, stream: SymbolStream) -> None:
        self._stream = stream

    def code(
        self, name: str, values: Tensor | None, distribution: Distribution, mask: Tensor | None = None
    ) -> Tensor:
        """Return the symbols; raises CorruptStream for one beyond the limit."""
        limited = None if values is None else values.clamp(-MOST_SYMBOL, MOST_SYMBOL)
        symbols = self._stream.code(name, limited, distribution, mask)
        if values is None and symbols.numel() and float(symbols.abs().max()) > MOST_SYMBOL:
            raise CorruptStream(
                f"The symbols '{name}' go up to {int(symbols.abs().max())}, those of a portable stream to "
                f"{MOST_SYMBOL}: the data is damaged, or no portable encoder made it"
            )
        return symbols

    def part(self, name: str) -> SymbolStream:
        """Return the part, under the same limit."""
        return SixteenBits(self._stream.part(name))

    def layer(self, name: str) -> SymbolStream | None:
        """Return the layer, under the same limit, or None if it was dropped."""
        layer = self._stream.layer(name)
        return None if layer is None else SixteenBits(layer)

    def note(self, name: str, tensor: Tensor) -> None:
        """Note as the other stream does."""
        self._stream.note(name, tensor)
