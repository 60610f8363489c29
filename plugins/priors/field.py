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
from nvczoo.layers import OnGrid, QualityShare, crop, join, uncompiled, with_border
from nvczoo.layers.conv import conv, start_at

from .factorized import POSITION_GAIN

LEVELS = 5  # halvings: the coarsest field has every 32nd element
UNIT = 8.0  # what a network sees of differences is in these, so that it is of order one
MOST = 32.0  # units; larger differences tell no more
START = (-0.2, 1.9)  # positions, in units of their gain: scales of about one for signs, the widest for sizes
FRACTION = 8  # bits behind the point of what networks tell
AROUND = tuple((down, right) for down in range(3) for right in range(3) if (down, right) != (1, 1))
CROSS, DIAGONAL = (1, 3, 4, 6), (0, 2, 5, 7)  # of these


@dataclass(frozen=True)
class _Pass:
    """Elements that are coded at once: a cell of each ``every`` x ``every``."""

    number: int
    cell: tuple[int, int]
    every: int
    near: tuple[int, ...]  # the four of ``AROUND`` that are known by then

    def of(self, field: Tensor) -> Tensor:
        """Return its elements of a field [B, C, h, w]."""
        return field[:, :, self.cell[0] :: self.every, self.cell[1] :: self.every]

    def around(self, field: Tensor) -> list[Tensor]:
        """Return the eight neighbours of its elements."""
        rows, columns = self.of(field).shape[2:]
        field = with_border(field)
        down, right = self.cell
        return [
            field[:, :, down + one :: self.every, right + other :: self.every][:, :, :rows, :columns]
            for one, other in AROUND
        ]


COARSEST = _Pass(0, (0, 0), 1, CROSS)
FINER = (_Pass(1, (1, 1), 2, DIAGONAL), _Pass(2, (0, 1), 2, CROSS), _Pass(3, (1, 0), 2, CROSS))


@dataclass(frozen=True)
class _Known:
    """What both sides know of a field at some size, beside its coarser form."""

    context: Tensor  # [B, C, h, w]
    planes: Tensor  # [B, 3, 1, 1]: q, whether there was a frame before, and the size


class Exactly(Laplace):
    """A Laplace of numbers that are whole in training, too, and have no gradient."""

    def noisy_bits(self, values: Tensor, noise: Tensor) -> Tensor:
        """Return what whole values cost, whatever the noise."""
        del noise
        return self.bits(values)


