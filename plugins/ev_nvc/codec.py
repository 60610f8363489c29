"""The inter codec of EV-NVC: motion, context, and a latent coded on condition of both.

arXiv 2511.01590 publishes SpyNet, LSTFFM, PLS and the conditional pipeline; layers, widths, the
entropy models and the prediction that the reconstruction starts from are decisions of ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from nvczoo.codec.memory import ConditionalMemory, memory_of
from nvczoo.interfaces import (
    THOROUGH,
    ContextFuser,
    EntropyModel,
    InterCodec,
    Layout,
    MotionEstimator,
    Planner,
    Pyramid,
    RateSampler,
    Reference,
    Setting,
    SymbolStream,
)
from nvczoo.layers import LAYOUTS, OnGrid, conv3, join

from .block_transform import BlockTransform
from .compensation import OverlappedWarp
from .latent_descent import Descent, descend, released, worth_in_bits
from .motion_field import MotionField, worth_a_bit
from .propagation import Propagation
from .steps import LearnedSteps
from .transforms import LATENT_STRIDE, Analysis, Synthesis
from .windows import Pair

STEP_MIDDLE = 14.0  # steps of 1/14 in an orthonormal transform are worth about 34 dB
NETWORKS_GAIN = 0.02  # what is left of their random start, beside the transform
STEP_SPAN = 10.0  # between the encoder's steps at both ends of q, before training
# The transform is nearly orthonormal: without rounding the latent is where it should be.
DESCENT = Descent(smooth=0, rounded=6, worth=2.5)


@dataclass(frozen=True)
class _Known:
    """What both sides know of a frame before its latent."""

    prediction: Tensor  # [B, C, H, W]
    context: Pyramid
    prior: Tensor  # [B, K, H/8, W/8]
    q: Tensor  # [B]

    def released(self) -> _Known:
        """Return the same for gradients to pass."""
        context = tuple(released(one) for one in self.context)
        return _Known(released(self.prediction), context, released(self.prior), released(self.q))


class EvNvc(InterCodec):
    """Codes a P frame from the last frame and, if its fuser asks for one, a long-term reference."""

    def __init__(
        self,
        motion_estimator: MotionEstimator,
        context_fuser: ContextFuser,
        rate_sampler: RateSampler,
        entropy_model: EntropyModel,
        motion_entropy_model: EntropyModel,
        widths: tuple[int, ...] = (16, 32, 64),
        latent_channels: int = 128,
        prior_channels: int = 64,
        layout: Layout = "packed420",
    ) -> None:
        super().__init__()
        self.grid = LAYOUTS[layout]
        self.layout, self.stride = layout, LATENT_STRIDE * self.grid.spacing
        self.references_needed = context_fuser.references_needed
        self.latent_channels = latent_channels
        self.rate_sampler = rate_sampler
        self.motion_estimator = motion_estimator
        self.motion_field = MotionField(motion_entropy_model)
        self.compensate = OverlappedWarp(layout)
        self.context_fuser = context_fuser
        self.entropy_model = entropy_model
        context = context_fuser.channels
        self.analysis = Analysis(2 * self.grid.channels, widths, latent_channels, context)
        self.temporal_prior = conv3(context[2], prior_channels, stride=2)
        self.prior_gain = LearnedSteps(rate_sampler, prior_channels)
        self.synthesis = Synthesis(latent_channels, widths, (1, 1, 0), context)
        self.synthesis_gain = LearnedSteps(rate_sampler, widths[0])
        self.exit = conv3(widths[0], self.grid.channels)
        self.lead = conv3(context[0], self.grid.channels, gain=0.01)
        self.gate = LearnedSteps(rate_sampler, self.grid.channels)
        self.blocks = BlockTransform(self.grid.channels, latent_channels)
        self.encoder_steps = LearnedSteps(rate_sampler, latent_channels, STEP_MIDDLE, STEP_SPAN)
        self.decoder_steps = LearnedSteps(rate_sampler, latent_channels, 1 / STEP_MIDDLE, 1 / STEP_SPAN)
        self.settle, self.settle_prediction = OnGrid(), OnGrid()

    def code(
        self, frame: Tensor | None, references: tuple[Reference, ...], setting: Setting, stream: SymbolStream
    ) -> Reference:
        """Return the frame as the decoder has it, with feature and latents as memory; see ``FrameCodec``."""
        previous, q = references[0], setting.q
        memory = memory_of(previous)

        field = self._motion(frame, previous.frame, memory.motion_latent, setting, stream)
        prediction, flow = self.compensate(previous.frame, field), self.compensate.flow(field)
        stream.note("decoded_flow", flow)
        stream.note("prediction", prediction)
        context = self.context_fuser(references, (flow,) + (None,) * (len(references) - 1), setting.level)

        prediction = self.settle_prediction(prediction + self.lead(context[0]))
        steps = self.encoder_steps(self.rate_sampler, q)
        prior = self.temporal_prior(context[2]) * self.prior_gain(self.rate_sampler, q)
        prior = join(prior, self._previous_latent(memory, prior) * steps)
        known = _Known(prediction, context, prior, q)
        latent = None
        if frame is not None:
            latent = self._analyse(frame, prediction, context) * steps
            if setting.effort >= THOROUGH:
                latent = self._improved(latent, frame, known, setting.worth)
        decoded, feature, coded = self._decoded(latent, known, stream.part("frame"))
        return Reference(decoded, ConditionalMemory(feature, coded, field))

    def _decoded(
        self, latent: Tensor | None, known: _Known, stream: SymbolStream
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Code the latent; return the picture that it gives, a feature, and the latent as decoded."""
        q, rate, context = known.q, self.rate_sampler, known.context
        size = (known.prior.shape[2], known.prior.shape[3])
        coded = self.entropy_model.code(stream, latent, size, known.prior, q)
        coded = self.settle(coded * self.decoder_steps(rate, q))
        feature = self.synthesis(coded, context, self.synthesis_gain(rate, q))
        corrected = known.prediction + self.blocks.synthesise(coded)
        return (corrected + self.exit(feature) * self.gate(rate, q)).clamp(0, 1), feature, coded

    def _improved(self, latent: Tensor, frame: Tensor, known: _Known, weights: Tensor | None) -> Tensor:
        """Return a latent that is more worth its bits."""
        frame, known = released(frame), known.released()
        worth = worth_in_bits(self.rate_sampler.lagrangian(known.q), self.layout, weights)
        return descend(
            DESCENT, latent, lambda one, stream: self._decoded(one, known, stream)[0], frame, worth
        )

    def _motion(
        self,
        frame: Tensor | None,
        reference: Tensor,
        before: Tensor | None,
        setting: Setting,
        stream: SymbolStream,
    ) -> Tensor:
        """Return the decoded displacements of blocks; ``before`` are those of the reference."""
        field = None
        if frame is not None:
            view, luma, reference = self.grid.motion_view, self.grid.luma, reference.detach()
            flow = self.motion_estimator(view(frame), view(reference))
            stream.note("flow", flow)
            noise = worth_a_bit(self.rate_sampler.lagrangian(setting.q))
            pair = Pair(luma(frame), luma(reference), noise)
            field = self.motion_field.find(flow, pair, before, setting.q, setting.effort)
        return self.motion_field.code(stream.part("motion"), field, before, setting.size, setting.q)

    def _previous_latent(self, memory: ConditionalMemory, like: Tensor) -> Tensor:
        """Return the last frame's latent, or zeros after an intra frame."""
        if memory.latent is not None:
            return memory.latent
        batch, _, height, width = like.shape
        return torch.zeros(batch, self.latent_channels, height, width, device=like.device)

    def _analyse(self, frame: Tensor, prediction: Tensor, context: Pyramid) -> Tensor:
        """Return the latent of a frame on condition of its prediction and the context."""
        missed = frame - prediction
        return self.blocks.analyse(missed) + self.analysis(join(missed, frame - 0.5), context)

    def planner(self) -> Planner:
        """Return what follows errors from frame to frame."""
        return Propagation(self.layout, self.rate_sampler)

    @torch.no_grad()
    def start_from(self, clips: Tensor) -> None:
        """Start as a classical transform codec of the differences of neighbouring frames."""
        self.blocks.start_from((clips[:, 1:] - clips[:, :-1]).flatten(0, 1))
        for layer in (self.analysis.halve[-1], self.exit):  # networks begin beside it, small
            assert isinstance(layer, nn.Conv2d)
            layer.weight *= NETWORKS_GAIN
