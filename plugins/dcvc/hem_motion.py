"""The motion codec of DCVC-HEM: the flow as a latent, told by the last frame's motion latent."""

from torch import Tensor, nn

from nvczoo.codec.memory import ConditionalMemory
from nvczoo.interfaces import EntropyModel, RateSampler, SymbolStream
from nvczoo.layers.quality import QualityStep

from .blocks import prior_context
from .hem_blocks import analysis, synthesis
from .hem_intra import LATENT_STRIDE


class HemMotion(nn.Module):
    """Codes a flow field [B, 2, H, W] as a latent [B, channels, H/16, W/16]."""

    def __init__(self, entropy_model: EntropyModel, rate_sampler: RateSampler, channels: int = 64) -> None:
        super().__init__()
        self.channels = channels
        self.entropy_model = entropy_model
        self.rate_sampler = rate_sampler
        self.analysis = analysis(2, channels)
        self.quality_step = QualityStep(rate_sampler, channels)
        self.synthesis = synthesis(channels, 2)

    def code(
        self,
        stream: SymbolStream,
        flow: Tensor | None,
        memory: ConditionalMemory,
        grid: tuple[int, int],
        q: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Return the decoded flow [B, 2, H, W] and its latent; ``grid`` is (H, W)."""
        height, width = (side // LATENT_STRIDE for side in grid)
        step = self.quality_step(self.rate_sampler, q)
        latent = None if flow is None else self.analysis(flow) / step
        shape = (q.shape[0], self.channels, height, width)
        context = prior_context(self.entropy_model, None, memory.motion_latent, shape, q)
        latent = step * self.entropy_model.code(stream, latent, (height, width), context, q)
        return self.synthesis(latent).float(), latent
