"""Motion as an encoder wants it: one displacement for each block, worth its bits.

A hierarchical search over blocks, as classic encoders have one, that starts from whatever estimates are at
hand and charges displacements for being unlike their neighbours. It has nothing to learn and runs at the
encoder alone. A decision of ours.
"""

from collections.abc import Iterable, Sequence
from itertools import product

import torch
from torch import Tensor
from torch.nn import functional as F

from nvczoo.layers import warp, with_border

from .compensation import BLOCK, PRECISION
from .windows import Pair, Windows, spread

SMALLEST = 8  # luma samples to one of the smallest size that is searched
REACH = 8  # of the full search, in samples of that size: 64 of luma
WIDEST = (17, 9, 5)  # windows there, in samples of that size
FURTHER = ((4, 6), (2, 6), (1, 8))  # luma samples to one of the further sizes, and windows in samples of it
STILL = 1e-6  # of squared error for each sample of motion, where all else is equal
STEPS = tuple(one for one in product((-1, 0, 1), repeat=2) if one != (0, 0))
SQUARES = (8, 4, 2, 1)  # blocks to the side of what is taken from another field at once
MERGED = (8, 4, 2)  # blocks to the side of squares that may come to move as one
RELAXATIONS = 2
POLISHED = (9, 5, 3, 3)  # steps of least squares, over so many blocks
NEIGHBOUR_BITS = 1.0  # for each neighbour and octave of distance from it, in eighths of a sample
EIGHTHS = 8.0
FLOOR = 2e-4  # of squared gradients: flat blocks stay as they are
LONGEST = 1.0  # luma samples of one step of least squares


@torch.no_grad()
def search(pair: Pair, guesses: Sequence[Tensor]) -> Tensor:
    """Return displacements [B, 2, H/8, W/8] in luma samples (right, down); ``guesses`` are such, too."""
    best, *others = _everywhere(pair.smaller(SMALLEST))  # the smoothest first: what is not is to be worth it
    guesses = (*others, *guesses)
    for factor, window in FURTHER:
        compared = _Compared(pair.smaller(factor), factor, window)
        best = compared.choose(best, guesses, SQUARES)
        steps = [best + factor * best.new_tensor(one).view(1, 2, 1, 1) for one in STEPS]
        best = compared.relaxed(compared.choose(best, steps, SQUARES[1::2]), 1)
    compared = _Compared(pair, 1, BLOCK)
    best = _rounded(best)
    for side in POLISHED:
        best = compared.choose(best, [_polished(pair, best, side)], SQUARES)
    return compared.relaxed(best, RELAXATIONS)


def _everywhere(pair: Pair) -> list[Tensor]:
    """Return the best of all displacements up to REACH, by windows from large to small."""
    frame, reference = pair.frame, pair.reference
    height, width = frame.shape[-2:]
    padded = F.pad(reference, (REACH,) * 4, mode="replicate")
    reached = range(-REACH, REACH + 1)
    right = torch.arange(-REACH, REACH + 1, device=frame.device)
    least = [torch.full_like(frame, torch.inf) for _ in WIDEST]
    best = [frame.new_zeros(frame.shape[0], 2, height, width) for _ in WIDEST]
    for down in reached:
        rows = padded[:, :, REACH + down : REACH + down + height]
        moved = torch.stack([rows[..., REACH + one : REACH + one + width] for one in reached])
        motion = STILL * (right.abs() + abs(down)).view(-1, 1, 1, 1)  # [K, 1, 1, 1]
        error = (moved - frame).square().squeeze(2) + motion  # [K, B, h, w]
        for number, side in enumerate(WIDEST):
            found, index = _boxed(error, side).min(0)  # [B, h, w]
            there = torch.stack((right[index], torch.full_like(index, down)), 1) * float(SMALLEST)
            better = found[:, None] < least[number]
            best[number] = torch.where(better, there, best[number])
            least[number] = torch.where(better, found[:, None], least[number])
    return best


class _Compared(Windows):
    """Windows whose displacements are to be like their neighbours', as far as that is worth it."""

    def choose(self, best: Tensor, others: Iterable[Tensor], squares: Sequence[int] = (1,)) -> Tensor:
        """Return displacements of which squares of so many blocks are taken from where they are cheapest."""
        fields = torch.stack(tuple(others))  # [K, B, 2, h, w]
        bits, theirs = self.bits(best[None]), self.bits(fields)
        for side in squares:
            gain, index = _gains(fields, theirs, best, bits, side).max(0)
            better, index = gain > 0, index[None]
            best = torch.where(better, fields.gather(0, index.expand(1, *best.shape))[0], best)
            bits = torch.where(better, theirs.gather(0, index), bits)
        return best

    def relaxed(self, best: Tensor, rounds: int) -> Tensor:
        """Return displacements of which some have become their neighbours', where that is cheaper."""
        for _ in range(rounds):
            for side in MERGED:
                best = self.choose(best, _members(best, side), (side,))
            best = self.choose(best, _beside(best))
        return best


