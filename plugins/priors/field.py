"""A prior for fields: coarse to fine, each element from those around it and from the field before.

Every second row and column of a field is a field again. The coarsest one is predicted from the frame
before, each finer one from the medians of the coarser; small networks, the same at all sizes, tell how far
off that is likely to be. Whether an element is what the median says, or more or less, is told first, and by
how much then: fields of motion are flat, with cliffs, and one Laplace would fit neither. A decision of ours.
"""

from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor, nn

from nvczoo.entropy.distributions import Laplace
from nvczoo.entropy.ladder import RUNGS
from nvczoo.interfaces import EntropyModel, SymbolStream
from nvczoo.layers import OnGrid, QualityShare, crop, join
from nvczoo.layers.conv import conv

from .factorized import POSITION_GAIN

LEVELS = 5  # sizes: the coarsest field has every 16th element
UNIT = 8.0  # what a network sees of differences is in these, so that it is of order one
MOST = 32.0  # units; larger differences tell no more
FRACTION = 8  # bits behind the point of what networks tell
CELLS = ((1, 1), (0, 1), (1, 0))  # of 2 x 2, in the order they are coded; the first one is coarser
AROUND = tuple((down, right) for down in range(3) for right in range(3) if (down, right) != (1, 1))


class Exactly(Laplace):
    """A Laplace of numbers that are whole in training too: there the noise of streams is rounded away."""

    def bits(self, symbols: Tensor) -> Tensor:
        """Return what whole symbols cost."""
        return super().bits(symbols.detach().round())


@dataclass(frozen=True)
class _Known:
    """What both sides know of a field at some size."""

    context: Tensor  # [B, C, h, w]
    planes: Tensor  # [B, 3, 1, 1]: q, whether there was a frame before, and the size


