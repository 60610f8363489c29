"""The intra codec of EV-NVC: the blocks of the inter codec, without references."""

from torch import Tensor

from nvczoo.interfaces import (
    THOROUGH,
    EntropyModel,
    IntraCodec,
    Layout,
    RateSampler,
    Reference,
    Setting,
    SymbolStream,
)
from nvczoo.layers import LAYOUTS, conv3

from .klt import start_from_klt
from .latent_descent import Descent, descend, released, worth_in_bits
from .steps import LearnedSteps
from .transforms import LATENT_STRIDE, Analysis, Synthesis

STEP_MIDDLE = 14.0  # steps of 1/14 in an orthonormal transform are worth about 34 dB
STEP_SPAN = 10.0  # between the encoder's steps at both ends of q, before training
DESCENT = Descent(smooth=5, rounded=8, worth=1.0, part=0.02)


class EvNvcIntra(IntraCodec):
    """Codes a frame on its own, at any rate."""

    def __init__(
        self,
        entropy_model: EntropyModel,
        rate_sampler: RateSampler,
        widths: tuple[int, ...] = (32, 64, 96),
        depths: tuple[int, ...] = (1, 2, 2),
        latent_channels: int = 192,
        layout: Layout = "packed420",
    ) -> None:
        super().__init__()
        grid = LAYOUTS[layout]
        self.layout, self.stride = layout, LATENT_STRIDE * grid.spacing
        self.rate_sampler = rate_sampler
        self.entropy_model = entropy_model
        self.analysis = Analysis(grid.channels, widths, latent_channels)
        self.synthesis = Synthesis(latent_channels, widths, depths)
        self.exit = conv3(widths[0], grid.channels)
        self.encoder_steps = LearnedSteps(rate_sampler, latent_channels, STEP_MIDDLE, STEP_SPAN)
        self.decoder_steps = LearnedSteps(rate_sampler, latent_channels, 1 / STEP_MIDDLE, 1 / STEP_SPAN)
        self.synthesis_gain = LearnedSteps(rate_sampler, widths[0])

    def code(
        self, frame: Tensor | None, references: tuple[Reference, ...], setting: Setting, stream: SymbolStream
    ) -> Reference:
        """Return the frame as the decoder has it; see ``FrameCodec``."""
        q = setting.q
        latent = None
        if frame is not None:
            latent = self.analysis(frame - 0.5) * self.encoder_steps(self.rate_sampler, q)
            if setting.effort >= THOROUGH:
                latent = self._improved(latent, frame, setting)
        return Reference(self._decoded(latent, q, setting.size, stream.part("intra")))

    def _decoded(
        self, latent: Tensor | None, q: Tensor, size: tuple[int, int], stream: SymbolStream
    ) -> Tensor:
        """Code the latent and return the picture that it gives."""
        height, width = (side // self.stride for side in size)
        latent = self.entropy_model.code(stream, latent, (height, width), q=q)
        latent = latent * self.decoder_steps(self.rate_sampler, q)
        features = self.synthesis(latent, gain=self.synthesis_gain(self.rate_sampler, q))
        return (self.exit(features) + 0.5).clamp(0, 1)

    def _improved(self, latent: Tensor, frame: Tensor, setting: Setting) -> Tensor:
        """Return a latent that is more worth its bits."""
        frame, q = released(frame), released(setting.q)
        worth = worth_in_bits(self.rate_sampler.lagrangian(q), self.layout)
        return descend(
            DESCENT, latent, lambda one, stream: self._decoded(one, q, setting.size, stream), frame, worth
        )

    def start_from(self, clips: Tensor) -> None:
        """Start as a classical transform codec of the clips' pictures [B, T, C, H, W]."""
        start_from_klt(self.analysis, self.synthesis, self.exit, clips.flatten(0, 1) - 0.5, clips.shape[2])
