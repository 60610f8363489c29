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
from nvczoo.layers import OnGrid, QualityShare, join, uncompiled
from nvczoo.layers.conv import conv, start_at

from .factorized import POSITION_GAIN
from .field_passes import AROUND, COARSEST, PASSES, Pass, at_level, over_passes, places

UNIT = 8.0  # what a network sees of differences is in these, so that it is of order one
MOST = 32.0  # units; larger differences tell no more
START = (-0.2, 1.9)  # positions, in units of their gain: scales of about one for signs, the widest for sizes
FRACTION = 8  # bits behind the point of what networks tell


class Exactly(Laplace):
    """A Laplace of numbers that are whole in training, too, and have no gradient."""

    def noisy_bits(self, values: Tensor, noise: Tensor) -> Tensor:
        """Return what whole values cost, whatever the noise."""
        del noise
        return self.bits(values)


@dataclass(frozen=True)
class _Seen:
    """What both sides know of some elements, [B, C, h, w] each."""

    held: Tensor  # what stands in their place until they are known
    around: list[Tensor]  # their neighbours, as far as these are known
    context: Tensor
    beside: list[Tensor]  # the context of their neighbours
    planes: Tensor  # [B, 3, h, w]: q, whether there was a frame before, and the size


@dataclass(frozen=True)
class _Told:
    """What a network tells of elements: a guess, and how what it misses is distributed."""

    guess: Tensor
    sign: Exactly
    size: Exactly  # of how much is missed beyond one

    def code(self, stream: SymbolStream, values: Tensor | None) -> Tensor:
        """Return the elements as decoded."""
        signs, further = (None, None) if values is None else self._missed(values)
        signs = stream.code("sign", signs, self.sign)
        further = stream.code("size", further, self.size, signs != 0)
        return self.guess + signs.clamp(-1, 1) * (1 + _unfolded(further))

    def bits(self, values: Tensor) -> Tensor:
        """Return what ``code`` takes for each element, [B, 1, h, w]."""
        signs, further = self._missed(values)
        bits = self.sign.bits(signs) + self.size.bits(further) * (signs != 0)
        return bits.sum(1, keepdim=True)

    def _missed(self, values: Tensor) -> tuple[Tensor, Tensor]:
        missed = values - self.guess
        return missed.sign(), _folded(missed.abs() - 1)


