"""What a machine decodes from symbols that everybody knows: the same number wherever arithmetic is portable.

Nothing is encoded for it, as an encoder's analysis may stay in floating point.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from nvczoo.entropy.streams import crc32c
from nvczoo.interfaces import Distribution, InterCodec, IntraCodec, SymbolStream
from nvczoo.portable.decoding import decode_known, quality, reached_by
from nvczoo.portable.transform import Reached

# Between knots, and at the end where latents are largest.
QUALITIES = (21.30078125, 63.0)
SMALL, LARGE = 3, 300  # symbols: most are within the one, a few as far out as the other
LARGE_EVERY = 61
FRACTION = 1 << 20  # pictures, 0 to 1, are summed up in this unit: finer than any grid of a picture


class KnownSymbols(SymbolStream):
    """Answers like a reader, with symbols that follow from their place alone; sums up what it is asked."""

    def __init__(self) -> None:
        self.checksum = 0  # CRC-32C over all indexes
        self._asked = 0

    def restarted(self) -> "KnownSymbols":
        """Return this stream, about to give the symbols from the first one on again."""
        self._asked = 0
        return self

    def code(
        self, name: str, values: Tensor | None, distribution: Distribution, mask: Tensor | None = None
    ) -> Tensor:
        """Return symbols in the shape of the distribution's indexes, zero outside of the mask."""
        del name, values
        indexes = distribution.indexes()
        shown = indexes if mask is None else indexes * mask
        self.checksum = crc32c(shown.to("cpu", torch.int32), self.checksum)
        places = torch.arange(self._asked, self._asked + indexes.numel())
        self._asked += indexes.numel()
        symbols = known_symbols(places).view(indexes.shape).to(indexes.device, torch.float32)
        return symbols if mask is None else symbols * mask

    def part(self, name: str) -> SymbolStream:
        """Return this stream."""
        del name
        return self

    def layer(self, name: str) -> SymbolStream:
        """Return this stream: no layer is dropped."""
        del name
        return self

    def note(self, name: str, tensor: Tensor) -> None:
        """Do nothing."""


def known_symbols(places: Tensor) -> Tensor:
    """Return an integer for each place, int64: small ones, and a large one now and then."""
    mixed = (places * 2654435761 + 12345) % (1 << 32)
    mixed = ((mixed ^ (mixed >> 15)) * 2246822519) % (1 << 32) >> 8
    reach = torch.where(mixed % LARGE_EVERY == 0, LARGE, SMALL)
    return mixed // LARGE_EVERY % (2 * reach + 1) - reach


def reached_by_decoding(
    network: nn.Module, intra: IntraCodec, inter: InterCodec | None, qualities: Iterable[float]
) -> Reached:
    """Return what of ``network``, which holds the codecs, decoding uses."""
    stream = KnownSymbols()

    def decode() -> None:
        for q in qualities:
            list(decode_known(intra, inter, quality(q, intra), stream.restarted))

    return reached_by(network, decode)


def known_answer(intra: IntraCodec, inter: InterCodec | None = None) -> int:
    """Return the CRC-32C over indexes and pictures of an intra frame and, by references, two more per q."""
    stream = KnownSymbols()
    with torch.inference_mode():
        for q in QUALITIES:
            for decoded in decode_known(intra, inter, quality(q, intra), stream.restarted):
                picture = (decoded.frame.double() * FRACTION).to("cpu", torch.int32)
                stream.checksum = crc32c(picture, stream.checksum)
    return stream.checksum
