"""Three scales of context from one reference, by the same weights for the earlier and the later one.

Liu et al., "Neural B-frame video compression with bi-directional reference harmonization" (BRHVC),
NeurIPS 2025.
"""

import torch
from torch import Tensor, nn

from nvczoo.codec.memory import memory_of
from nvczoo.interfaces import Pyramid, Reference
from nvczoo.layers import conv3, warp
from nvczoo.layers.contexts import ContextFusion, FeatureExtractor
from nvczoo.layers.offset_diversity import OffsetDiversity

from .motion import Flows, Relation
from .sides import LAYERS

FLOW_CHANNELS = 2


class ReferenceContexts(nn.Module):
    """Moves a reference's features to the frame; the layer of the frame picks how they are read."""

    def __init__(self, channels: tuple[int, ...] = (48, 64, 96), image_channels: int = 3) -> None:
        super().__init__()
        self.channels = tuple(channels)
        fine = self.channels[0]
        self.from_image = conv3(image_channels, fine)
        self.from_feature = nn.Conv2d(fine, fine, 1)
        self.by_layer = nn.ModuleList(nn.Conv2d(fine, fine, 1) for _ in range(LAYERS))
        self.extract = FeatureExtractor(fine, self.channels)
        # Features and picture as moved, the flow, the picture as it lies, and how the references relate.
        self.align = OffsetDiversity(fine, fine + 2 * image_channels + 3 * FLOW_CHANNELS)
        self.fuse = ContextFusion(self.channels)

    def forward(
        self, reference: Reference, moved: Tensor, flows: Flows, relation: Relation, layer: int
    ) -> Pyramid:
        """Return context at 1, 1/2 and 1/4; ``moved`` is the reference's picture, as the flow has it."""
        feature = memory_of(reference).feature
        start = self.from_image(reference.frame) if feature is None else self.from_feature(feature)
        fine, *coarser = self.extract(self.by_layer[layer](start))
        flow = flows[0]
        side = (warp(fine, flow), moved, flow, reference.frame, relation.earlier_first)
        aligned = self.align(fine, torch.cat(side, dim=1), flow)
        others = (warp(features, one) for features, one in zip(coarser, flows[1:], strict=True))
        return self.fuse((aligned, *others))
