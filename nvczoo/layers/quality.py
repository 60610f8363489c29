"""Per-channel factors that follow ``q``: a learned vector, times learned numbers at the sampler's knots."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor, nn

from nvczoo.interfaces import Q_MAX, RateSampler

LEAST_BASIC = 0.5  # of the learned step of a channel

Gain = Callable[[RateSampler, int], nn.Module]  # of the sampler and the channels


class RateFactors(nn.Module, ABC):
    """Factors of channels that follow from ``q`` alone; what follows from one number can be tabulated."""

    @abstractmethod
    def forward(self, rate_sampler: RateSampler, q: Tensor) -> Tensor:
        """Return [B, C, 1, 1] for ``q`` [B]."""


class QualityShare(nn.Module):
    """Where ``q`` stands between its ends: what a network is told of it."""

    def forward(self, q: Tensor) -> Tensor:
        """Return [B, 1, 1, 1], 0 to 1, for ``q`` [B]."""
        return (q / Q_MAX).view(-1, 1, 1, 1)


class QualityGain(RateFactors):
    """basic [1, C, 1, 1] * scale(q): one vector for all rates, stretched by one number per rate."""

    def __init__(self, rate_sampler: RateSampler, channels: int) -> None:
        super().__init__()
        self.basic = nn.Parameter(torch.ones(1, channels, 1, 1))
        self.scale = nn.Parameter(torch.ones(rate_sampler.anchors, 1, 1, 1))

    def forward(self, rate_sampler: RateSampler, q: Tensor) -> Tensor:
        """Return [B, C, 1, 1] for ``q`` [B]."""
        return self.basic * rate_sampler.interpolate(self.scale.flatten(1), q)


class QualityStep(QualityGain):
    """The step of each channel at ``q``, its learned vector kept from falling below a half."""

    def forward(self, rate_sampler: RateSampler, q: Tensor) -> Tensor:
        """Return [B, C, 1, 1] for ``q`` [B]."""
        return self.basic.clamp_min(LEAST_BASIC) * rate_sampler.interpolate(self.scale.flatten(1), q)
