"""Motion as a latent: analysis, entropy model with the previous latent as prior, synthesis."""

import torch
from torch import Tensor, nn

from nvczoo.interfaces import EntropyModel, RateSampler, SymbolStream
from nvczoo.layers import OnGrid, conv3, double

from .steps import LearnedSteps
from .transforms import LATENT_STRIDE, blocks

FLOW_UNIT = 4.0  # pixels; brings flows to order one
STEP_MIDDLE = 8.0
STEP_SPAN = 4.0  # motion need not follow the quality of the picture all the way


class MotionCodec(nn.Module):
    """Codes a flow field [B, 2, H, W] as a latent [B, channels, H/8, W/8]."""

    def __init__(
        self,
        entropy_model: EntropyModel,
        rate_sampler: RateSampler,
        channels: int,
        widths: tuple[int, ...] = (16, 32, 48),
    ) -> None:
        super().__init__()
        fine, middle, coarse = widths
        self.channels = channels
        self.entropy_model = entropy_model
        self.analysis = nn.Sequential(
            conv3(2, fine, stride=2),
            *blocks(fine, 1),
            conv3(fine, middle, stride=2),
            *blocks(middle, 1),
            conv3(middle, channels, stride=2),
        )
        self.synthesis = nn.Sequential(
            double(channels, coarse),
            *blocks(coarse, 1),
            double(coarse, middle),
            nn.LeakyReLU(),
            double(middle, 2),
        )
        self.encoder_steps = LearnedSteps(rate_sampler, channels, STEP_MIDDLE, STEP_SPAN)
        self.decoder_steps = LearnedSteps(rate_sampler, channels, 1 / STEP_MIDDLE, 1 / STEP_SPAN)
        self.settle = OnGrid()

    def code(
        self,
        stream: SymbolStream,
        flow: Tensor | None,
        previous_latent: Tensor | None,
        grid: tuple[int, int],
        rate_sampler: RateSampler,
        q: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Return the decoded flow [B, 2, H, W] and its latent; ``grid`` is (H, W)."""
        steps = self.encoder_steps(rate_sampler, q)
        height, width = (side // LATENT_STRIDE for side in grid)
        if previous_latent is None:
            previous_latent = torch.zeros(q.shape[0], self.channels, height, width, device=q.device)
        latent = None if flow is None else self.analysis(flow / FLOW_UNIT) * steps
        latent = self.entropy_model.code(stream, latent, (height, width), previous_latent * steps, q)
        latent = self.settle(latent * self.decoder_steps(rate_sampler, q))
        return self.synthesis(latent).float() * FLOW_UNIT, latent
