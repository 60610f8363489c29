"""The contexts of DCVC-DC: three scales of the last frame's features, the finest with diverse offsets.

Li, Li and Lu, "Neural video compression with diverse contexts" (DCVC-DC), CVPR 2023, section 3.2.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from nvczoo.codec.memory import memory_of
from nvczoo.interfaces import ContextFuser, Pyramid, Reference
from nvczoo.layers import LAYOUTS, FrameWarp, Warp, conv3, halve_flow
from nvczoo.layers.contexts import ContextFusion, FeatureExtractor
from nvczoo.layers.offset_diversity import OffsetDiversity

LEVELS = 3  # quality levels with an adaptor of their own


class DiverseContexts(ContextFuser):
    """Fuses the features of the nearest reference; the level in the GOP picks how they are read."""

    strides = (1, 2, 4)
    levels = LEVELS
    references_needed = 1

    def __init__(
        self, channels: tuple[int, ...] = (48, 64, 96), image_channels: int = 3, feature_channels: int = 48
    ) -> None:
        super().__init__()
        self.channels = tuple(channels)
        fine = self.channels[0]
        self.from_image = conv3(image_channels, fine)
        self.from_feature = nn.ModuleList(nn.Conv2d(feature_channels, fine, 1) for _ in range(LEVELS))
        self.extract = FeatureExtractor(fine, self.channels)
        self.align = OffsetDiversity(fine, fine + image_channels + 2)
        self.fuse = ContextFusion(self.channels)
        layout = next(grid.name for grid in LAYOUTS.values() if grid.channels == image_channels)
        self.move = nn.ModuleList(Warp() for _ in self.channels)
        self.move_image = FrameWarp(layout)

    def forward(
        self, references: Sequence[Reference], flows: Sequence[Tensor | None], level: int = 0
    ) -> Pyramid:
        """Return context at 1, 1/2 and 1/4 of the grid."""
        reference, flow = references[0], flows[0]
        if flow is None:
            batch, _, height, width = reference.frame.shape
            flow = torch.zeros(batch, 2, height, width, device=reference.frame.device)
        fine, *coarser = self.extract(self._features(reference, level))
        side = torch.cat(
            (self.move[0](fine, flow), self.move_image(reference.frame, flow), flow.to(fine.dtype)), dim=1
        )
        moved = [self.align(fine, side, flow)]
        del side, fine
        for move, features in zip(self.move[1:], coarser, strict=True):
            flow = halve_flow(flow)
            moved.append(move(features, flow))
        return self.fuse(tuple(moved))

    def _features(self, reference: Reference, level: int) -> Tensor:
        """Return the reference's features, [B, channels[0], H, W]."""
        memory = memory_of(reference)
        if memory.feature is None:
            return self.from_image(reference.frame)
        return self.from_feature[min(level, LEVELS - 1)](memory.feature)
