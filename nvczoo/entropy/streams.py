"""The three symbol streams: counting bits, writing them, reading them back."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from nvczoo.entropy.coding_order import flat, places, settled, unflat
from nvczoo.errors import CorruptStream
from nvczoo.interfaces import Distribution, EntropyCoder, SymbolStream

MAIN_LAYER = ""


def crc32c(symbols: Tensor, initial: int) -> int:
    """Return the running CRC-32C over int32 symbols on the CPU."""
    from nvczoo import _coder

    return _coder.crc32c(symbols.contiguous().numpy(), initial)


class Named(SymbolStream):
    """Puts a part's name before every name, and hands all else to the stream it belongs to."""

    def __init__(self, stream: SymbolStream, prefix: str) -> None:
        self.stream = stream
        self.prefix = prefix

    def code(
        self, name: str, values: Tensor | None, distribution: Distribution, mask: Tensor | None = None
    ) -> Tensor:
        """Code under the part's name."""
        return self.stream.code(f"{self.prefix}.{name}", values, distribution, mask)

    def part(self, name: str) -> SymbolStream:
        """Return the part of a part."""
        return Named(self.stream, f"{self.prefix}.{name}")

    def layer(self, name: str) -> SymbolStream | None:
        """Return the layer, with the part's name before the names in it."""
        layer = self.stream.layer(name)
        return None if layer is None else Named(layer, self.prefix)

    def note(self, name: str, tensor: Tensor) -> None:
        """Note under the part's name."""
        self.stream.note(f"{self.prefix}.{name}", tensor)


@dataclass(frozen=True)
class Rows:
    """Which rows of a larger batch are at hand: its noise is drawn whole, so that sharing changes nothing."""

    first: int
    total: int


class BitCounter(SymbolStream):
    """Estimates bits, differentiably; with ``training`` as for noisy symbols.

    Where a batch is shared among processes or taken in slices, ``rows`` says which part this is: with the
    same state of torch's generator each row then gets the noise it would get in the whole batch.
    """

    def __init__(self, training: bool = False, rows: Rows | None = None) -> None:
        self.training = training
        self.rows = rows
        self.bits: dict[str, Tensor] = {}  # [B] each
        self.notes: dict[str, Tensor] = {}

    def code(
        self, name: str, values: Tensor | None, distribution: Distribution, mask: Tensor | None = None
    ) -> Tensor:
        """Return rounded values, and count their bits per batch element."""
        if values is None:
            raise TypeError(f"a BitCounter needs the values of '{name}'; only a BitReader can do without")
        values = values.float()
        rounded = values + (values.round() - values).detach()  # the gradient passes through
        bits = (
            distribution.noisy_bits(values, self._noise(values))
            if self.training
            else distribution.bits(rounded)
        )
        if mask is not None:
            bits, rounded = bits * mask, rounded * mask
        self.bits[name] = self.bits.get(name, 0) + bits.flatten(1).sum(1)
        return settled(rounded)

    def _noise(self, values: Tensor) -> Tensor:
        """Return numbers in -0.5..0.5 in the shape of the values."""
        if self.rows is None:
            return torch.rand_like(values) - 0.5
        whole = torch.rand(self.rows.total, *values.shape[1:], device=values.device)
        return whole[self.rows.first : self.rows.first + values.shape[0]] - 0.5

    def part(self, name: str) -> SymbolStream:
        """Return this stream with a part's name before the names."""
        return Named(self, name)

    def layer(self, name: str) -> SymbolStream:
        """Return the part of that name: nothing is dropped while counting."""
        return Named(self, name)

    def note(self, name: str, tensor: Tensor) -> None:
        """Keep ``tensor`` in ``notes``."""
        self.notes[name] = tensor

    @property
    def total(self) -> Tensor:
        """Bits of everything so far, [B]."""
        return torch.stack(list(self.bits.values())).sum(0)


class _Layers(SymbolStream):
    """What writing and reading share: named parts cost nothing, notes go nowhere."""

    def part(self, name: str) -> SymbolStream:
        """Return this stream: parts are told apart by their order alone."""
        del name
        return self

    def note(self, name: str, tensor: Tensor) -> None:
        """Do nothing."""


