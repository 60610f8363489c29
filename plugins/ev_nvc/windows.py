"""How well displaced blocks of one picture predict those of another, in bits that are left to be coded."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional as F

from nvczoo.layers import denser

from .compensation import BLOCK

DENSITY = 2  # of the reference, in samples to one of its own


@dataclass(frozen=True)
class Pair:
    """Luma of a frame and its reference [B, 1, H, W], and the squared error [B] that is worth half a bit."""

    frame: Tensor
    reference: Tensor
    noise: Tensor

    @cached_property
    def fine(self) -> Tensor:
        """The reference with samples between its own: bilinear interpolation of these hardly blurs."""
        return denser(self.reference, DENSITY)

    def plain(self) -> Pair:
        """Return the pair in float32, each picture in one piece."""
        return Pair(self.frame.float().contiguous(), self.reference.float().contiguous(), self.noise)

    def smaller(self, factor: int) -> Pair:
        """Return the pair at one of ``factor`` samples."""
        return Pair(F.avg_pool2d(self.frame, factor), F.avg_pool2d(self.reference, factor), self.noise)


class Windows:
    """Windows of a frame around its blocks, and what displacements cost there, in bits.

    Of one of ``factor`` samples, each ``window`` samples of these wide; of all blocks, or of those in some
    ``rows`` and ``columns``.
    """

    def __init__(
        self,
        pair: Pair,
        factor: int,
        window: int,
        rows: Tensor | None = None,
        columns: Tensor | None = None,
    ) -> None:
        self.factor, self.window = factor, window
        self.reference = pair.fine if factor == 1 else pair.reference  # both from corner to corner
        self.noise = pair.noise.view(-1, 1, 1, 1)
        spacing = BLOCK // factor
        height, width = pair.frame.shape[-2:]
        inside = torch.arange(window, device=pair.frame.device) + (spacing - window) / 2
        every = (torch.arange(side // spacing, device=inside.device) for side in (height, width))
        rows, columns = (a if b is None else b for a, b in zip(every, (rows, columns), strict=True))
        down, right = ((one[:, None] * spacing + inside).flatten() for one in (rows, columns))
        self.seen = pair.frame[:, :, down.clamp(0, height - 1).long()][..., right.clamp(0, width - 1).long()]
        # What grid_sample is asked for runs from -1 to 1.
        self.unit = down.new_tensor((2 / max(width - 1, 1), 2 / max(height - 1, 1)))
        places = torch.stack(torch.meshgrid(right, down, indexing="xy"), -1) * self.unit - 1
        self.places = places.view(len(rows), window, -1)  # right and down in turn: [h, window, W * 2]

    def bits(self, fields: Tensor) -> Tensor:
        """Return the bits [K, B, 1, h, w] that coding what fields [K, B, 2, h, w] miss will take, about."""
        return self._worth(self.errors(fields), self.noise)

    def errors(self, fields: Tensor) -> Tensor:
        """Return the mean squared errors [K, B, 1, h, w] of what fields [K, B, 2, h, w] predict."""
        moved = self._moved((fields / self.factor).flatten(0, 1)).unflatten(0, fields.shape[:2])
        error = (moved - self.seen).square().unflatten(-2, (-1, self.window)).mean(-2)
        return error.unflatten(-1, (-1, self.window)).mean(-1)

    def bits_where(self, asked: Tensor, fields: Tensor, otherwise: Tensor) -> Tensor:
        """Return ``bits`` where ``asked`` [K, B, 1, h, w], and ``otherwise`` [B, 1, h, w] elsewhere."""
        bits = otherwise.expand(asked.shape).clone()
        for clip in range(asked.shape[1]):  # each has a reference of its own
            one, _, row, column = asked[:, clip].nonzero(as_tuple=True)
            steps = fields[one, clip, :, row, column] / self.factor * self.unit  # [N, 2]
            places = self.places.unflatten(-1, (-1, self.window, 2))[row, :, column]  # [N, window, window, 2]
            grid = (places + steps[:, None, None]).flatten(0, 1)[None]
            moved = F.grid_sample(
                self.reference[clip, None], grid, padding_mode="border", align_corners=True
            ).view(-1, self.window, self.window)
            seen = self.seen[clip, 0].unflatten(0, (-1, self.window)).unflatten(-1, (-1, self.window))
            error = (moved - seen[row, :, column]).square().mean((1, 2))
            bits[one, clip, 0, row, column] = self._worth(error, self.noise[clip].flatten())
        return bits

    @staticmethod
    def _worth(error: Tensor, noise: Tensor) -> Tensor:
        return BLOCK**2 * 0.5 * torch.log2(1 + error / noise)

    def _moved(self, field: Tensor) -> Tensor:
        steps = (field.movedim(1, -1) * self.unit)[:, :, :, None].expand(-1, -1, -1, self.window, -1)
        grid = self.places + steps.flatten(2)[:, :, None]  # [B, h, window, W * 2]
        grid = grid.flatten(1, 2).unflatten(-1, (-1, 2))
        reference = self.reference.repeat(len(field) // len(self.reference), 1, 1, 1)
        return F.grid_sample(reference, grid, padding_mode="border", align_corners=True)


def spread(x: Tensor, side: int, size: tuple[int, int]) -> Tensor:
    """Return every element as a square, [..., h, w] cut to ``size``."""
    return x.repeat_interleave(side, -2).repeat_interleave(side, -1)[..., : size[0], : size[1]]