class FieldPrior(EntropyModel):
    """Codes a field [B, channels, h, w] of whole numbers whose neighbours are often equal.

    A context of as many channels or more begins with the field of the frame before.
    """

    def __init__(self, channels: int, context_channels: int = 0, hidden_channels: int = 48) -> None:
        super().__init__()
        self.channels, self.context_channels = channels, context_channels
        self.follows = context_channels >= channels  # a field before
        neighbours = len(AROUND) * channels + (len(AROUND) + 1) * context_channels
        passes = range(1 + len(FINER))
        self.quality = QualityShare()
        self.enter = nn.ModuleList(OnGrid() for _ in passes)
        self.guess = nn.ModuleList(
            _network(2 * neighbours + 3, 2 * channels, hidden_channels) for _ in passes
        )
        self.settle = nn.ModuleList(OnGrid(FRACTION) for _ in passes)

    @uncompiled  # a compiler would make kernels for each of its passes, of as many sizes
    def code(
        self,
        stream: SymbolStream,
        latent: Tensor | None,
        size: tuple[int, int],
        context: Tensor | None = None,
        q: Tensor | None = None,
    ) -> Tensor:
        """Return the field as the decoder has it, [B, channels, h, w], float32, rounded to whole numbers.

        The gradient passes through as if it were not rounded; rates have none in the field.
        """
        batch = next((one.shape[0] for one in (latent, context, q) if one is not None), 1)
        device = next(chain(self.parameters(), self.buffers())).device
        one = torch.ones(batch, 1, 1, 1, device=device)
        before = torch.zeros_like(one) if context is None else one
        asked = torch.zeros_like(one) if q is None else self.quality(q).float()
        if context is None:
            context = torch.zeros(batch, self.context_channels, *size, device=device)
        coarsest = tuple(-(-side // 2**LEVELS) for side in size)
        field = torch.zeros(batch, self.channels, *coarsest, device=device)
        for level in range(LEVELS, -1, -1):
            every = 2**level
            values = None if latent is None else latent[..., ::every, ::every].float().round()
            planes = torch.cat((asked, before, one * (level / UNIT)), 1)
            known = _Known(context[..., ::every, ::every].float(), planes)
            if level == LEVELS:
                field = self._coded(COARSEST, stream, values, field, known)
            else:
                field = self._refined(stream, values, field, known)
        return field if latent is None else field + (latent - latent.detach())

    def _refined(self, stream: SymbolStream, values: Tensor | None, coarse: Tensor, known: _Known) -> Tensor:
        """Return the field at the next size, [B, channels, h, w], from every second element of it."""
        size = (known.context.shape[2], known.context.shape[3])
        cells = dict.fromkeys(((0, 0), (0, 1), (1, 0), (1, 1)), coarse)  # until others are decoded
        for now in FINER:
            field = crop(_woven(cells), size)
            if now.of(field).numel():
                cells[now.cell] = _put(self._coded(now, stream, values, field, known), cells[now.cell])
        return crop(_woven(cells), size)

    def _coded(
        self, now: _Pass, stream: SymbolStream, values: Tensor | None, field: Tensor, known: _Known
    ) -> Tensor:
        """Return the elements of a pass as decoded, predicted by ``field``."""
        guess = self._guess(now, field, known.context)
        seen = join(*(one - guess for one in now.around(field)), *self._context(now, known.context, guess))
        # That two are equal is the news; a network would need steep slopes to see it in their difference.
        planes = known.planes.expand(-1, -1, *guess.shape[2:])
        seen = join((seen / UNIT).clamp(-MOST, MOST), (seen != 0).float(), planes)
        told = self.settle[now.number](self.guess[now.number](self.enter[now.number](seen))).float()
        turn, size = (RUNGS / 2 + POSITION_GAIN * told).chunk(2, 1)

        missed = None if values is None else now.of(values) - guess
        signs = stream.code("sign", None if missed is None else missed.sign(), Exactly(position=turn))
        further = None if missed is None else _folded(missed.abs() - 1)
        further = stream.code("size", further, Exactly(position=size), signs != 0)
        return guess + signs.clamp(-1, 1) * (1 + _unfolded(further))

    def _guess(self, now: _Pass, field: Tensor, context: Tensor) -> Tensor:
        """Return medians of what is known around each element and of the one before in time, whole."""
        before = now.of(context)[:, : self.channels] if self.follows else now.of(field)
        if now is COARSEST:
            return _whole(before)
        around = now.around(field)
        a, b, c, d = (around[place] for place in now.near)
        return _whole(_median_of_five(a, b, c, d, before))

    def _context(self, now: _Pass, context: Tensor, guess: Tensor) -> tuple[Tensor, ...]:
        """Return the context at and around the elements; the field before as its difference to the guess."""
        if not self.context_channels:
            return ()
        zeros = torch.zeros_like(now.of(context))
        field = join(guess, zeros[:, self.channels :]) if self.follows else zeros
        return tuple(one - field for one in (now.of(context), *now.around(context)))


def _network(channels_in: int, channels_out: int, hidden: int) -> nn.Sequential:
    network = nn.Sequential(
        conv(channels_in, hidden, 1),
        nn.LeakyReLU(),
        conv(hidden, hidden, 1, gain=2**0.5),
        nn.LeakyReLU(),
        conv(hidden, channels_out, 1, gain=0.01),
    )
    start_at(network, START)
    return network


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


def _woven(cells: dict[tuple[int, int], Tensor]) -> Tensor:
    """Return the field of four cells, [B, C, 2 h, 2 w]."""
    rows = [torch.stack((cells[down, 0], cells[down, 1]), 4).flatten(3) for down in (0, 1)]
    return torch.stack(rows, 3).flatten(2, 3)


def _put(found: Tensor, cell: Tensor) -> Tensor:
    """Return the cell with what was found in its upper left part."""
    rows, columns = found.shape[2:]
    found = torch.cat((found, cell[:, :, :rows, columns:]), 3)
    return torch.cat((found, cell[:, :, rows:]), 2)
