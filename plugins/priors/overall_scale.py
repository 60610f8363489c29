"""How far off the scales of a whole frame are, told once, before its elements.

What networks tell of scales is right on the average of what they were trained on. A calm clip has smaller
ones everywhere, and each of its many zeros then costs a little too much. The encoder counts what each shift
of all positions on the ladder would save, and sends the best: a symbol of a few bits. A decision of ours.
"""

from functools import cache

import torch
from torch import Tensor

from nvczoo.entropy.distributions import Laplace
from nvczoo.entropy.ladder import RUNGS
from nvczoo.interfaces import SymbolStream

LARGEST = 63  # magnitudes above count as this one; there all scales that come into question are steep alike
MOST = 12  # rungs up or down that an encoder looks at: two octaves
POSITION = 27.0  # of the shift itself: a scale of one rung


def tell_shift(stream: SymbolStream, centred: Tensor | None, position: Tensor, mask: Tensor | None) -> Tensor:
    """Code and return the rungs [B, 1, 1, 1] to add to all positions [B, C, h, w].

    ``centred`` [B, C, h, w] is what will be rounded and coded under ``mask``, or None when decoding.
    """
    wanted = None if centred is None else best_shift(centred, position, mask)
    where = torch.zeros(len(position), 1, 1, 1, device=position.device) + POSITION
    return stream.code("shift", wanted, Laplace(position=where)).clamp(-RUNGS, RUNGS)


@torch.no_grad()
def best_shift(centred: Tensor, position: Tensor, mask: Tensor | None) -> Tensor:
    """Return the shift [B, 1, 1, 1] that saves the most bits, those of telling it taken off."""
    costs = _costs().to(centred.device)
    shifts = torch.arange(-MOST, MOST + 1, device=centred.device)
    told = Laplace(position=torch.full(shifts.shape, POSITION, device=centred.device)).bits(shifts)
    moved = (torch.arange(RUNGS, device=centred.device) + shifts[:, None]).clamp(0, RUNGS - 1)
    bits = _counts(centred, position, mask)[:, None] * costs[moved]  # [B, shifts, rungs, magnitudes]
    best = (bits.sum((2, 3)) + told).argmin(1)
    return shifts[best].to(centred.dtype)[:, None, None, None]


def _counts(centred: Tensor, position: Tensor, mask: Tensor | None) -> Tensor:
    """Return how many elements have each rung and magnitude, [B, RUNGS, LARGEST + 1]."""
    rung = Laplace(position=position).indexes().long()
    magnitude = centred.round().abs().clamp_max(LARGEST).long()
    batch = torch.arange(len(centred), device=centred.device)[:, None, None, None]
    cell = (batch * RUNGS + rung) * (LARGEST + 1) + magnitude
    cell = cell.flatten() if mask is None else cell[mask.expand_as(cell)]
    shape = (len(centred), RUNGS, LARGEST + 1)
    return cell.bincount(minlength=shape[0] * shape[1] * shape[2]).view(shape).float()


@cache
def _costs() -> Tensor:
    """Return the bits [RUNGS, LARGEST + 1] of each magnitude at each rung."""
    rungs = torch.arange(float(RUNGS))[:, None].expand(-1, LARGEST + 1)
    return Laplace(position=rungs).bits(torch.arange(LARGEST + 1).expand(RUNGS, -1))
