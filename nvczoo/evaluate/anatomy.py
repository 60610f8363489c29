"""What a coded frame consists of: bits by part, where they went, and how the picture moved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from nvczoo.entropy.streams import BitReader, BitWriter, Named
from nvczoo.interfaces import Distribution, EntropyCoder, SymbolStream

FLOW, DECODED_FLOW = "flow", "decoded_flow"  # notes that codecs leave motion under: estimated, as coded


@dataclass(frozen=True)
class Anatomy:
    """One coding step: ``parts`` in bits, ``bit_map`` [h, w] bits per place, ``flow`` [2, H, W] in pixels."""

    parts: Mapping[str, float]
    bit_map: Tensor | None
    flow: Tensor | None


class _Watching(SymbolStream):
    """What writer and reader do beside their work: count bits, and keep the motion."""

    motion: str  # the note that tells it
    _watch: _Watch
    _prefix: str

    def code(
        self, name: str, values: Tensor | None, distribution: Distribution, mask: Tensor | None = None
    ) -> Tensor:
        """Return what the stream returns, and count its bits."""
        symbols = super().code(name, values, distribution, mask)
        bits = distribution.bits(symbols).detach()
        self._watch.add(self._prefix + name, bits if mask is None else bits * mask)
        return symbols

    def part(self, name: str) -> SymbolStream:
        """Return this stream, with a part's name before the names."""
        return Named(self, name)

    def note(self, name: str, tensor: Tensor) -> None:
        """Keep the motion, and nothing else."""
        if name.rpartition(".")[2] == self.motion:
            self._watch.flow = tensor.detach()


class WatchingWriter(_Watching, BitWriter):
    """Writes the same bytes as ``BitWriter``, and counts on the way what they are spent on.

    The count is the estimate of the distributions, up to 1 % from what the coder writes.
    """

    motion = FLOW

    def __init__(self, coder: EntropyCoder, watch: _Watch | None = None, prefix: str = "") -> None:
        super().__init__(coder)
        self._watch = watch or _Watch()
        self._prefix = prefix

    def layer(self, name: str) -> SymbolStream:
        """Return a writer of its own for the layer, which counts in the same place."""
        if name not in self._layers:
            self._layers[name] = WatchingWriter(self._coder, self._watch, f"{self._prefix}{name}.")
        return self._layers[name]

    @property
    def anatomy(self) -> Anatomy:
        """What has been counted so far."""
        return self._watch.anatomy


class WatchingReader(_Watching, BitReader):
    """Reads what ``BitReader`` reads, and counts as ``WatchingWriter`` does."""

    motion = DECODED_FLOW

    def __init__(
        self,
        coder: EntropyCoder,
        layers: Mapping[str, bytes | memoryview],
        watch: _Watch | None = None,
        prefix: str = "",
    ) -> None:
        super().__init__(coder, layers)
        self._watch = watch or _Watch()
        self._prefix = prefix

    def _opened(self, name: str, layers: Mapping[str, bytes | memoryview]) -> WatchingReader:
        return WatchingReader(self._coder, layers, self._watch, f"{self._prefix}{name}.")

    @property
    def anatomy(self) -> Anatomy:
        """What has been counted so far, with motion as it was decoded."""
        return self._watch.anatomy


class _Watch:
    """Sums up; a latent of several passes is one part."""

    def __init__(self) -> None:
        self.parts: dict[str, float] = {}
        self.maps: list[Tensor] = []
        self.flow: Tensor | None = None

    def add(self, name: str, bits: Tensor) -> None:
        self.parts[name] = self.parts.get(name, 0.0) + float(bits.sum())
        if bits.ndim == 4:
            self.maps.append(bits[0].sum(0).cpu())  # [h, w]

    @property
    def anatomy(self) -> Anatomy:
        flow = None if self.flow is None else self.flow[0].float().cpu()
        return Anatomy(self.parts, _joined(self.maps), flow)


def _joined(maps: list[Tensor]) -> Tensor | None:
    """Return the sum of maps on the finest of their grids; each keeps its number of bits."""
    if not maps:
        return None
    height, width = (max(one.shape[axis] for one in maps) for axis in (0, 1))
    total = torch.zeros(height, width)
    for one in maps:
        grown = F.interpolate(one[None, None].float(), (height, width), mode="nearest")[0, 0]
        total += grown * (one.numel() / grown.numel())
    return total
