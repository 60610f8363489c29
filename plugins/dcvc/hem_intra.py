"""The intra codec of DCVC-HEM: one learned step per channel, stretched by the rate.

Li, Li and Lu, "Hybrid spatial-temporal entropy modelling for neural video compression" (DCVC-HEM),
ACM Multimedia 2022.
"""

from torch import Tensor, nn

from nvczoo.interfaces import EntropyModel, IntraCodec, Layout, RateSampler, Reference, Setting, SymbolStream
from nvczoo.layers import LAYOUTS, conv3
from nvczoo.layers.quality import QualityStep

from .hem_blocks import analysis, squeezed_unet, synthesis
from .published_keys import HEM_INTRA

LATENT_STRIDE = 16
PADDING_STRIDE = 64  # of the published model: the hyper latent comes out even
REFINED_CHANNELS = 16


class HemIntra(IntraCodec):
    """Codes a frame on its own; the latent is divided by a step that chooses the rate."""

    published = HEM_INTRA

    def __init__(
        self,
        entropy_model: EntropyModel,
        rate_sampler: RateSampler,
        latent_channels: int = 192,
        layout: Layout = "rgb",
    ) -> None:
        super().__init__()
        grid = LAYOUTS[layout]
        self.layout, self.stride = layout, PADDING_STRIDE * grid.spacing
        self.spacing = grid.spacing
        self.rate_sampler = rate_sampler
        self.entropy_model = entropy_model
        self.analysis = analysis(grid.channels, latent_channels)
        self.quality_step = QualityStep(rate_sampler, latent_channels)
        self.synthesis = synthesis(latent_channels, REFINED_CHANNELS)
        self.refine = nn.Sequential(
            squeezed_unet(REFINED_CHANNELS, REFINED_CHANNELS), conv3(REFINED_CHANNELS, grid.channels)
        )

    def code(
        self, frame: Tensor | None, references: tuple[Reference, ...], setting: Setting, stream: SymbolStream
    ) -> Reference:
        """Return the frame as the decoder has it; see ``FrameCodec``."""
        q = setting.q
        height, width = (side // (LATENT_STRIDE * self.spacing) for side in setting.size)
        step = self.quality_step(self.rate_sampler, q)
        latent = None if frame is None else self.analysis(frame) / step
        latent = self.entropy_model.code(stream.part("intra"), latent, (height, width), q=q)
        return Reference(self.refine(self.synthesis(latent * step)).clamp(0, 1))
