"""Fields of motion that are worth their bits by the prior that codes them.

The search charges a displacement for being unlike its neighbours, which is a rule of thumb. Here the prior
itself is asked, for many fields at once: squares of blocks become what their neighbours are, what the frame
before had there, the median of these, or a step away, wherever that saves more than it costs. Iterated
conditional modes (Besag, "On the statistical analysis of dirty pictures", JRSS B 1986), a fourth of all
squares at a time, so that none decides beside another that does. A decision of ours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.nn import functional as F

from nvczoo.layers import with_border

from .compensation import BLOCK, PRECISION
from .windows import Pair, Windows, spread

SIDES = (8, 4, 2, 1, 2, 1)  # blocks to the side of squares that change at once; others have changed by then
COLOURS = ((0, 0), (0, 1), (1, 0), (1, 1))  # row and column of a square, modulo two
CROSS = ((0, 1), (1, 0), (0, -1), (-1, 0))
STEP = 1 / PRECISION  # luma samples, of single blocks
LEAST = 0.05  # bits that a change is to save
FEW = 0.9  # of the squares are left as they are where all changes together save nothing
PRICED = 1 << 16  # elements of fields that are priced at once: what a cache holds, and no more memory

Known = tuple[Tensor, Tensor]  # fields and the bits of their elements


@runtime_checkable
class Priced(Protocol):
    """An entropy model that tells what each element of whole numbers takes, without coding them."""

    def price(
        self, fields: Tensor, context: Tensor | None, q: Tensor | None, known: Known | None = None
    ) -> Tensor:
        """Return bits [B, 1, h, w] for fields [B, C, h, w]; ``known`` are others and their bits."""
        ...


# Fields, the ones before, and what is known -> bits of each element.
Price = Callable[[Tensor, Tensor | None, Known | None], Tensor]


@dataclass(frozen=True)
class _State:
    field: Tensor  # [B, 2, h, w]
    missed: Tensor  # [B, 1, h, w]: bits of what it misses
    rate: Tensor  # [B, 1, h, w]: bits of its own

    @property
    def total(self) -> Tensor:
        """Bits, [B, 1, 1, 1]."""
        return (self.missed + self.rate).sum((1, 2, 3), keepdim=True)

    def or_better(self, other: _State) -> _State:
        """Return of each clip what takes fewer bits."""
        better = other.total < self.total
        pairs = (self.field, other.field), (self.missed, other.missed), (self.rate, other.rate)
        return _State(*(torch.where(better, b, a) for a, b in pairs))


@torch.no_grad()
def relax(field: Tensor, pair: Pair, price: Price, before: Tensor | None) -> Tensor:
    """Return displacements [B, 2, h, w] that take fewer bits than ``field``, with what they miss.

    ``before`` [B, 2, h, w] are those of the frame before; ``price`` gets fields [B, 2, h, w], the ones before
    each of them, and others whose bits are known with these, and returns bits [B, 1, h, w].
    """
    missed = Windows(pair, 1, BLOCK).bits(field[None])[0]
    state = _State(field, missed, price(field, before, None))
    for side, colour in product(SIDES, COLOURS):
        squares = _Squares(pair, side, colour)
        if squares.any:
            state = squares.relaxed(state, price, before)
    return state.field


class _Squares:
    """Every second square of blocks in both directions, and what becomes of it."""

    def __init__(self, pair: Pair, side: int, colour: tuple[int, int]) -> None:
        self.side, self.colour = side, colour
        height, width = (size // BLOCK for size in pair.frame.shape[-2:])
        every = (torch.arange(size, device=pair.frame.device) for size in (height, width))
        self.rows, self.columns = (
            blocks[blocks // side % 2 == parity] for blocks, parity in zip(every, colour, strict=True)
        )
        self.count = -(-len(self.rows) // side), -(-len(self.columns) // side)
        self.any = len(self.rows) > 0 and len(self.columns) > 0
        if self.any:
            self.windows = Windows(pair, 1, BLOCK, self.rows, self.columns)

    def relaxed(self, state: _State, price: Price, before: Tensor | None) -> _State:
        """Return the state with squares changed where that saves bits."""
        options = self._options(state.field, before)  # [K, B, 2, rows, columns]
        news = (options != self.of(state.field)).any(2, keepdim=True)
        missed = self.windows.bits_where(news, options, self.of(state.missed))  # [K, B, 1, rows, columns]
        padding = (0, -len(self.columns) % self.side, 0, -len(self.rows) % self.side)
        saved = _sums(F.pad(self.of(state.missed) - missed, padding), self.side, self.side)
        saved = saved + self._saved(options, state, price, before)
        most, index = saved.max(0)  # [B, 1, r, c]
        best = state
        # What squares save together may be less than the sum: if nothing, the best of them change alone.
        for enough in (torch.zeros_like(best.total), most.flatten(1).quantile(FEW, 1).view(-1, 1, 1, 1)):
            taken = torch.where(most > enough.clamp(min=LEAST), index, -1)
            taken = spread(taken, self.side, (len(self.rows), len(self.columns)))
            field = self._with(taken, options, state.field)
            rate = price(field, before, (state.field, state.rate))
            new = _State(field, self._with(taken, missed, state.missed), rate)
            best = best.or_better(new)
            if bool((new.total <= state.total).all()):
                break
        return best

    def _with(self, taken: Tensor, options: Tensor, x: Tensor) -> Tensor:
        """Return ``x`` with the options [K, B, C, rows, columns] that are taken, by number; below 0 none."""
        chosen = options.gather(0, taken.clamp(min=0)[None].expand(1, *options.shape[1:]))[0]
        return self.put(torch.where(taken < 0, self.of(x), chosen), x)

    def of(self, x: Tensor) -> Tensor:
        """Return the elements of these squares, [..., rows, columns]."""
        return x[..., self.rows[:, None], self.columns]

    def put(self, x: Tensor, field: Tensor) -> Tensor:
        """Return fields [..., h, w] that have ``x`` in these squares."""
        field = field.expand(*x.shape[:-2], *field.shape[-2:]).clone()
        field[..., self.rows[:, None], self.columns] = x
        return field

    def _options(self, field: Tensor, before: Tensor | None) -> Tensor:
        """Return what the squares may become, [K, B, 2, rows, columns]."""
        side, own = self.side, self.of(field)
        height, width = field.shape[-2:]
        padded = F.pad(field, (0, -width % side, 0, -height % side), mode="replicate")
        middles = padded[..., side // 2 :: side, side // 2 :: side]
        around = with_border(middles)

        def at(down: int, right: int) -> Tensor:
            near = around[..., 1 + down + self.colour[0] :: 2, 1 + right + self.colour[1] :: 2]
            near = near[..., : self.count[0], : self.count[1]]
            return spread(near, side, (own.shape[-2], own.shape[-1]))

        near = [at(down, right) for down, right in CROSS]
        then = own if before is None else self.of(before)
        others = near if before is None else [*near, then]
        options = [*others, *(torch.cat((one[:, :1], own[:, 1:]), 1) for one in others)]
        options += [torch.cat((own[:, :1], one[:, 1:]), 1) for one in others]
        options.append(torch.stack((*near, then)).median(0).values)  # about what a prior expects
        if side > 1:
            options.append(at(0, 0))
        else:
            options += [own + STEP * own.new_tensor((right, down)).view(2, 1, 1) for down, right in CROSS]
        return torch.stack(options)

    def _saved(self, options: Tensor, state: _State, price: Price, before: Tensor | None) -> Tensor:
        """Return the bits [K, B, 1, r, c] that squares save with options, in and around them."""
        at_once = max(PRICED // state.rate.numel(), 1)
        return torch.cat([self._rates(some, state, price, before) for some in options.split(at_once)])

    def _rates(self, options: Tensor, state: _State, price: Price, before: Tensor | None) -> Tensor:
        fields = self.put(options, state.field)
        befores = None if before is None else before.repeat(len(fields), 1, 1, 1)
        known = [one.repeat(len(fields), 1, 1, 1) for one in (state.field, state.rate)]
        rates = price(fields.flatten(0, 1), befores, (known[0], known[1]))
        saved = state.rate - rates.unflatten(0, fields.shape[:2])
        near = (self.side + 1) // 2
        wide = self.side + 2 * near
        down, right = (one * self.side for one in self.colour)
        padded = F.pad(saved, (near, wide, near, wide))[..., down:, right:]
        return _sums(padded, wide, 2 * self.side)[..., : self.count[0], : self.count[1]]


def _sums(x: Tensor, side: int, stride: int) -> Tensor:
    """Return sums over squares of [K, B, 1, h, w]."""
    return side**2 * F.avg_pool2d(x.flatten(0, 1), side, stride).unflatten(0, x.shape[:2])
