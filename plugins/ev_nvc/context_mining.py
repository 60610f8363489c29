"""Short-term context: three scales of the last frame's features, each moved by the decoded flow.

Sheng et al., "Temporal context mining for learned video compression" (DCVC-TCM), IEEE TMM 2022.
It is LSTFFM without its long-term branch, to the layer.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from nvczoo.codec.memory import ConditionalMemory
from nvczoo.interfaces import ContextFuser, Pyramid, Reference
from nvczoo.layers import ResidualBlock, Warp, conv3, double, halve_flow, join


class ContextMining(ContextFuser):
    """Fuses the features of the nearest reference into a context pyramid."""

    strides = (1, 2, 4)
    references_needed = 1

    def __init__(
        self, channels: tuple[int, ...] = (16, 32, 64), image_channels: int = 6, feature_channels: int = 16
    ) -> None:
        super().__init__()
        fine, middle, coarse = self.channels = tuple(channels)
        self.from_image = conv3(image_channels, feature_channels)
        self.extract = nn.ModuleList(
            (conv3(feature_channels, fine), conv3(fine, middle, stride=2), conv3(middle, coarse, stride=2))
        )
        extra = self.extra_channels()
        self.gather = nn.ModuleList(conv3(c + e, c) for c, e in zip(self.channels, extra, strict=True))
        self.grow = nn.ModuleList((double(middle, fine // 2), double(coarse, middle // 2)))
        self.merge = nn.ModuleList((conv3(fine + fine // 2, fine), conv3(middle + middle // 2, middle)))
        self.refine = ResidualBlock(coarse)
        self.warps = nn.ModuleList(Warp() for _ in self.channels)
        self.activations = nn.ModuleList(nn.LeakyReLU() for _ in self.channels[1:])

    def extra_channels(self) -> tuple[int, ...]:
        """Return how many channels ``extra_features`` adds at each scale."""
        return (0,) * len(self.channels)

    def extra_features(self, references: Sequence[Reference]) -> Pyramid:
        """Return what stands beside the moved features at each scale: nothing here."""
        del references
        return ()

    def forward(
        self, references: Sequence[Reference], flows: Sequence[Tensor | None], level: int = 0
    ) -> Pyramid:
        """Return context at 1, 1/2 and 1/4 of the grid."""
        gathered = self._moved(references[0], flows[0])
        extra = self.extra_features(references)
        if extra:
            gathered = [join(*pair) for pair in zip(gathered, extra, strict=True)]
        fine, middle, coarse = (conv(x) for conv, x in zip(self.gather, gathered, strict=True))
        coarse = self.refine(coarse)
        middle = self.merge[1](join(middle, self.grow[1](coarse)))
        fine = self.merge[0](join(fine, self.grow[0](middle)))
        return fine, middle, coarse

    def _moved(self, reference: Reference, flow: Tensor | None) -> list[Tensor]:
        """Return the reference's features at three scales, moved by its flow."""
        memory = reference.memory if isinstance(reference.memory, ConditionalMemory) else None
        if memory is None or memory.feature is None:
            feature = self.from_image(reference.frame - 0.5)
        else:
            feature = memory.feature
        moved = []
        for scale, (extract, warp) in enumerate(zip(self.extract, self.warps, strict=True)):
            if scale > 0:
                feature = self.activations[scale - 1](feature)
                flow = None if flow is None else halve_flow(flow)
            feature = extract(feature)
            moved.append(feature if flow is None else warp(feature, flow))
        return moved