class BitWriter(_Layers):
    """Collects symbols, layer by layer; the coder runs once, in ``finish``."""

    def __init__(self, coder: EntropyCoder) -> None:
        self._coder = coder
        self._pushed: list[tuple[Tensor, Tensor, Distribution]] = []
        self._layers: dict[str, BitWriter] = {}
        self.checksum = 0  # CRC-32C of the main layer's symbols, known after ``finish``

    def code(
        self, name: str, values: Tensor | None, distribution: Distribution, mask: Tensor | None = None
    ) -> Tensor:
        """Return rounded values, and keep them for the coder."""
        if values is None:
            raise TypeError(f"a BitWriter needs the values of '{name}'; only a BitReader can do without")
        symbols = values.float().round()
        coded, indexes = flat(symbols), flat(distribution.indexes())
        if mask is not None:
            chosen = places(mask, symbols.shape)
            coded, indexes = coded.index_select(0, chosen), indexes.index_select(0, chosen)
            symbols = symbols * mask
        self._pushed.append((coded, indexes, distribution))
        return settled(symbols)

    def layer(self, name: str) -> SymbolStream:
        """Return a writer of its own for the layer."""
        return self._layers.setdefault(name, BitWriter(self._coder))

    def finish(self) -> tuple[tuple[str, bytes], ...]:
        """Return (name, bytes) of each layer, the main one first under the name ''."""
        encoder = self._coder.encoder()
        for symbols, indexes, distribution in self._pushed:
            integers = symbols.to("cpu", torch.int32)
            self.checksum = crc32c(integers, self.checksum)
            encoder.push(integers, indexes.cpu(), distribution.table)
        layers = [(MAIN_LAYER, encoder.finish())]
        for name, writer in self._layers.items():
            layers += [(f"{name}.{inner}" if inner else name, data) for inner, data in writer.finish()]
        return tuple(layers)

    @property
    def checksums(self) -> dict[str, int]:
        """CRC-32C of each layer's symbols, known after ``finish``."""
        found = {MAIN_LAYER: self.checksum}
        for name, writer in self._layers.items():
            found |= {f"{name}.{inner}" if inner else name: crc for inner, crc in writer.checksums.items()}
        return found


class BaseOnly(SymbolStream):
    """Hands all to another stream, but for the layers that can be dropped: these are not coded at all."""

    def __init__(self, stream: SymbolStream) -> None:
        self._stream = stream

    def code(
        self, name: str, values: Tensor | None, distribution: Distribution, mask: Tensor | None = None
    ) -> Tensor:
        """Code as the other stream does."""
        return self._stream.code(name, values, distribution, mask)

    def part(self, name: str) -> SymbolStream:
        """Return the other stream's part, without layers as well."""
        return BaseOnly(self._stream.part(name))

    def layer(self, name: str) -> None:
        """Return None: every layer is dropped."""
        del name

    def note(self, name: str, tensor: Tensor) -> None:
        """Note as the other stream does."""
        self._stream.note(name, tensor)


class BitReader(_Layers):
    """Answers ``code`` from coded bytes, part by part."""

    def __init__(self, coder: EntropyCoder, layers: Mapping[str, bytes | memoryview]) -> None:
        if MAIN_LAYER not in layers:
            raise CorruptStream("the packet has no main layer; the frame cannot be decoded")
        self._coder = coder
        self._data = layers
        self._decoder = coder.decoder(layers[MAIN_LAYER])
        self._layers: dict[str, BitReader] = {}
        self.checksum = 0  # CRC-32C of the main layer's symbols so far

    def code(
        self, name: str, values: Tensor | None, distribution: Distribution, mask: Tensor | None = None
    ) -> Tensor:
        """Return the next symbols, in the shape of the distribution's indexes."""
        del name, values
        indexes = distribution.indexes()
        chosen = None if mask is None else places(mask, indexes.shape)
        wanted = flat(indexes) if chosen is None else flat(indexes).index_select(0, chosen)
        integers = self._decoder.decode(wanted.cpu(), distribution.table)
        self.checksum = crc32c(integers, self.checksum)
        decoded = integers.to(indexes.device, torch.float32)
        if chosen is not None:
            decoded = torch.zeros(indexes.numel(), device=indexes.device).index_copy_(0, chosen, decoded)
        return unflat(decoded, indexes.shape)

    def layer(self, name: str) -> SymbolStream | None:
        """Return a reader of the layer, or None if the packet does not hold it."""
        if name not in self._data:
            return None
        if name not in self._layers:
            inner = {MAIN_LAYER: self._data[name]}
            prefix = f"{name}."
            inner |= {key[len(prefix) :]: data for key, data in self._data.items() if key.startswith(prefix)}
            self._layers[name] = self._opened(name, inner)
        return self._layers[name]

    def _opened(self, name: str, layers: Mapping[str, bytes | memoryview]) -> "BitReader":
        """Return what reads a layer; a child that watches has it watched as well."""
        del name
        return BitReader(self._coder, layers)

    def finish(self) -> None:
        """Raise CorruptStream unless every layer that was opened was used up exactly."""
        self._decoder.finish()
        for reader in self._layers.values():
            reader.finish()

    @property
    def checksums(self) -> dict[str, int]:
        """CRC-32C of the symbols of each layer that was opened."""
        found = {MAIN_LAYER: self.checksum}
        for name, reader in self._layers.items():
            found |= {f"{name}.{inner}" if inner else name: crc for inner, crc in reader.checksums.items()}
        return found
