"""The codecs of DCVC-FM: those of DCVC-DC with other blocks, any rate in one model, and a refresh.

Li, Li and Lu, "Neural video compression with feature modulation" (DCVC-FM), CVPR 2024.
"""

from dataclasses import dataclass, replace
from functools import partial

from torch import Tensor

from nvczoo.codec.memory import ConditionalMemory
from nvczoo.interfaces import (
    ContextFuser,
    EntropyModel,
    Layout,
    MotionEstimator,
    RateSampler,
    Reference,
    Setting,
    SymbolStream,
)
from nvczoo.layers.depthwise import gated_block
from nvczoo.layers.unet import UNet

from .dc import DcInter
from .dc_intra import DcIntra
from .fm_blocks import (
    PatchDown,
    RateGain,
    RowGain,
    patch_half,
    product_block,
    same_width_block,
    two_slope_block,
)
from .published_keys import FM_INTER, FM_INTRA


@dataclass(frozen=True)
class RefreshedMemory(ConditionalMemory):
    """What is kept of a frame; a reset drops the feature alone."""

    def after_reset(self) -> "RefreshedMemory":
        """Return what a reset leaves: the latents, and the features of the motion."""
        return replace(self, feature=None)


class FmIntra(DcIntra):
    """Codes a frame on its own; a row of gains for every quality index chooses the rate."""

    published = FM_INTRA
    block = staticmethod(product_block)
    halve = PatchDown
    gain = RowGain
    unet = staticmethod(partial(UNet, block=gated_block, halve=patch_half))

    def __init__(
        self,
        entropy_model: EntropyModel,
        rate_sampler: RateSampler,
        widths: tuple[int, ...] = (128, 192, 256),
        latent_channels: int = 256,
        layout: Layout = "yuv444",
    ) -> None:
        super().__init__(entropy_model, rate_sampler, widths, latent_channels, layout)


class FmInter(DcInter):
    """Codes a P frame from the last frame."""

    published = FM_INTER
    block = staticmethod(two_slope_block)
    contextual_block = staticmethod(same_width_block)
    gain = RateGain

    def __init__(
        self,
        motion_estimator: MotionEstimator,
        context_fuser: ContextFuser,
        rate_sampler: RateSampler,
        entropy_model: EntropyModel,
        motion_entropy_model: EntropyModel,
        latent_channels: int = 128,
        motion_channels: int = 64,
        layout: Layout = "yuv444",
    ) -> None:
        super().__init__(
            motion_estimator,
            context_fuser,
            rate_sampler,
            entropy_model,
            motion_entropy_model,
            latent_channels,
            motion_channels,
            layout,
        )

    def code(
        self, frame: Tensor | None, references: tuple[Reference, ...], setting: Setting, stream: SymbolStream
    ) -> Reference:
        """Return the frame as the decoder has it, with a memory that outlives a reset; see ``FrameCodec``."""
        decoded = super().code(frame, references, setting, stream)
        kept = decoded.memory
        assert isinstance(kept, ConditionalMemory)
        memory = RefreshedMemory(kept.feature, kept.latent, kept.motion_latent, kept.motion_feature)
        return Reference(decoded.frame, memory)
