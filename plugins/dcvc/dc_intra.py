"""The intra codec of DCVC-DC, which SEVC and BRHVC use as well.

Li, Li and Lu, "Neural video compression with diverse contexts" (DCVC-DC), CVPR 2023.
"""

from functools import partial

from torch import Tensor, nn

from nvczoo.interfaces import EntropyModel, IntraCodec, Layout, RateSampler, Reference, Setting, SymbolStream
from nvczoo.layers import LAYOUTS, conv3
from nvczoo.layers.depthwise import gated_block
from nvczoo.layers.quality import Gain, QualityGain
from nvczoo.layers.residual import ResidualDown, ResidualUp
from nvczoo.layers.unet import Block, UNet

from .published_keys import DC_INTRA

LATENT_STRIDE = 16
REFINED_CHANNELS = 16


class DcIntra(IntraCodec):
    """Codes a frame on its own; gains at half size, on both sides, choose the rate."""

    # What other codecs of the family have otherwise.
    published = DC_INTRA
    block: Block = staticmethod(gated_block)
    halve: Block = ResidualDown
    gain: Gain = QualityGain
    unet: Block = staticmethod(partial(UNet, block=gated_block))

    def __init__(
        self,
        entropy_model: EntropyModel,
        rate_sampler: RateSampler,
        widths: tuple[int, ...] = (128, 192, 256),
        latent_channels: int = 256,
        layout: Layout = "rgb",
    ) -> None:
        super().__init__()
        grid = LAYOUTS[layout]
        self.layout, self.stride = layout, LATENT_STRIDE * grid.spacing
        self.rate_sampler = rate_sampler
        self.entropy_model = entropy_model
        fine, middle, coarse = widths
        self.analysis_fine = nn.Sequential(self.halve(grid.channels, fine), self.block(fine, fine))
        self.encoder_gain = self.gain(rate_sampler, fine)
        self.analysis_coarse = nn.Sequential(
            self.halve(fine, middle),
            self.block(middle, middle),
            self.halve(middle, coarse),
            self.block(coarse, coarse),
            conv3(coarse, latent_channels, stride=2),
        )
        self.synthesis_coarse = nn.Sequential(
            self.block(latent_channels, latent_channels),
            ResidualUp(latent_channels, coarse),
            self.block(coarse, coarse),
            ResidualUp(coarse, middle),
            self.block(middle, middle),
            ResidualUp(middle, fine),
        )
        self.decoder_gain = self.gain(rate_sampler, fine)
        self.synthesis_fine = nn.Sequential(self.block(fine, fine), ResidualUp(fine, REFINED_CHANNELS))
        self.refine = nn.Sequential(
            self.unet(REFINED_CHANNELS, REFINED_CHANNELS),
            conv3(REFINED_CHANNELS, grid.channels),
        )

    def code(
        self, frame: Tensor | None, references: tuple[Reference, ...], setting: Setting, stream: SymbolStream
    ) -> Reference:
        """Return the frame as the decoder has it; see ``FrameCodec``."""
        q = setting.q
        height, width = (side // self.stride for side in setting.size)
        latent = None if frame is None else self._analyse(frame, q)
        latent = self.entropy_model.code(stream.part("intra"), latent, (height, width), q=q)
        gain = self.decoder_gain(self.rate_sampler, q)
        features = self.synthesis_fine(self.synthesis_coarse(latent) * gain)
        return Reference(self.refine(features).clamp(0, 1))

    def _analyse(self, frame: Tensor, q: Tensor) -> Tensor:
        """Return the latent of a frame [B, latent_channels, H/16, W/16]."""
        gain = self.encoder_gain(self.rate_sampler, q)
        return self.analysis_coarse(self.analysis_fine(frame) * gain)
