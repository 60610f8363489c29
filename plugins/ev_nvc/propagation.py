"""How good each frame, and each part of it, should be, by how much of it is seen again in later frames.

What a frame is off by goes on into all that is predicted from it, as far as nothing new is coded there.
Where a block of the next frame shows what was there before, a bit spent now is spent for both; where it
shows something new, its own bits say all. (Such a look ahead is Garrett-Glaser, "A novel macroblock-tree
algorithm for high-performance optimization of dependent video coding in H.264/AVC", 2009.) The weights are
decisions of ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import torch
from torch import Tensor
from torch.nn import functional as F

from nvczoo.interfaces import Q_MAX, Layout, Plan, Planner, RateSampler
from nvczoo.layers import LAYOUTS
from nvczoo.video.distortion import PEAK

from .compensation import BLOCK
from .motion_search import search
from .windows import Pair, Windows

NOISE = 100 / PEAK**2  # squared error that is worth half a bit when frames are looked at
LOST = 160 / PEAK**2  # of squared coefficients of cosines: what is not coded of a block, at usual rates
FIRST_WORTH = 3.0  # how much more a frame without references counts: none of it could be predicted
LONGEST = 16.0  # frames that one counts for at most where nobody knows how it goes on
Q_STEP = 3  # between the offsets that are chosen from: one that is not 0 takes a byte
LEAST_BITS = 1e-3  # of a block, so that a picture of one colour has a mean as well
LEAST_ERROR = 1e-9  # squared; of blocks that are the same as before


@dataclass(frozen=True)
class _Seen:
    """What was found out of a frame, for each block of luma: [B, 1, h, w]; on the CPU: sums have an order."""

    bits: Tensor  # how much there is to code, about
    field: Tensor | None  # displacements [B, 2, h, w] from the frame before, in luma samples
    kept: Tensor | None  # the part of an error in the frame before that is still there in this one


class Propagation(Planner):
    """Follows errors from frame to frame, as the decoder will carry them on."""

    def __init__(self, layout: Layout, rate_sampler: RateSampler) -> None:
        self._grid = LAYOUTS[layout]
        self._rate_sampler = rate_sampler
        self._before: Tensor | None = None  # luma of the last frame that was looked at
        self._seen: list[_Seen] = []
        self._usual: Tensor | None = None  # [B], what a P frame at the video's own q is worth

    @torch.no_grad()
    def look(self, frame: Tensor) -> None:
        """Take the next frame [B, C, H, W]."""
        luma = self._grid.luma(frame).float().contiguous()
        energy = _energies(luma)
        bits = 0.5 * torch.log2(1 + energy / LOST).sum((-1, -2))
        field = kept = None
        if self._before is not None:
            pair = Pair(luma, self._before, luma.new_full((len(luma),), NOISE))
            field = search(pair, ())
            lost = energy.clamp(max=LOST).mean((-1, -2))
            kept = lost / (lost + Windows(pair, 1, BLOCK).errors(field[None])[0] + LEAST_ERROR)
            field, kept = field.cpu(), kept.cpu()
        self._before = luma
        self._seen.append(_Seen(bits.cpu(), field, kept))

    @torch.no_grad()
    def plans(self, q: Tensor, goes_on: bool) -> tuple[Plan, ...]:
        """Return the plans of the frames seen since the last call."""
        seen, self._seen = self._seen, []
        worths = _worths(seen, goes_on)
        means = [_mean(worth.log(), one.bits).exp() for worth, one in zip(worths, seen, strict=True)]
        starts = seen[0].kept is None
        if self._usual is None:
            self._usual = means[min(starts, len(means) - 1)]
        more = [mean / self._usual for mean in means]
        if starts:
            more[0] = FIRST_WORTH * means[0] if len(seen) > 1 or goes_on else torch.ones_like(means[0])
        offsets = self._q_offsets(q, torch.stack(more).to(q.device))
        weights = [worth / mean.view(-1, 1, 1, 1) for worth, mean in zip(worths, means, strict=True)]
        if not goes_on:
            self._before = self._usual = None
        return tuple(Plan(*one) for one in zip(offsets, (one.to(q.device) for one in weights), strict=True))

    def _q_offsets(self, q: Tensor, more: Tensor) -> Tensor:
        """Return what to add to q [B], so that distortions cost ``more`` [T, B] times as much: [T, B]."""
        most = int(Q_MAX) // Q_STEP
        offsets = Q_STEP * torch.arange(-most, most + 1, device=q.device)
        offsets = offsets[offsets.abs().argsort(stable=True)]  # of those that do as well, the least
        tried = [self._rate_sampler.lagrangian((q + one).clamp(0, Q_MAX)).log() for one in offsets]
        wanted = self._rate_sampler.lagrangian(q).log() + more.log()
        return offsets[(torch.stack(tried)[:, None] - wanted).abs().argmin(0)]


def _worths(seen: list[_Seen], goes_on: bool) -> list[Tensor]:
    """Return for each frame how many frames' worth of distortion an error in a block makes, [B, 1, h, w]."""
    kept = seen[-1].kept
    worth = torch.ones_like(seen[-1].bits)
    if goes_on and kept is not None:
        worth = 1 / (1 - kept).clamp_min(1 / LONGEST)
    worths = [worth]
    for one in seen[:0:-1]:
        assert one.field is not None, "only the first frame of a run has none before it"
        assert one.kept is not None
        worths.append(1 + _sent_back(one.kept * worths[-1], one.field))
    return worths[::-1]


def _sent_back(value: Tensor, field: Tensor) -> Tensor:
    """Return values [B, 1, h, w] added up where displacements [B, 2, h, w] fetch their blocks from."""
    height, width = value.shape[-2:]
    row = torch.arange(height, device=value.device)[:, None]
    column = torch.arange(width, device=value.device)
    x = (column + field[:, 0] / BLOCK).clamp(0, width - 1)
    y = (row + field[:, 1] / BLOCK).clamp(0, height - 1)
    total = torch.zeros_like(value).flatten(1)
    for right in (False, True):
        for down in (False, True):
            near_x, near_y = x.floor() + right, y.floor() + down
            share = (1 - (x - near_x).abs()) * (1 - (y - near_y).abs())
            place = near_y.clamp(max=height - 1) * width + near_x.clamp(max=width - 1)
            total.scatter_add_(1, place.flatten(1).long(), (share * value[:, 0]).flatten(1))
    return total.view_as(value)


def _mean(values: Tensor, bits: Tensor) -> Tensor:
    """Return [B]: the mean over blocks, by how many bits they take."""
    bits = bits + LEAST_BITS
    return (values * bits).sum((1, 2, 3)) / bits.sum((1, 2, 3))


def _energies(luma: Tensor) -> Tensor:
    """Return [B, 1, h, w, 8, 8]: the squared coefficients of each block's cosines, but for its mean."""
    number = torch.arange(BLOCK, device=luma.device)
    cosines = torch.cos((2 * number + 1) * number[:, None] * (pi / (2 * BLOCK))) * (2 / BLOCK) ** 0.5
    cosines[0] /= 2**0.5
    blocks = F.unfold(luma, BLOCK, stride=BLOCK).unflatten(1, (BLOCK, BLOCK))  # [B, 8, 8, h * w]
    coefficients = torch.einsum("kr,brcn,lc->bnkl", cosines, blocks, cosines)
    energies = coefficients.square()
    energies[..., 0, 0] = 0
    return energies.unflatten(1, (1, luma.shape[2] // BLOCK, luma.shape[3] // BLOCK))