class FieldPrior(EntropyModel):
    """Codes a field [B, channels, h, w] of whole numbers whose neighbours are often equal.

    A context of as many channels or more begins with the field of the frame before.
    """

    def __init__(self, channels: int, context_channels: int = 0, hidden_channels: int = 48) -> None:
        super().__init__()
        self.channels, self.context_channels = channels, context_channels
        self.follows = context_channels >= channels  # a field before
        neighbours = len(AROUND) * channels + (len(AROUND) + 1) * context_channels
        self.quality = QualityShare()
        self.enter = nn.ModuleList(OnGrid() for _ in PASSES)
        self.guess = nn.ModuleList(
            _network(2 * neighbours + 3, 2 * channels, hidden_channels) for _ in PASSES
        )
        self.settle = nn.ModuleList(OnGrid(FRACTION) for _ in PASSES)

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
        context, quality, followed = self._known(context, q, (batch, size), device)

        def coded(now: Pass, level: int, field: Tensor) -> Tensor:
            there = at_level(context, level).float()
            held = now.of(field)
            planes = torch.cat((quality, followed, torch.ones_like(quality) * (level / UNIT)), 1)
            planes = planes.expand(-1, -1, *held.shape[2:])
            told = self._told(now, _Seen(held, now.around(field), now.of(there), now.around(there), planes))
            return told.code(
                stream, None if latent is None else now.of(at_level(latent, level)).float().round()
            )

        field = over_passes(torch.zeros(batch, self.channels, *size, device=device), coded)
        return field if latent is None else field + (latent - latent.detach())

    @torch.no_grad()
    def price(
        self,
        fields: Tensor,
        context: Tensor | None,
        q: Tensor | None,
        known: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        """Return the bits [B, 1, h, w] that ``code`` takes for each element of whole numbers [B, C, h, w].

        For encoders that choose: as nothing has to be decoded, all passes of a kind are taken at once.
        ``known`` are other fields and their prices: only what the differences change is computed.
        """
        batch, _, height, width = fields.shape
        context, quality, followed = self._known(context, q, (batch, (height, width)), fields.device)
        values, before = _flat(fields), _flat(context.float())
        if known is None:
            bits = fields.new_zeros(batch, height * width)
            changed = torch.ones(batch, 1 + height * width, dtype=torch.bool, device=fields.device)
        else:
            bits = known[1].flatten(1).clone()
            changed = torch.nn.functional.pad((fields != known[0]).any(1).flatten(1), (1, 0))
        for these in places((height, width), fields.device):
            clip, element = these.touched(changed).nonzero(as_tuple=True)
            if not len(clip):
                continue
            first = clip * (1 + height * width)

            def at(flat: Tensor, where: Tensor, first: Tensor = first, element: Tensor = element) -> Tensor:
                return flat.index_select(1, first + where[element])[None, :, None]

            planes = (quality[clip], followed[clip], these.level[element] / UNIT)
            seen = _Seen(
                at(values, these.held),
                [at(values, one) for one in these.around],
                at(before, these.at),
                [at(before, one) for one in these.beside],
                torch.stack([one.flatten() for one in planes])[None, :, None],
            )
            told = self._told(these.of, seen)
            bits[clip, these.at[element] - 1] = told.bits(at(values, these.at)).flatten()
        return bits.view(batch, 1, height, width)

    def _known(
        self,
        context: Tensor | None,
        q: Tensor | None,
        shape: tuple[int, tuple[int, int]],
        device: torch.device,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return context, q and whether there was a frame before, [B, ., 1, 1] the latter two."""
        batch, size = shape
        one = torch.ones(batch, 1, 1, 1, device=device)
        quality = torch.zeros_like(one) if q is None else self.quality(q).float()
        if context is None:
            nothing = torch.zeros(batch, self.context_channels, *size, device=device)
            return nothing, quality, torch.zeros_like(one)
        return context, quality, one

    def _told(self, now: Pass, seen: _Seen) -> _Told:
        """Return what the pass's network tells of its elements."""
        guess = self._guess(now, seen)
        around = [one - guess for one in seen.around]
        differences = join(*around, *self._context(seen, guess))
        # That two are equal is the news; a network would need steep slopes to see it in their difference.
        both = join((differences / UNIT).clamp(-MOST, MOST), (differences != 0).float(), seen.planes)
        told = self.settle[now.number](self.guess[now.number](self.enter[now.number](both))).float()
        sign, size = (RUNGS / 2 + POSITION_GAIN * told).chunk(2, 1)
        return _Told(guess, Exactly(position=sign), Exactly(position=size))

    def _guess(self, now: Pass, seen: _Seen) -> Tensor:
        """Return medians of what is known around each element and of the one before in time, whole."""
        before = seen.context[:, : self.channels] if self.follows else seen.held
        if now is COARSEST:
            return _whole(before)
        a, b, c, d = (seen.around[place] for place in now.near)
        return _whole(_median_of_five(a, b, c, d, before))

    def _context(self, seen: _Seen, guess: Tensor) -> tuple[Tensor, ...]:
        """Return the context at and around the elements; the field before as its difference to the guess."""
        if not self.context_channels:
            return ()
        zeros = torch.zeros_like(seen.context)
        field = join(guess, zeros[:, self.channels :]) if self.follows else zeros
        return tuple(one - field for one in (seen.context, *seen.beside))


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


def _flat(x: Tensor) -> Tensor:
    """Return [C, B (1 + h w)]: of each in turn one that is zero, and its elements."""
    return torch.nn.functional.pad(x.flatten(2), (1, 0)).movedim(1, 0).flatten(1)
