"""LSTFFM, the long-short-term feature fusion module of EV-NVC (arXiv 2511.01590).

Published: the long-term reference is the picture four frames back; its features come from LTFC,
conv - LeakyReLU - conv; sizes are halved by strided convolution and doubled by convolution and
pixel shuffle; fusion concatenates. Widths and the order of fusion are decisions of ours.
"""

from collections.abc import Sequence

from torch import nn

from nvczoo.interfaces import Pyramid, Reference
from nvczoo.layers import conv3

from .context_mining import ContextMining


def ltfc(channels_in: int, channels: int) -> nn.Sequential:
    """Return the long-term extraction convolutions."""
    return nn.Sequential(conv3(channels_in, channels), nn.LeakyReLU(), conv3(channels, channels))


class Lstffm(ContextMining):
    """Adds features of a long-term reference, not moved, at every scale."""

    references_needed = 2

    def __init__(
        self, channels: tuple[int, ...] = (16, 32, 64), image_channels: int = 6, feature_channels: int = 16
    ) -> None:
        super().__init__(channels, image_channels, feature_channels)
        fine, middle, coarse = self.extra_channels()
        self.halve = nn.ModuleList(
            (nn.Identity(), conv3(fine, middle, stride=2), conv3(middle, coarse, stride=2))
        )
        self.long_term = nn.ModuleList(
            (ltfc(image_channels, fine), ltfc(middle, middle), ltfc(coarse, coarse))
        )

    def extra_channels(self) -> tuple[int, ...]:
        """Return half the width of the short-term branch at each scale."""
        return tuple(width // 2 for width in self.channels)

    def extra_features(self, references: Sequence[Reference]) -> Pyramid:
        """Return features of the second reference, the long-term one, or of the only one, at three scales."""
        features = []
        x = references[: self.references_needed][-1].frame - 0.5
        for halve, extract in zip(self.halve, self.long_term, strict=True):
            x = extract(halve(x))
            features.append(x)
        return tuple(features)
