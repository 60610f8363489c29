"""The priors of DCVC-FM: four passes as in DCVC-DC, with a narrower hyper latent and other blocks.

Li, Li and Lu, "Neural video compression with feature modulation" (DCVC-FM), CVPR 2024.
"""

import torch
from torch import Tensor, nn

from nvczoo.entropy.capped import CappedGaussian
from nvczoo.entropy.density import Density
from nvczoo.entropy.four_part import INITIAL_SCALE, PASSES
from nvczoo.entropy.hyper import HyperCodec
from nvczoo.entropy.lattice import FOUR_PART, Guess, code_in_passes
from nvczoo.interfaces import EntropyModel, SymbolStream
from nvczoo.layers import conv3, crop
from nvczoo.layers.depthwise import gated_block
from nvczoo.layers.elementwise import Times
from nvczoo.layers.on_grid import MEAN_FRACTION, OnGrid
from nvczoo.layers.residual import ResidualUp

from .fm_blocks import ROWS, two_slope_block
from .four_part import DcInterPrior

LEAST_MAP, MAP_RANGE = 0.5, 1.5  # the two maps of an intra latent lie between 0.5 and 2


class FmIntraPrior(EntropyModel):
    """Codes a latent in four passes; a map multiplies it before, another one after.

    Maps have one channel each. The later passes see what is decoded and a digest of what the first saw.
    """

    def __init__(self, channels: int = 256, context_channels: int = 0, hyper_channels: int = 128) -> None:
        super().__init__()
        del context_channels  # taken, so that it can stand in for a prior that uses the context
        self.channels = channels
        twice = 2 * channels
        self.hyper = hyper_codec(channels, hyper_channels, rows=ROWS)
        self.fusion = nn.Sequential(two_slope_block(channels, twice), two_slope_block(twice, twice + 2))
        self.reduction = nn.Conv2d(twice + 2, channels, 1)
        self.adaptors = nn.ModuleList(gated_block(twice, twice) for _ in range(PASSES - 1))
        self.spatial = nn.Sequential(*(gated_block(twice, twice) for _ in range(3)))
        self.limit = nn.Sigmoid()
        self.settle = nn.ModuleList(OnGrid(MEAN_FRACTION) for _ in range(PASSES))  # means, pass by pass
        self.restore = Times()
        with torch.no_grad():  # scales to learn from: below zero they would not
            for network, start in ((self.fusion, 2), (self.spatial, 0)):
                *_, last = (one for one in network.modules() if isinstance(one, nn.Conv2d))
                assert last.bias is not None
                last.bias.zero_()[start : start + channels] = INITIAL_SCALE

    def code(
        self,
        stream: SymbolStream,
        latent: Tensor | None,
        size: tuple[int, int],
        context: Tensor | None = None,
        q: Tensor | None = None,
    ) -> Tensor:
        """Return the latent as the decoder has it, [B, channels, h, w]; see ``EntropyModel``."""
        known = (one for one in (latent, context, q) if one is not None)
        batch = next((one.shape[0] for one in known), 1)
        features = self.hyper.code(stream.part("hyper"), latent, size, q, batch)
        parameters = crop(self.fusion(features), size)  # last: borders see what it cuts off
        maps, *guess = parameters.float().split((2, self.channels, self.channels), dim=1)
        before, after = (MAP_RANGE * self.limit(maps) + LEAST_MAP).chunk(2, dim=1)
        digest = self.reduction(parameters)

        def refine(number: int, decoded: Tensor) -> Guess:
            told = torch.cat((decoded.to(digest.dtype), digest), dim=1)
            scales, means = self.spatial(self.adaptors[number - 1](told)).float().chunk(2, dim=1)
            return scales, self.settle[number](means)

        values = None if latent is None else latent.float() * before
        scales, means = guess
        first = scales, self.settle[0](means)
        decoded = code_in_passes(stream, values, FOUR_PART, first, refine, CappedGaussian)
        return self.restore(decoded, after)


class FmInterPrior(DcInterPrior):
    """The prior of DCVC-DC's P frames behind a hyper latent of a width of its own."""

    def __init__(
        self,
        channels: int = 128,
        context_channels: int = 0,
        channels_before: int = 0,
        previous_channels: int = 0,
        fused_channels: int = 384,
        hyper_channels: int = 64,
    ) -> None:
        super().__init__(channels, context_channels, channels_before, previous_channels, fused_channels)
        self.hyper = hyper_codec(channels, hyper_channels)


def hyper_codec(channels: int, hyper_channels: int, rows: int = 1) -> HyperCodec:
    """Return the codec of a hyper latent; the density has ``rows`` variants along ``q``."""
    return HyperCodec(
        nn.Sequential(
            two_slope_block(channels, hyper_channels),
            conv3(hyper_channels, hyper_channels, stride=2),
            nn.LeakyReLU(),
            conv3(hyper_channels, hyper_channels, stride=2),
        ),
        nn.Sequential(
            ResidualUp(hyper_channels, hyper_channels),
            ResidualUp(hyper_channels, hyper_channels),
            two_slope_block(hyper_channels, channels),
        ),
        Density(hyper_channels, rows),
    )
