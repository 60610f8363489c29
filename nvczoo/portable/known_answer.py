"""What a machine decodes from symbols that everybody knows: the same number wherever arithmetic is portable.

Nothing is encoded for it, as an encoder's analysis may stay in floating point.
"""

import torch
from torch import Tensor

from nvczoo.entropy.streams import crc32c
from nvczoo.interfaces import Distribution, InterCodec, IntraCodec, Reference, Setting, SymbolStream

SIDE = 128  # pixels; rounded up to the codec's stride
# Between knots as well as on them, from one end to the other.
QUALITIES = (0.0, 21.30078125, 32.0, 63.0)
SMALL, LARGE = 3, 300  # symbols: most are within the one, a few as far out as the other
LARGE_EVERY = 61
FRACTION = 1 << 20  # pictures, 0 to 1, are summed up in this unit: finer than any grid of a picture


class KnownSymbols(SymbolStream):
    """Answers like a reader, with symbols that follow from their place alone; sums up what it is asked."""

    def __init__(self, checksum: int = 0) -> None:
        self.checksum = checksum  # CRC-32C over all indexes
        self._asked = 0

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


def known_answer(intra: IntraCodec, inter: InterCodec | None = None) -> int:
    """Return the CRC-32C over indexes and pictures of an intra frame and, by references, two more per q."""
    checksum = 0
    with torch.inference_mode():
        for q in QUALITIES:
            checksum = _answer(intra, inter, q, checksum)
    return checksum


def _answer(intra: IntraCodec, inter: InterCodec | None, q: float, checksum: int) -> int:
    codecs = (intra,) if inter is None else (intra, inter, inter)
    device = next((one.device for one in (*intra.parameters(), *intra.buffers())), torch.device("cpu"))
    references: tuple[Reference, ...] = ()
    for codec in codecs:
        unit = -(-SIDE // codec.stride) * codec.stride
        stream = KnownSymbols(checksum)
        setting = Setting(torch.full((1,), q, device=device), (unit, unit))
        needed = references[: codec.references_needed]
        needed += needed[-1:] * (codec.references_needed - len(needed))
        decoded = codec.code(None, needed, setting, stream)
        picture = (decoded.frame.double() * FRACTION).to("cpu", torch.int32)
        checksum = crc32c(picture, stream.checksum)
        references = (decoded, *references)
    return checksum