class FieldPrior(EntropyModel):
    """Codes a field [B, channels, h, w] of numbers whose neighbours are often equal.

    A context of as many channels or more begins with the field of the frame before.
    """

    def __init__(self, channels: int, context_channels: int = 0, hidden_channels: int = 48) -> None:
        super().__init__()
        self.channels, self.context_channels = channels, context_channels
        self.follows = context_channels >= channels  # a field before
        seen = 2 * (len(AROUND) * channels + (len(AROUND) + 1) * context_channels) + 3
        self.quality = QualityShare()
        passes = range(1 + len(CELLS))
        self.enter = nn.ModuleList(OnGrid() for _ in passes)
        self.guess = nn.ModuleList(_network(seen, 2 * channels, hidden_channels) for _ in passes)
        self.settle = nn.ModuleList(OnGrid(FRACTION) for _ in passes)

    def code(
        self,
        stream: SymbolStream,
        latent: Tensor | None,
        size: tuple[int, int],
        context: Tensor | None = None,
        q: Tensor | None = None,
    ) -> Tensor:
        """Return the field as the decoder has it, [B, channels, h, w], float32: what was nearest to whole."""
        batch = next((one.shape[0] for one in (latent, context, q) if one is not None), 1)
        device = next(chain(self.parameters(), self.buffers())).device
        one = torch.ones(batch, 1, 1, 1, device=device)
        before = torch.zeros_like(one) if context is None else one
        asked = torch.zeros_like(one) if q is None else self.quality(q).float()
        if context is None:
            context = torch.zeros(batch, self.context_channels, *size, device=device)
        coarsest = tuple(-(-side // 2**LEVELS) for side in size)
        decoded = torch.zeros(batch, self.channels, *coarsest, device=device)
        for level in range(LEVELS, -1, -1):
            every = 2**level
            values = None if latent is None else latent[..., ::every, ::every].float().round()
            planes = torch.cat((asked, before, one * (level / UNIT)), 1)
            known = _Known(context[..., ::every, ::every].float(), planes)
            if level == LEVELS:
                decoded = self._coded(0, stream, values, decoded, known, (0, 0), 1)
            else:
                decoded = self._refined(stream, values, decoded, known)
        return decoded

    def _refined(self, stream: SymbolStream, values: Tensor | None, coarse: Tensor, known: _Known) -> Tensor:
        """Return the field at the next size, [B, channels, h, w], from every second element of it."""
        size = (known.context.shape[2], known.context.shape[3])
        cells = _between(coarse)
        for number, cell in enumerate(CELLS, 1):
            field = crop(_woven(cells), size)
            if field[:, :, cell[0] :: 2, cell[1] :: 2].numel():
                found = self._coded(number, stream, values, field, known, cell, 2)
                cells[cell] = _put(found, cells[cell])
        return crop(_woven(cells), size)

    def _coded(
        self,
        number: int,
        stream: SymbolStream,
        values: Tensor | None,
        field: Tensor,
        known: _Known,
        cell: tuple[int, int],
        every: int,
    ) -> Tensor:
        """Return the elements of a cell as decoded, predicted by ``field``."""
        rows, columns = slice(cell[0], None, every), slice(cell[1], None, every)
        guess = self._guess(field, known.context, cell, every)
        seen = join(
            *(one - guess for one in _around(field, cell, every, guess)),
            *self._context_around(known.context, cell, every, guess),
        )
        # That two are equal is the news; a network would need steep slopes to see it in their difference.
        planes = known.planes.expand(-1, -1, *guess.shape[2:])
        seen = join((seen / UNIT).clamp(-MOST, MOST), (seen != 0).float(), planes)
        told = self.settle[number](self.guess[number](self.enter[number](seen))).float()
        turn, size = (RUNGS / 2 + POSITION_GAIN * told).chunk(2, 1)
        missed = None if values is None else values[:, :, rows, columns] - guess
        signs = stream.code("sign", None if missed is None else missed.sign(), Exactly(position=turn))
        further = None if missed is None else _folded(missed.abs() - 1)
        further = stream.code("size", further, Exactly(position=size), signs != 0)
        return guess + signs.clamp(-1, 1) * (1 + _unfolded(further))

    def _guess(self, field: Tensor, context: Tensor, cell: tuple[int, int], every: int) -> Tensor:
        """Return medians, whole, of the four known neighbours of each element and of the one before in time."""
        here = field[:, :, cell[0] :: every, cell[1] :: every]
        before = context[:, : self.channels, cell[0] :: every, cell[1] :: every] if self.follows else here
        if every == 1:
            return _whole(before)
        around = _around(field, cell, every, here)
        near = [around[place] for place in ((0, 2, 5, 7) if cell == (1, 1) else (1, 3, 4, 6))]
        return _whole(_median_of_five(*near, before))

    def _context_around(
        self, context: Tensor, cell: tuple[int, int], every: int, guess: Tensor
    ) -> tuple[Tensor, ...]:
        """Return the neighbourhood of the context, the field before as the difference to the guess."""
        if not self.context_channels:
            return ()
        here = context[:, :, cell[0] :: every, cell[1] :: every]
        rest = self.context_channels - self.channels if self.follows else self.context_channels
        zeros = torch.zeros_like(here[:, :rest])
        field = join(guess, zeros) if self.follows else zeros
        return tuple(one - field for one in (here, *_around(context, cell, every, guess)))


def _network(channels_in: int, channels_out: int, hidden: int) -> nn.Sequential:
    return nn.Sequential(
        conv(channels_in, hidden, 1),
        nn.LeakyReLU(),
        conv(hidden, hidden, 1, gain=2**0.5),
        nn.LeakyReLU(),
        conv(hidden, channels_out, 1, gain=0.1),
    )


def _around(field: Tensor, cell: tuple[int, int], every: int, like: Tensor) -> list[Tensor]:
    """Return the eight neighbours of the elements of a cell; beyond the border stands what is next to it."""
    rows, columns = like.shape[2:]
    field = torch.cat((field[:, :, :1], field, field[:, :, -1:]), 2)
    field = torch.cat((field[..., :1], field, field[..., -1:]), 3)
    return [
        field[:, :, cell[0] + down :: every, cell[1] + right :: every][:, :, :rows, :columns]
        for down, right in AROUND
    ]


def _median_of_five(a: Tensor, b: Tensor, c: Tensor, d: Tensor, e: Tensor) -> Tensor:
    low = torch.maximum(torch.minimum(a, b), torch.minimum(c, d))
    high = torch.minimum(torch.maximum(a, b), torch.maximum(c, d))
    return torch.maximum(torch.minimum(low, high), torch.minimum(torch.maximum(low, high), e))


def _whole(x: Tensor) -> Tensor:
    return (x + 0.5).floor()


def _folded(counts: Tensor) -> Tensor:
    """Return 0, 1, -1, 2, -2, ... for 0, 1, 2, 3, 4, ...: a Laplace is symmetric."""
    half = counts / 2
    return torch.where(half == half.floor(), -half, half + 0.5)


def _unfolded(numbers: Tensor) -> Tensor:
    return torch.where(numbers > 0, 2 * numbers - 1, -2 * numbers)


def _between(coarse: Tensor) -> dict[tuple[int, int], Tensor]:
    """Return the four cells of a field twice as large: every second element, and what stands for the others."""
    return dict.fromkeys(((0, 0), (0, 1), (1, 0), (1, 1)), coarse)


def _woven(cells: dict[tuple[int, int], Tensor]) -> Tensor:
    """Return the field of four cells, [B, C, 2 h, 2 w]."""
    rows = [torch.cat((cells[down, 0][..., None], cells[down, 1][..., None]), 4).flatten(3) for down in (0, 1)]
    return torch.cat([row[:, :, :, None] for row in rows], 3).flatten(2, 3)


def _put(found: Tensor, cell: Tensor) -> Tensor:
    """Return the cell with what was found in its upper left part."""
    rows, columns = found.shape[2:]
    found = torch.cat((found, cell[:, :, :rows, columns:]), 3)
    return torch.cat((found, cell[:, :, rows:]), 2)
