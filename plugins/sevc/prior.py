"""The prior of SEVC's enhancement layer: four passes, told by the context alone.

Bian et al., "Augmented deep contexts for spatially embedded video coding" (SEVC), CVPR 2025.
"""

import torch
from torch import Tensor, nn

from nvczoo.entropy.capped import CappedLaplace
from nvczoo.entropy.four_part import PASSES, FourPartPrior
from nvczoo.interfaces import SymbolStream
from nvczoo.layers.depthwise import depthwise_block


class ContextFourPartPrior(FourPartPrior):
    """Codes a latent in four passes without a hyper latent: what is known must be in the context."""

    def __init__(self, channels: int = 128, context_channels: int = 256) -> None:
        super().__init__()
        self.distribution = CappedLaplace
        self.known = max(context_channels, 1)  # without any context: one map of zeros
        triple = 3 * channels
        self.fusion = nn.Sequential(depthwise_block(self.known, triple), depthwise_block(triple, triple))
        self.adaptors = nn.ModuleList(nn.Conv2d(4 * channels, triple, 1) for _ in range(PASSES - 1))
        self.spatial = nn.Sequential(
            depthwise_block(triple, triple),
            depthwise_block(triple, triple),
            depthwise_block(triple, 2 * channels),
        )
        self._start(self.fusion)

    def code(
        self,
        stream: SymbolStream,
        latent: Tensor | None,
        size: tuple[int, int],
        context: Tensor | None = None,
        q: Tensor | None = None,
    ) -> Tensor:
        """Return the latent as the decoder has it, [B, channels, h, w]; see ``EntropyModel``."""
        if context is None:
            batch = next((one.shape[0] for one in (latent, q) if one is not None), 1)
            context = torch.zeros(batch, self.known, *size, device=next(self.parameters()).device)
        return self.code_given(stream, latent, self.fusion(context))
