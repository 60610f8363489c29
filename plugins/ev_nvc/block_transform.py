"""A linear transform of blocks, so that whatever networks miss can be sent, to any precision.

Networks that are trained for all rates at once are no inverse of each other: with latents that are not
rounded at all, an analysis and a synthesis of convolutions end at 35 dB. This pair is one, and is not
trained: at high rates the codec is a transform codec, at low ones the networks beside it do the work. A
decision of ours.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .transforms import LATENT_STRIDE

CHROMA = 2.0  # chroma counts as that much larger: it is smaller, and measured as exactly
LEAST_NORM = 0.05  # of a block; smaller ones count less than the others
FLOOR = 1e-6  # of energy in each direction, so that none is left to chance


class BlockTransform(nn.Module):
    """Images [B, C, H, W] to latents [B, K, H/8, W/8] and back, by an orthonormal basis of blocks.

    With K below 64 C the weakest directions are left out; what is above stays empty.
    """

    def __init__(self, image_channels: int, latent_channels: int) -> None:
        super().__init__()
        points = LATENT_STRIDE**2
        self.analyse = nn.Conv2d(image_channels, latent_channels, LATENT_STRIDE, LATENT_STRIDE, bias=False)
        self.synthesise = nn.Sequential(
            nn.Conv2d(latent_channels, points * image_channels, 1, bias=False),
            nn.PixelShuffle(LATENT_STRIDE),
        )
        for layer in (self.analyse, self.synthesise[0]):
            _hold(layer)
        self._put(torch.eye(points * image_channels), image_channels)

    @torch.no_grad()
    def start_from(self, images: Tensor) -> None:
        """Become the Karhunen-Loève transform of the blocks of images [N, C, H, W]."""
        channels = images.shape[1]
        blocks = F.pixel_unshuffle(images, LATENT_STRIDE).movedim(1, -1).flatten(0, 2).double()
        blocks = blocks * _emphasis(channels)
        blocks = blocks / blocks.norm(dim=1, keepdim=True).clamp_min(LEAST_NORM)
        energy = blocks.T @ blocks / len(blocks) + FLOOR * torch.eye(blocks.shape[1])
        _, vectors = torch.linalg.eigh(energy)
        self._put(vectors.flip(1).T.float(), channels)

    def _put(self, basis: Tensor, channels: int) -> None:
        """Take ``basis`` [64 C, 64 C], of orthonormal rows, the strongest first."""
        forward, back = self.analyse, self.synthesise[0]
        assert isinstance(back, nn.Conv2d)
        emphasis = _emphasis(channels).float()
        kept = basis[: forward.out_channels]
        for layer in (forward, back):
            layer.weight.zero_()
        forward.weight[: len(kept)] = (kept * emphasis).view(-1, *forward.weight.shape[1:])
        back.weight[:, : len(kept)] = (kept / emphasis).T[:, :, None, None]


def _hold(layer: nn.Module) -> None:
    """Make the weights of a layer a buffer: no recipe trains them by accident."""
    weight = layer.get_parameter("weight").detach()
    del layer.weight
    layer.register_buffer("weight", weight)


def _emphasis(channels: int) -> Tensor:
    """Return [64 C]: the weight of each point of a block; of six channels the last two are chroma."""
    weights = torch.ones(channels, LATENT_STRIDE**2, dtype=torch.float64)
    if channels == 6:
        weights[4:] = CHROMA
    return weights.flatten()
