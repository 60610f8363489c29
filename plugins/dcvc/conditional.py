"""What the inter codecs of the family have in common: motion, contexts, a latent on condition of both."""

from abc import abstractmethod
from dataclasses import replace

from torch import Tensor, nn

from nvczoo.codec.memory import ConditionalMemory, memory_of
from nvczoo.interfaces import (
    ContextFuser,
    EntropyModel,
    InterCodec,
    Layout,
    MotionEstimator,
    Pyramid,
    Reference,
    Setting,
    SymbolStream,
)
from nvczoo.layers import LAYOUTS

LATENT_STRIDE = 16
PADDING_STRIDE = 64  # of the published models: the hyper latents come out even


class MotionCodec(nn.Module):
    """Codes a flow field as a latent."""

    @abstractmethod
    def code(
        self,
        stream: SymbolStream,
        flow: Tensor | None,
        reference: Reference,
        grid: tuple[int, int],
        q: Tensor,
    ) -> tuple[Tensor, ConditionalMemory]:
        """Return the decoded flow [B, 2, H, W], float32, and what to remember of it; ``grid`` is (H, W)."""


class ConditionalInter(InterCodec):
    """Codes a P frame from the last frame; a model of the family brings the networks."""

    motion: MotionCodec
    entropy_model: EntropyModel

    def __init__(
        self,
        motion_estimator: MotionEstimator,
        context_fuser: ContextFuser,
        layout: Layout,
        padding_stride: int = PADDING_STRIDE,
    ) -> None:
        super().__init__()
        self.grid = LAYOUTS[layout]
        self.layout, self.stride = layout, padding_stride * self.grid.spacing
        self.references_needed = context_fuser.references_needed
        self.motion_estimator = motion_estimator
        self.context_fuser = context_fuser

    @abstractmethod
    def analyse(self, frame: Tensor, contexts: Pyramid, q: Tensor) -> Tensor:
        """Return the latent of a frame, [B, C, H/16, W/16]."""

    @abstractmethod
    def prior(self, contexts: Pyramid, memory: ConditionalMemory) -> Tensor:
        """Return what the entropy model is told, [B, K, H/16, W/16]."""

    @abstractmethod
    def reconstruct(
        self, latent: Tensor, contexts: Pyramid, q: Tensor
    ) -> tuple[Tensor, Tensor | None, Tensor]:
        """Return the latent to remember, the feature to remember, and the picture, not clamped."""

    def code(
        self, frame: Tensor | None, references: tuple[Reference, ...], setting: Setting, stream: SymbolStream
    ) -> Reference:
        """Return the frame as the decoder has it, with features and latents as memory; see ``FrameCodec``."""
        previous, q = references[0], setting.q
        flow = None
        if frame is not None:
            view = self.grid.motion_view
            flow = self.motion_estimator(view(frame), view(previous.frame))
            stream.note("flow", flow)
        grid = (setting.size[0] // self.grid.spacing, setting.size[1] // self.grid.spacing)
        flow, memory = self.motion.code(stream.part("motion"), flow, previous, grid, q)
        stream.note("decoded_flow", flow)
        contexts = self.context_fuser(references, (flow,) + (None,) * (len(references) - 1), setting.level)

        latent = None if frame is None else self.analyse(frame, contexts, q)
        prior = self.prior(contexts, memory_of(previous))
        size = (grid[0] // LATENT_STRIDE, grid[1] // LATENT_STRIDE)
        latent = self.entropy_model.code(stream.part("frame"), latent, size, prior, q)
        latent, feature, picture = self.reconstruct(latent, contexts, q)
        return Reference(picture.clamp(0, 1), replace(memory, feature=feature, latent=latent))
