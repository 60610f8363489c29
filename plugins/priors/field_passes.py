"""The order in which a field is coded: coarse to fine, and what is known around each element by then.

Every second row and column of a field is a field again. The coarsest one comes first; a finer one has three
of four elements to be coded, in as many passes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from nvczoo.layers import crop, with_border

LEVELS = 5  # halvings: the coarsest field has every 32nd element
AROUND = tuple((down, right) for down in range(3) for right in range(3) if (down, right) != (1, 1))
CROSS, DIAGONAL = (1, 3, 4, 6), (0, 2, 5, 7)  # of these
SIZES_KEPT = 8  # of fields whose places are kept


@dataclass(frozen=True)
class Pass:
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


COARSEST = Pass(0, (0, 0), 1, CROSS)
FINER = (Pass(1, (1, 1), 2, DIAGONAL), Pass(2, (0, 1), 2, CROSS), Pass(3, (1, 0), 2, CROSS))
PASSES = (COARSEST, *FINER)

Coded = Callable[[Pass, int, Tensor], Tensor]  # pass, level and the field as known -> elements of the pass


def at_level(x: Tensor, level: int) -> Tensor:
    """Return every 2^level-th row and column."""
    return x[..., :: 2**level, :: 2**level]


def over_passes(nothing: Tensor, coded: Coded) -> Tensor:
    """Return the field that ``coded`` makes pass by pass; ``nothing`` is one of zeros, of its size."""
    field = coded(COARSEST, LEVELS, at_level(nothing, LEVELS))
    for level in range(LEVELS - 1, -1, -1):
        size = at_level(nothing, level).shape[2:]
        cells = dict.fromkeys(((0, 0), (0, 1), (1, 0), (1, 1)), field)  # until others are decoded
        for now in FINER:
            known = crop(_woven(cells), (size[0], size[1]))
            if now.of(known).numel():
                cells[now.cell] = _put(coded(now, level, known), cells[now.cell])
        field = crop(_woven(cells), (size[0], size[1]))
    return field


@dataclass(frozen=True)
class Places:
    """Where elements of all passes of a kind are in a flat field, [n] each; 0 is no place, 1 the first."""

    of: Pass
    at: Tensor
    level: Tensor
    held: Tensor  # what stands in their place until they are known
    around: list[Tensor]  # their neighbours, as far as these are known
    beside: list[Tensor]  # their neighbours in a field that is all known

    def touched(self, changed: Tensor) -> Tensor:
        """Return which elements [B, n] are coded otherwise if those of a flat field [B, 1 + h w] change."""
        found = changed[:, self.at]
        for one in (self.held, *self.around):
            found |= changed[:, one]
        return found


@lru_cache(SIZES_KEPT)
def places(size: tuple[int, int], device: torch.device) -> tuple[Places, ...]:
    """Return the places of all elements of a field of this size, kind by kind.

    They are found by going through the passes with a field that says of each element where it is.
    """
    here = torch.arange(1.0, size[0] * size[1] + 1, device=device, dtype=torch.float64).view(1, 1, *size)
    found: dict[Pass, list[list[Tensor]]] = {}

    def note(now: Pass, level: int, known: Tensor) -> Tensor:
        there = at_level(here, level)
        elements = now.of(there)
        rows = [elements, torch.full_like(elements, level), now.of(known)]
        rows += [*now.around(known), *now.around(there)]
        found.setdefault(now, []).append([row.flatten().long() for row in rows])
        return elements

    over_passes(torch.zeros_like(here), note)
    kinds = {now: [torch.cat(one) for one in zip(*rows, strict=True)] for now, rows in found.items()}
    return tuple(
        Places(now, at, level, held, rest[: len(AROUND)], rest[len(AROUND) :])
        for now, (at, level, held, *rest) in kinds.items()
    )


def _woven(cells: dict[tuple[int, int], Tensor]) -> Tensor:
    """Return the field of four cells, [B, C, 2 h, 2 w]."""
    rows = [torch.stack((cells[down, 0], cells[down, 1]), 4).flatten(3) for down in (0, 1)]
    return torch.stack(rows, 3).flatten(2, 3)


def _put(found: Tensor, cell: Tensor) -> Tensor:
    """Return the cell with what was found in its upper left part."""
    rows, columns = found.shape[2:]
    found = torch.cat((found, cell[:, :, :rows, columns:]), 3)
    return torch.cat((found, cell[:, :, rows:]), 2)
