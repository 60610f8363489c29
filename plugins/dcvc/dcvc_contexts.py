"""The context of DCVC: features of the last picture, moved by the decoded flow and mended.

Li, Li and Lu, "Deep contextual video compression" (DCVC), NeurIPS 2021.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from nvczoo.errors import SettingError
from nvczoo.interfaces import ContextFuser, Pyramid, Reference
from nvczoo.layers import ResidualBlock, conv3, warp


class DcvcContexts(ContextFuser):
    """Makes one context at full size of the nearest picture."""

    strides = (1,)
    references_needed = 1

    def __init__(
        self, channels: tuple[int, ...] = (64,), image_channels: int = 3, feature_channels: int = 64
    ) -> None:
        super().__init__()
        del feature_channels  # taken, so that it can stand in for a fuser that uses the feature
        self.channels = tuple(channels)
        if len(self.channels) != 1:
            raise SettingError(f"channels={list(channels)}: DCVC has contexts of one scale; give one width")
        (width,) = self.channels
        self.extract = nn.Sequential(conv3(image_channels, width), ResidualBlock(width, slope=0.0))
        self.mend = nn.Sequential(ResidualBlock(width, slope=0.0), conv3(width, width))

    def forward(
        self, references: Sequence[Reference], flows: Sequence[Tensor | None], level: int = 0
    ) -> Pyramid:
        """Return context on the grid's own scale."""
        del level
        features, flow = self.extract(references[0].frame), flows[0]
        return (self.mend(features if flow is None else warp(features, flow)),)
