"""Step sizes learned at the knots of the rate sampler."""

import math

import torch
from torch import Tensor, nn

from nvczoo.interfaces import RateSampler
from nvczoo.layers import RateFactors


class LearnedSteps(RateFactors):
    """Positive per-channel factors as a function of ``q``: a vector at each knot, interpolated between.

    Before training the factors have the geometric mean ``middle``, and ``span`` is the ratio of the
    last knot's to the first one's. A latent
    multiplied by its steps and rounded has a distortion of about 1 / (12 steps**2), so the square
    root of the Lagrangians' ratio is the natural span of an encoder.
    """

    def __init__(
        self, rate_sampler: RateSampler, channels: int, middle: float = 1.0, span: float = 1.0
    ) -> None:
        super().__init__()
        ramp = math.log(middle) + math.log(span) * torch.linspace(-0.5, 0.5, rate_sampler.anchors)
        self.log_steps = nn.Parameter(ramp[:, None].repeat(1, channels))

    def forward(self, rate_sampler: RateSampler, q: Tensor) -> Tensor:
        """Return [B, C, 1, 1] for ``q`` [B]."""
        return rate_sampler.interpolate(self.log_steps.exp(), q)
