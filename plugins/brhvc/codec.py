"""The B-frame codec of BRHVC: two references harmonised, motion converged into one latent.

Liu et al., "Neural B-frame video compression with bi-directional reference harmonization" (BRHVC),
NeurIPS 2025.
"""

from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from nvczoo.codec.memory import memory_of
from nvczoo.interfaces import (
    EntropyModel,
    InterCodec,
    Layout,
    MotionEstimator,
    RateSampler,
    Reference,
    Setting,
    SymbolStream,
)
from nvczoo.layers import LAYOUTS, warp
from nvczoo.layers.contextual import ContextualAnalysis, ContextualSynthesis, Reconstruction, temporal_prior
from nvczoo.layers.depthwise import depthwise_block
from nvczoo.layers.quality import QualityGain
from nvczoo.layers.unet import UNet

from .contexts import ReferenceContexts
from .fusion import DecoderFusion, EncoderFusion
from .motion import ConvergedMotion, Relation, flows_at_scales
from .prior import code_between
from .published_keys import INTER
from .sides import layer_of, ordered

STRIDE = 16
HALFWAY = 0.5  # the frame lies in the middle of its references


class Brhvc(InterCodec):
    """Codes a B frame from an earlier and a later frame; the span between them picks the layer."""

    published = INTER
    stride = STRIDE
    references_needed = 2

    def __init__(
        self,
        motion_estimator: MotionEstimator,
        rate_sampler: RateSampler,
        entropy_model: EntropyModel,
        motion_entropy_model: EntropyModel,
        channels: tuple[int, ...] = (48, 64, 96),
        latent_channels: int = 128,
        motion_channels: int = 64,
        relation_channels: int = 48,
        layout: Layout = "rgb",
    ) -> None:
        super().__init__()
        self.layout = layout
        image_channels = LAYOUTS[layout].channels
        self.latent_channels = latent_channels
        self.rate_sampler = rate_sampler
        self.motion_estimator = motion_estimator
        self.motion = ConvergedMotion(motion_entropy_model, rate_sampler, motion_channels, relation_channels)
        self.contexts = ReferenceContexts(channels, image_channels)
        self.encoder_fusion = EncoderFusion(channels, image_channels)
        self.decoder_fusion = DecoderFusion(channels, latent_channels, image_channels)
        fine, _, coarse = channels
        self.analysis = ContextualAnalysis(image_channels, channels, latent_channels)
        self.encoder_gain = QualityGain(rate_sampler, self.analysis.gain_channels)
        self.join_coarse = depthwise_block(2 * coarse, coarse)
        self.temporal_prior = temporal_prior(coarse, coarse, latent_channels)
        self.entropy_model = entropy_model
        self.synthesis = ContextualSynthesis(channels, latent_channels)
        self.decoder_gain = QualityGain(rate_sampler, self.synthesis.gain_channels)
        self.reconstruction = Reconstruction(fine, image_channels, partial(UNet, block=depthwise_block))

    def code(
        self, frame: Tensor | None, references: tuple[Reference, ...], setting: Setting, stream: SymbolStream
    ) -> Reference:
        """Return the frame as the decoder has it, with features and latents as memory; see ``FrameCodec``."""
        q, sides = setting.q, ordered(references, setting)
        memories = (memory_of(sides[0]), memory_of(sides[1]))
        relation = self._relation(*sides)
        flows = None if frame is None else self._flows(frame, sides, stream)
        flows, motion_memory = self.motion.code(stream.part("motion"), flows, relation, memories, q)
        stream.note("decoded_flow", flows[0][0])  # to the earlier reference

        moved = (warp(sides[0].frame, flows[0][0]), warp(sides[1].frame, flows[1][0]))
        layer = layer_of(setting)
        earlier, later = (
            self.contexts(side, picture, one, relation, layer)
            for side, picture, one in zip(sides, moved, flows, strict=True)
        )
        latent = None
        if frame is not None:
            contexts = self.encoder_fusion(frame, moved, earlier, later)
            latent = self.analysis(frame, contexts, self.encoder_gain(self.rate_sampler, q))
        prior = self.temporal_prior(self.join_coarse(torch.cat((earlier[2], later[2]), dim=1)))
        known = (memories[0].latent, memories[1].latent)
        part = stream.part("frame")
        latent = code_between(self.entropy_model, part, latent, prior, known, self.latent_channels, q)

        contexts = self.decoder_fusion(latent, moved, earlier, later)
        features = self.synthesis(latent, contexts, self.decoder_gain(self.rate_sampler, q))
        feature, picture = self.reconstruction(features, contexts[0])
        return Reference(picture.clamp(0, 1), replace(motion_memory, feature=feature, latent=latent))

    def _relation(self, earlier: Reference, later: Reference) -> Relation:
        """Return the flows between the references, halved; the decoder looks for them too."""
        return Relation(
            HALFWAY * self.motion_estimator(later.frame, earlier.frame),
            HALFWAY * self.motion_estimator(earlier.frame, later.frame),
        )

    def _flows(
        self, frame: Tensor, sides: tuple[Reference, Reference], stream: SymbolStream
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        to_earlier, to_later = (flows_at_scales(self.motion_estimator, frame, side.frame) for side in sides)
        stream.note("flow.earlier", to_earlier[0])
        stream.note("flow.later", to_later[0])
        return to_earlier, to_later
