"""What most conditional codecs keep of a decoded frame, beside the frame itself."""

from dataclasses import dataclass

from torch import Tensor

from nvczoo.interfaces import Reference


@dataclass(frozen=True)
class ConditionalMemory:
    """Features and latents of a decoded frame; None where its codec has no such thing."""

    feature: Tensor | None = None  # [B, C, H, W] in the layout's grid, before the picture was made of it
    latent: Tensor | None = None  # [B, C, h, w], dequantised
    motion_latent: Tensor | None = None  # [B, C, h, w], dequantised
    motion_feature: Tensor | None = None  # [B, C, H/4, W/4], on the way from motion latent to flow
    flow: Tensor | None = None  # [B, 2, H, W] in pixels of the layout's grid, as decoded


def memory_of(reference: Reference) -> ConditionalMemory:
    """Return what is remembered of a reference: nothing of an intra frame."""
    return reference.memory if isinstance(reference.memory, ConditionalMemory) else ConditionalMemory()
