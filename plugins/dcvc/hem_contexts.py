"""The contexts of DCVC-HEM: three scales of the last frame's features, each moved by the decoded flow.

Li, Li and Lu, "Hybrid spatial-temporal entropy modelling for neural video compression" (DCVC-HEM),
ACM Multimedia 2022.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from nvczoo.codec.memory import memory_of
from nvczoo.interfaces import ContextFuser, Pyramid, Reference
from nvczoo.layers import conv3, halve_flow, warp
from nvczoo.layers.contexts import ContextFusion, FeatureExtractor


class HemContexts(ContextFuser):
    """Fuses the features of the nearest reference into a context pyramid."""

    strides = (1, 2, 4)
    references_needed = 1

    def __init__(
        self, channels: tuple[int, ...] = (64, 64, 64), image_channels: int = 3, feature_channels: int = 64
    ) -> None:
        super().__init__()
        self.channels = tuple(channels)
        fine = self.channels[0]
        self.from_image = conv3(image_channels, fine)
        self.from_feature = nn.Conv2d(feature_channels, fine, 1)
        self.extract = FeatureExtractor(fine, self.channels)
        self.fuse = ContextFusion(self.channels)

    def forward(
        self, references: Sequence[Reference], flows: Sequence[Tensor | None], level: int = 0
    ) -> Pyramid:
        """Return context at 1, 1/2 and 1/4 of the grid."""
        del level
        flow = flows[0]
        moved = []
        for features in self.extract(self._features(references[0])):
            moved.append(features if flow is None else warp(features, flow))
            flow = None if flow is None else halve_flow(flow)
        return self.fuse(tuple(moved))

    def _features(self, reference: Reference) -> Tensor:
        """Return the reference's features, [B, channels[0], H, W]."""
        memory = memory_of(reference)
        if memory.feature is None:
            return self.from_image(reference.frame)
        return self.from_feature(memory.feature)
