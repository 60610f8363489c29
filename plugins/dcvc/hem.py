"""The inter codec of DCVC-HEM: decoded motion, contexts at three scales, and a latent on condition of both.

Li, Li and Lu, "Hybrid spatial-temporal entropy modelling for neural video compression" (DCVC-HEM),
ACM Multimedia 2022.
"""

from torch import Tensor

from nvczoo.codec.memory import ConditionalMemory, memory_of
from nvczoo.interfaces import (
    ContextFuser,
    EntropyModel,
    InterCodec,
    Layout,
    MotionEstimator,
    RateSampler,
    Reference,
    Setting,
    SymbolStream,
)
from nvczoo.layers import LAYOUTS
from nvczoo.layers.contextual import ContextualAnalysis, ContextualSynthesis, Reconstruction, temporal_prior
from nvczoo.layers.quality import QualityStep

from .blocks import prior_context
from .hem_blocks import squeezed_unet
from .hem_intra import PADDING_STRIDE
from .hem_motion import HemMotion
from .published_keys import HEM_INTER


class HemInter(InterCodec):
    """Codes a P frame from the last frame."""

    published = HEM_INTER

    def __init__(
        self,
        motion_estimator: MotionEstimator,
        context_fuser: ContextFuser,
        rate_sampler: RateSampler,
        entropy_model: EntropyModel,
        motion_entropy_model: EntropyModel,
        latent_channels: int = 96,
        motion_channels: int = 64,
        layout: Layout = "rgb",
    ) -> None:
        super().__init__()
        self.grid = LAYOUTS[layout]
        self.layout, self.stride = layout, PADDING_STRIDE * self.grid.spacing
        self.references_needed = context_fuser.references_needed
        self.latent_channels = latent_channels
        self.rate_sampler = rate_sampler
        self.motion_estimator = motion_estimator
        self.motion = HemMotion(motion_entropy_model, rate_sampler, motion_channels)
        self.context_fuser = context_fuser
        self.entropy_model = entropy_model
        fine, _, coarse = widths = context_fuser.channels
        self.analysis = ContextualAnalysis(self.grid.channels, widths, latent_channels)
        self.quality_step = QualityStep(rate_sampler, latent_channels)
        self.temporal_prior = temporal_prior(coarse, 3 * latent_channels // 2, 2 * latent_channels)
        self.synthesis = ContextualSynthesis(widths, latent_channels)
        self.reconstruction = Reconstruction(fine, self.grid.channels, squeezed_unet)

    def code(
        self, frame: Tensor | None, references: tuple[Reference, ...], setting: Setting, stream: SymbolStream
    ) -> Reference:
        """Return the frame as the decoder has it, with features and latents as memory; see ``FrameCodec``."""
        previous, q = references[0], setting.q
        memory = memory_of(previous)

        flow = None
        if frame is not None:
            view = self.grid.motion_view
            flow = self.motion_estimator(view(frame), view(previous.frame))
            stream.note("flow", flow)
        grid = (setting.size[0] // self.grid.spacing, setting.size[1] // self.grid.spacing)
        flow, motion_latent = self.motion.code(stream.part("motion"), flow, memory, grid, q)
        stream.note("decoded_flow", flow)
        contexts = self.context_fuser(references, (flow,) + (None,) * (len(references) - 1), setting.level)

        step = self.quality_step(self.rate_sampler, q)
        latent = None if frame is None else self.analysis(frame, contexts) / step
        prior = self.temporal_prior(contexts[2])
        shape = (q.shape[0], self.latent_channels, *prior.shape[2:])
        context = prior_context(self.entropy_model, prior, memory.latent, shape, prior)
        size = (prior.shape[2], prior.shape[3])
        latent = step * self.entropy_model.code(stream.part("frame"), latent, size, context, q)

        feature, picture = self.reconstruction(self.synthesis(latent, contexts), contexts[0])
        return Reference(
            picture.clamp(0, 1),
            ConditionalMemory(feature=feature, latent=latent, motion_latent=motion_latent),
        )
