"""Block matching: what every classic encoder does, without a weight to train.

A full search on a coarse grid and refinements by one step at each finer size, over overlapping
windows, for all blocks at once.
"""

from itertools import product

import torch
from torch import Tensor
from torch.nn import functional as F

from nvczoo.interfaces import MotionEstimator
from nvczoo.layers import warp

NEIGHBOURS = tuple(product((-1, 0, 1), repeat=2))
REFINE_STEPS = (0.5, 0.25)  # pixels, after the integer search
STAY_BONUS = 0.002  # of mean absolute difference: a still block does not chase noise


class BlockMatching(MotionEstimator):
    """Finds, for each block, the displacement of least mean absolute difference.

    ``block`` is the side of a block in pixels; ``levels`` sizes are searched, so displacements
    reach ``2**(levels - 1)`` pixels and more.
    """

    def __init__(self, block: int = 8, levels: int = 5) -> None:
        super().__init__()
        self.block = block
        self.levels = levels

    @torch.no_grad()
    def forward(self, frame: Tensor, reference: Tensor) -> Tensor:
        """Return flow [B, 2, H, W] in pixels (right, down), for images [B, 3, H, W] in 0..1."""
        pyramid = [(frame.float(), reference.float())]
        while len(pyramid) < self.levels and min(pyramid[-1][0].shape[-2:]) >= 2 * self.block:
            pyramid.append((F.avg_pool2d(pyramid[-1][0], 2), F.avg_pool2d(pyramid[-1][1], 2)))
        batch, _, height, width = pyramid[-1][0].shape
        flow = frame.new_zeros(batch, 2, height, width, dtype=torch.float32)
        for current, past in reversed(pyramid):
            flow = self._resize(flow, current.shape[-2:])
            flow = self._refine(current, past, flow, 1.0)
        for step in REFINE_STEPS:
            flow = self._refine(frame.float(), reference.float(), flow, step)
        return flow

    def _resize(self, flow: Tensor, size: torch.Size) -> Tensor:
        if flow.shape[-2:] == size:
            return flow
        return 2 * F.interpolate(flow, size=size, mode="nearest")

    def _refine(self, frame: Tensor, reference: Tensor, flow: Tensor, step: float) -> Tensor:
        """Return the best of the flow and its eight neighbours ``step`` away, pixel by pixel."""
        costs, candidates = [], []
        for right, down in NEIGHBOURS:
            candidate = flow + flow.new_tensor((right * step, down * step)).view(1, 2, 1, 1)
            difference = (warp(reference, candidate) - frame).abs().mean(dim=1, keepdim=True)
            bonus = STAY_BONUS if right == down == 0 else 0.0
            costs.append(self._block_mean(difference) - bonus)
            candidates.append(candidate)
        best = torch.stack(costs).argmin(dim=0, keepdim=True)  # [1, B, 1, H, W]
        index = best.expand(1, *flow.shape)
        return torch.stack(candidates).gather(0, index)[0]

    def _block_mean(self, difference: Tensor) -> Tensor:
        """Return the mean over the block around each pixel."""
        side = self.block + 1  # odd, so that the window has a middle
        padded = F.pad(difference, (side // 2,) * 4, mode="replicate")
        return F.avg_pool2d(padded, side, stride=1)
