"""The motion codec of DCVC-DC: the flow as a latent, told by the features of the last flow's decoding."""

import torch
from torch import Tensor, nn

from nvczoo.codec.memory import ConditionalMemory
from nvczoo.interfaces import EntropyModel, RateSampler, SymbolStream
from nvczoo.layers import conv3
from nvczoo.layers.depthwise import depthwise_block
from nvczoo.layers.quality import Gain, QualityGain
from nvczoo.layers.residual import ResidualDown, ResidualUp, pointwise_double
from nvczoo.layers.unet import Block

from .blocks import prior_context

LATENT_STRIDE = 16


class DcMotion(nn.Module):
    """Codes a flow field [B, 2, H, W] as a latent [B, channels, H/16, W/16]."""

    def __init__(
        self,
        entropy_model: EntropyModel,
        rate_sampler: RateSampler,
        channels: int = 64,
        block: Block = depthwise_block,
        gain: Gain = QualityGain,
    ) -> None:
        super().__init__()
        self.channels = channels
        self.entropy_model = entropy_model
        self.rate_sampler = rate_sampler
        wide = channels, channels
        self.analysis_fine = nn.Sequential(ResidualDown(2, channels), block(*wide))
        self.encoder_gain = gain(rate_sampler, channels)
        self.analysis_middle = ResidualDown(*wide)
        self.join_without_feature = block(*wide)
        self.join = block(2 * channels, channels)
        self.analysis_coarse = nn.Sequential(
            ResidualDown(*wide), block(*wide), conv3(channels, channels, stride=2)
        )
        self.synthesis_coarse = nn.Sequential(
            block(*wide),
            ResidualUp(*wide),
            block(*wide),
            ResidualUp(*wide),
            block(*wide),
        )
        self.synthesis_middle = ResidualUp(*wide)
        self.decoder_gain = gain(rate_sampler, channels)
        self.synthesis_fine = nn.Sequential(block(*wide), pointwise_double(channels, 2))

    def code(
        self,
        stream: SymbolStream,
        flow: Tensor | None,
        memory: ConditionalMemory,
        grid: tuple[int, int],
        q: Tensor,
    ) -> tuple[Tensor, ConditionalMemory]:
        """Return the decoded flow [B, 2, H, W] and what to remember of it; ``grid`` is (H, W)."""
        height, width = (side // LATENT_STRIDE for side in grid)
        latent = None if flow is None else self._analyse(flow, memory.motion_feature, q)
        shape = (q.shape[0], self.channels, height, width)
        context = prior_context(self.entropy_model, None, memory.motion_latent, shape, q)
        latent = self.entropy_model.code(stream, latent, (height, width), context, q)
        feature = self.synthesis_coarse(latent)
        gain = self.decoder_gain(self.rate_sampler, q)
        decoded = self.synthesis_fine(self.synthesis_middle(feature) * gain)
        return decoded.float(), ConditionalMemory(motion_latent=latent, motion_feature=feature)

    def _analyse(self, flow: Tensor, feature: Tensor | None, q: Tensor) -> Tensor:
        """Return the latent of a flow; ``feature`` [B, channels, H/4, W/4] is of the last flow's decoding."""
        x = self.analysis_fine(flow) * self.encoder_gain(self.rate_sampler, q)
        x = self.analysis_middle(x)
        x = self.join_without_feature(x) if feature is None else self.join(torch.cat((x, feature), dim=1))
        return self.analysis_coarse(x)
