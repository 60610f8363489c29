"""Contexts of the enhancement layer from the base layer's features and flow: it codes no motion itself.

Bian et al., "Augmented deep contexts for spatially embedded video coding" (SEVC), CVPR 2025.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nvczoo.interfaces import Pyramid
from nvczoo.layers import ResidualBlock, conv3, double, double_flow, warp
from nvczoo.layers.contexts import ContextFusion, FeatureExtractor
from nvczoo.layers.depthwise import depthwise_block
from nvczoo.layers.offset_diversity import OffsetDiversity
from nvczoo.layers.residual import pointwise_double

ADAPTORS = 3
ROUNDS = 2
SLOPE = 0.01


class Refinement(nn.Module):
    """Looks at its input at three smaller sizes; the way around carries what is activated already."""

    def __init__(self, channels_in: int, hidden: int, channels_out: int) -> None:
        super().__init__()
        self.halve = nn.ModuleList(
            (
                conv3(channels_in, hidden, stride=2),
                conv3(hidden, 2 * hidden, stride=2),
                conv3(2 * hidden, 4 * hidden),
            )
        )
        self.grow = nn.ModuleList(
            (pointwise_double(3 * hidden, hidden), pointwise_double(4 * hidden, 2 * hidden))
        )
        self.leave = conv3(hidden + channels_in, channels_out, gain=0.2)

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, channels_out, H, W] for [B, channels_in, H, W], H and W multiples of 4."""
        half = F.leaky_relu(self.halve[0](x), SLOPE)
        coarse = self.halve[2](F.leaky_relu(self.halve[1](half), SLOPE))
        grown = F.leaky_relu(self.grow[1](coarse), SLOPE)
        grown = F.leaky_relu(self.grow[0](torch.cat((grown, half), dim=1)), SLOPE)
        return self.leave(torch.cat((grown, x), dim=1))


class MutualRefinement(nn.Module):
    """Flow and texture, in turns: the flow by the texture, then the texture by what the flow fetches."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.motion = nn.ModuleList(Refinement(2 * channels + 2, channels // 2, 2) for _ in range(ROUNDS))
        self.texture = nn.ModuleList(
            Refinement(2 * channels, 3 * channels // 4, channels) for _ in range(ROUNDS)
        )

    def forward(self, features: Tensor, texture: Tensor, flow: Tensor) -> tuple[Tensor, Tensor]:
        """Return texture [B, C, H, W] and flow [B, 2, H, W], given the reference's features as well."""
        for motion, refine in zip(self.motion, self.texture, strict=True):
            flow = flow + motion(torch.cat((features, texture, flow), dim=1)).float()
            texture = texture + refine(torch.cat((warp(features, flow), texture), dim=1))
        return texture, flow


class InterLayerContexts(nn.Module):
    """Three scales of context from the last frame, by the base layer's flow, and from its feature."""

    def __init__(
        self, channels: tuple[int, ...] = (48, 64, 96), base_channels: int = 48, image_channels: int = 3
    ) -> None:
        super().__init__()
        fine, middle, coarse = self.channels = tuple(channels)
        self.from_image = conv3(image_channels, fine)
        self.from_feature = nn.ModuleList(nn.Conv2d(fine, fine, 1) for _ in range(ADAPTORS))
        self.extract = FeatureExtractor(fine, self.channels)
        self.enter = conv3(base_channels, coarse)
        self.grow = nn.ModuleList(  # finest first, as all below
            nn.Sequential(double(wide, width), ResidualBlock(width))
            for wide, width in ((middle, fine), (coarse, middle))
        )
        self.refine = nn.ModuleList(MutualRefinement(width) for width in self.channels)
        self.align = OffsetDiversity(fine, fine + image_channels + 2)
        self.join = nn.ModuleList(depthwise_block(2 * width, width) for width in self.channels)
        self.fuse = ContextFusion(self.channels)

    def forward(
        self, frame: Tensor, feature: Tensor | None, level: int, base_feature: Tensor, base_flow: Tensor
    ) -> Pyramid:
        """Return context at 1, 1/2 and 1/4.

        ``frame`` and ``feature`` are of the reference; feature and flow of the base layer are at 1/4.
        """
        adaptor = self.from_feature[min(level, ADAPTORS - 1)]
        features = self.extract(self.from_image(frame) if feature is None else adaptor(feature))
        textures, flows = self._refined(features, self.enter(base_feature), base_flow)
        fine, flow = features[0], flows[0]
        side = torch.cat((warp(fine, flow), warp(frame, flow), flow), dim=1)
        moved = (self.align(fine, side, flow), *map(warp, features[1:], flows[1:]))
        del features, fine, side
        pairs = zip(moved, textures, strict=True)
        joined = [join(torch.cat(both, dim=1)) for join, both in zip(self.join, pairs, strict=True)]
        del moved, textures  # what is kept of the finest scale takes 0.4 GB each at 1080p
        return self.fuse(tuple(joined))

    def _refined(self, features: Pyramid, texture: Tensor, flow: Tensor) -> tuple[Pyramid, Pyramid]:
        """Return textures and flows at each scale, finest first, found from coarse to fine."""
        found: list[tuple[Tensor, Tensor]] = []
        for scale in reversed(range(len(features))):
            if found:
                texture, flow = self.grow[scale](texture), double_flow(flow)
            texture, flow = self.refine[scale](features[scale], texture, flow)
            found.append((texture, flow))
        textures, flows = zip(*reversed(found), strict=True)
        return textures, flows
