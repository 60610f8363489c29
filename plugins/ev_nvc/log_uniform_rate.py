"""The rate rule of DCVC-FM (CVPR 2024): everything geometric between two ends."""

import math

import torch
from torch import Tensor

from nvczoo.interfaces import Q_MAX, RateSampler


class LogUniformRate(RateSampler):
    """Draws ``q`` uniformly; Lagrangian and step sizes run geometrically between two ends."""

    anchors = 2
    device_marker: Tensor

    def __init__(self, lowest: float = 0.0002, highest: float = 0.2) -> None:
        super().__init__()
        self.lowest, self.highest = lowest, highest
        self.register_buffer("device_marker", torch.empty(0), persistent=False)

    def draw(self, batch: int, generator: torch.Generator | None = None) -> Tensor:
        """Return ``q`` [batch], uniform from 0 to Q_MAX."""
        return Q_MAX * torch.rand(batch, generator=generator, device=self.device_marker.device)

    def lagrangian(self, q: Tensor) -> Tensor:
        """Return [B]: ``lowest`` at q = 0, ``highest`` at Q_MAX."""
        return self.lowest * torch.exp(q / Q_MAX * math.log(self.highest / self.lowest))

    def interpolate(self, anchors: Tensor, q: Tensor) -> Tensor:
        """Return step sizes [B, C, 1, 1] at ``q`` [B], geometric between the two rows of ``anchors``."""
        low, high = anchors.log()
        return torch.exp(low + (high - low) * (q / Q_MAX)[:, None])[:, :, None, None]
