"""What is kept of a frame in two layers."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor

from nvczoo.codec.memory import ConditionalMemory
from nvczoo.interfaces import Reference

LATENTS_KEPT = 3


@dataclass(frozen=True)
class SevcMemory:
    """The base layer's reference, and what the enhancement layer remembers."""

    base: Reference
    feature: Tensor | None = None  # [B, C, H, W]
    latents: tuple[Tensor, ...] = ()  # [B, C, H/16, W/16] of the last frames, oldest first

    def after_reset(self) -> SevcMemory:
        """Return what a refresh leaves: all but the features of both layers."""
        memory = self.base.memory
        if isinstance(memory, ConditionalMemory):
            memory = replace(memory, feature=None)
        return replace(self, base=replace(self.base, memory=memory), feature=None)

    def latents_with(self, latent: Tensor) -> tuple[Tensor, ...]:
        """Return the latents to keep once there is another one."""
        return (*self.latents, latent)[-LATENTS_KEPT:]