def _gains(fields: Tensor, theirs: Tensor, best: Tensor, bits: Tensor, side: int) -> Tensor:
    """Return the bits [K, B, 1, h, w] that squares of ``side`` blocks save as in fields, among neighbours as
    they are."""
    near, around = torch.stack(_beside(best)), torch.stack(_beside(fields))  # [4, (K,) B, 2, h, w]
    inside = _inside(side, best)[:, None]
    saved = _unlike(best, near)[:, None] - _unlike(fields, torch.where(inside, around, near[:, None]))
    met = torch.where(inside, 0.5, 1.0)  # a pair that is inside is met twice
    gain = bits - theirs + (saved * met).sum(0)
    if side == 1:
        return gain
    height, width = gain.shape[-2:]
    padded = F.pad(gain.flatten(0, 1), (0, -width % side, 0, -height % side))
    return spread(F.avg_pool2d(padded, side), side, (height, width)).unflatten(0, gain.shape[:2])


def _inside(side: int, like: Tensor) -> Tensor:
    """Return whether each block has its neighbours in the same square, in the order of ``_beside``."""
    height, width = like.shape[-2:]
    row, column = torch.meshgrid(
        torch.arange(height, device=like.device) % side,
        torch.arange(width, device=like.device) % side,
        indexing="ij",
    )
    return torch.stack((row > 0, row < side - 1, column > 0, column < side - 1))[:, None, None]


def _unlike(field: Tensor, near: Tensor) -> Tensor:
    """Return the bits that displacements [..., 2, h, w] cost for being unlike others, about."""
    return NEIGHBOUR_BITS * torch.log2(1 + EIGHTHS * (field - near).abs().sum(-3, keepdim=True))


def _beside(field: Tensor) -> list[Tensor]:
    """Return the displacements above, below, to the left and to the right of each block."""
    field = with_border(field)
    rows, columns = field[..., 1:-1], field[..., 1:-1, :]
    return [rows[..., :-2, :], rows[..., 2:, :], columns[..., :-2], columns[..., 2:]]


def _members(field: Tensor, side: int) -> list[Tensor]:
    """Return fields in which squares of blocks move as one of their corners."""
    height, width = field.shape[-2:]
    padded = F.pad(field, (0, -width % side, 0, -height % side), mode="replicate")
    corners = product((0, side - 1), repeat=2)
    return [spread(padded[..., down::side, right::side], side, (height, width)) for down, right in corners]


def _boxed(x: Tensor, side: int) -> Tensor:
    """Return the means of squares around each place: differences of running sums, whatever the side."""
    x = F.pad(x, (side // 2,) * 4, mode="replicate").double()
    for dim in (-2, -1):
        sums = x.cumsum(dim)
        x = sums.narrow(dim, side - 1, x.shape[dim] - side + 1).clone()
        x.narrow(dim, 1, x.shape[dim] - 1).sub_(sums.narrow(dim, 0, x.shape[dim] - 1))
    return (x / side**2).float()


def _rounded(field: Tensor) -> Tensor:
    return (field * PRECISION).round() / PRECISION


def _polished(pair: Pair, field: Tensor, side: int) -> Tensor:
    """Return displacements that predict better, by least squares over squares of blocks around each.

    Lucas and Kanade, "An iterative image registration technique with an application to stereo vision", 1981.
    """
    moved = warp(pair.reference, spread(field, BLOCK, (pair.frame.shape[-2], pair.frame.shape[-1])))
    right, down = torch.gradient(moved, dim=(3, 2))
    missing = pair.frame - moved
    products = (right * right, right * down, down * down, right * missing, down * missing)
    a, b, c, d, e = _boxed(F.avg_pool2d(torch.cat(products, 1), BLOCK), side).unbind(1)
    a, c = a + FLOOR, c + FLOOR
    determinant = a * c - b * b  # at least FLOOR squared
    step = torch.stack(((c * d - b * e) / determinant, (a * e - b * d) / determinant), 1)
    return _rounded(field + step.clamp(-LONGEST, LONGEST))
