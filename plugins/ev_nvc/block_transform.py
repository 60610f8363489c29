"""A linear transform of blocks, so that whatever networks miss can be sent, to any precision.

Networks that are trained for all rates at once are no inverse of each other: with latents that are not
rounded at all, an analysis and a synthesis of convolutions end at 35 dB. This pair is one from its first
step, and stays it while it is not trained: at high rates the codec is a transform codec, at low ones the
networks beside it do the work. A decision of ours.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .transforms import LATENT_STRIDE

CHROMA = 2.0  # chroma counts as that much larger: it is smaller, and measured as exactly
LEAST_NORM = 0.05  # of a block; smaller ones count less than the others
FLOOR = 1e-6  # of energy in each direction, so that none is left to chance


class BlockTransform(nn.Module):
    """Orthogonal between images [B, C, H, W], chroma enlarged, and latents [B, K, H/8, W/8], K <= 64 C."""

    def __init__(self, image_channels: int, latent_channels: int) -> None:
        super().__init__()
        points = LATENT_STRIDE**2
        self.analyse = nn.Conv2d(image_channels, latent_channels, LATENT_STRIDE, LATENT_STRIDE, bias=False)
        self.synthesise = nn.Sequential(
            nn.Conv2d(latent_channels, points * image_channels, 1, bias=False),
            nn.PixelShuffle(LATENT_STRIDE),
        )
        self._put(torch.eye(latent_channels, points * image_channels), image_channels)

    @torch.no_grad()
    def start_from(self, images: Tensor) -> None:
        """Become the Karhunen-Loève transform of the blocks of images [N, C, H, W]."""
        channels = images.shape[1]
        blocks = F.pixel_unshuffle(images, LATENT_STRIDE).movedim(1, -1).flatten(0, 2).double()
        blocks = blocks * _emphasis(channels)
        blocks = blocks / blocks.norm(dim=1, keepdim=True).clamp_min(LEAST_NORM)
        energy = blocks.T @ blocks / len(blocks) + FLOOR * torch.eye(blocks.shape[1])
        _, vectors = torch.linalg.eigh(energy)
        self._put(vectors.flip(1).T[: self.analyse.out_channels].float(), channels)

    @torch.no_grad()
    def _put(self, basis: Tensor, channels: int) -> None:
        """Take ``basis`` [K, 64 C], of orthonormal rows."""
        emphasis = _emphasis(channels).float()
        self.analyse.weight.copy_((basis * emphasis).view_as(self.analyse.weight))
        layer = self.synthesise[0]
        assert isinstance(layer, nn.Conv2d)
        layer.weight.copy_((basis / emphasis).T[:, :, None, None])


def _emphasis(channels: int) -> Tensor:
    """Return [64 C]: the weight of each point of a block; of six channels the last two are chroma."""
    weights = torch.ones(channels, LATENT_STRIDE**2, dtype=torch.float64)
    if channels == 6:
        weights[4:] = CHROMA
    return weights.flatten()
