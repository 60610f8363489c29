"""The intra codec of EV-NVC: the blocks of the inter codec, without references."""

from torch import Tensor

from nvczoo.interfaces import EntropyModel, IntraCodec, Layout, RateSampler, Reference, Setting, SymbolStream
from nvczoo.layers import LAYOUTS, conv3

from .klt import start_from_klt
from .steps import LearnedSteps
from .transforms import LATENT_STRIDE, Analysis, Synthesis

STEP_MIDDLE = 14.0  # steps of 1/14 in an orthonormal transform are worth about 34 dB
STEP_SPAN = 10.0  # between the encoder's steps at both ends of q, before training


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
        q, rate = setting.q, self.rate_sampler
        height, width = (side // self.stride for side in setting.size)
        latent = None if frame is None else self.analysis(frame - 0.5) * self.encoder_steps(rate, q)
        latent = self.entropy_model.code(stream.part("intra"), latent, (height, width), q=q)
        latent = latent * self.decoder_steps(rate, q)
        features = self.synthesis(latent, gain=self.synthesis_gain(rate, q))
        return Reference((self.exit(features) + 0.5).clamp(0, 1))

    def start_from(self, clips: Tensor) -> None:
        """Start as a classical transform codec of the clips' pictures [B, T, C, H, W]."""
        start_from_klt(self.analysis, self.synthesis, self.exit, clips.flatten(0, 1) - 0.5, clips.shape[2])
