"""The inter codec of DCVC-DC: decoded motion, diverse contexts, and a latent on condition of both.

Li, Li and Lu, "Neural video compression with diverse contexts" (DCVC-DC), CVPR 2023.
"""

from dataclasses import replace
from functools import partial

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
from nvczoo.layers.contextual import (
    ContextualAnalysis,
    ContextualSynthesis,
    Reconstruction,
    WidthBlock,
    temporal_prior,
)
from nvczoo.layers.depthwise import depthwise_block
from nvczoo.layers.quality import Gain, QualityGain
from nvczoo.layers.residual import Bottleneck
from nvczoo.layers.unet import Block, UNet

from .blocks import prior_context
from .dc_motion import LATENT_STRIDE, DcMotion
from .published_keys import DC_INTER


class DcInter(InterCodec):
    """Codes a P frame from the last frame."""

    # What other codecs of the family have otherwise.
    published = DC_INTER
    block: Block = staticmethod(depthwise_block)
    contextual_block: WidthBlock = Bottleneck
    gain: Gain = QualityGain

    def __init__(
        self,
        motion_estimator: MotionEstimator,
        context_fuser: ContextFuser,
        rate_sampler: RateSampler,
        entropy_model: EntropyModel,
        motion_entropy_model: EntropyModel,
        latent_channels: int = 128,
        motion_channels: int = 64,
        layout: Layout = "rgb",
    ) -> None:
        super().__init__()
        self.grid = LAYOUTS[layout]
        self.layout, self.stride = layout, LATENT_STRIDE * self.grid.spacing
        self.references_needed, self.levels = context_fuser.references_needed, context_fuser.levels
        self.latent_channels = latent_channels
        self.rate_sampler = rate_sampler
        self.motion_estimator = motion_estimator
        self.motion = DcMotion(motion_entropy_model, rate_sampler, motion_channels, self.block, self.gain)
        self.context_fuser = context_fuser
        self.entropy_model = entropy_model
        fine, _, coarse = widths = context_fuser.channels
        self.analysis = ContextualAnalysis(self.grid.channels, widths, latent_channels, self.contextual_block)
        self.encoder_gain = self.gain(rate_sampler, self.analysis.gain_channels)
        self.temporal_prior = temporal_prior(coarse, coarse, latent_channels)
        self.synthesis = ContextualSynthesis(widths, latent_channels, self.contextual_block)
        self.decoder_gain = self.gain(rate_sampler, self.synthesis.gain_channels)
        unet = partial(UNet, block=self.block)
        self.reconstruction = Reconstruction(fine, self.grid.channels, unet)

    def code(
        self, frame: Tensor | None, references: tuple[Reference, ...], setting: Setting, stream: SymbolStream
    ) -> Reference:
        """Return the frame as the decoder has it, with features and latents as memory; see ``FrameCodec``."""
        previous, q = references[0], setting.q
        known = memory_of(previous)

        flow, motion_memory = self._motion(frame, previous.frame, known, setting, stream)
        contexts = self.context_fuser(references, (flow,) + (None,) * (len(references) - 1), setting.level)

        gain = self.encoder_gain(self.rate_sampler, q)
        latent = None if frame is None else self.analysis(frame, contexts, gain)
        prior = self.temporal_prior(contexts[2])
        shape = (q.shape[0], self.latent_channels, *prior.shape[2:])
        context = prior_context(self.entropy_model, prior, known.latent, shape, prior)
        latent = self.entropy_model.code(
            stream.part("frame"), latent, (prior.shape[2], prior.shape[3]), context, q
        )

        features = self.synthesis(latent, contexts, self.decoder_gain(self.rate_sampler, q))
        feature, picture = self.reconstruction(features, contexts[0])
        return Reference(
            picture.clamp(0, 1), replace(motion_memory, feature=feature, latent=latent, flow=flow)
        )

    def _motion(
        self,
        frame: Tensor | None,
        reference: Tensor,
        memory: ConditionalMemory,
        setting: Setting,
        stream: SymbolStream,
    ) -> tuple[Tensor, ConditionalMemory]:
        """Return the decoded flow on the layout's grid, and what to remember of it."""
        flow = None
        if frame is not None:
            view = self.grid.motion_view
            flow = self.motion_estimator(view(frame), view(reference))
            stream.note("flow", flow)
        grid = (setting.size[0] // self.grid.spacing, setting.size[1] // self.grid.spacing)
        coded = self.motion.code(stream.part("motion"), flow, memory, grid, setting.q)
        stream.note("decoded_flow", coded[0])
        return coded
