"""The enhancement layer's latent, predicted from the base layer's and from the last ones.

Bian et al., "Augmented deep contexts for spatially embedded video coding" (SEVC), CVPR 2025.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from nvczoo.layers import conv3, crop, double, pad_to_multiple

from .memory import LATENTS_KEPT
from .window_attention import WINDOW, WindowBlock

PLANES = 1 + LATENTS_KEPT
STAGES, BLOCKS = 4, 4


class WindowStage(nn.Module):
    """Blocks in turns as they lie and shifted, a convolution of each plane, and a way around."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            *(WindowBlock(channels, heads, PLANES, shifted=bool(number % 2)) for number in range(BLOCKS))
        )
        self.leave = conv3(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, planes, H, W, C] for the same."""
        planes = self.blocks(x).flatten(0, 1).permute(0, 3, 1, 2)
        return x + self.leave(planes).permute(0, 2, 3, 1).reshape(x.shape)


class LatentPrediction(nn.Module):
    """Grows the base layer's latent four times, and lets it look at the last latents."""

    def __init__(self, base_channels: int, channels: int, heads: int = 8) -> None:
        super().__init__()
        # Nothing between the two: the published leaky ReLU there has the slope 1.
        self.grow = nn.Sequential(double(base_channels, channels), double(channels, channels))
        self.enter = nn.LayerNorm(channels)
        self.stages = nn.Sequential(*(WindowStage(channels, heads) for _ in range(STAGES)))
        self.norm = nn.LayerNorm(channels)
        self.leave = conv3(channels, channels)

    def forward(self, base: Tensor, latents: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        """Return [B, C, *size] for the base layer's latent and up to three latents, oldest first."""
        grown = pad_to_multiple(crop(self.grow(base), size), WINDOW)
        known = [pad_to_multiple(latent, WINDOW) for latent in latents]
        planes = torch.stack((grown, *(grown,) * (LATENTS_KEPT - len(known)), *known), dim=1)
        x = self.enter(planes.permute(0, 1, 3, 4, 2).contiguous())
        own = self.norm(self.stages(x)[:, 0]).permute(0, 3, 1, 2)
        return crop(grown + self.leave(own), size)
