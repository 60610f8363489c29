"""Rates that are even on a logarithmic scale, as most families train them."""

import math

import torch
from torch import Tensor

from nvczoo.interfaces import Q_MAX, RateSampler


class EvenRate(RateSampler):
    """Draws ``q`` uniformly; the Lagrangian runs geometrically from ``lowest`` to ``highest``."""

    device_marker: Tensor

    def __init__(self, lowest: float, highest: float) -> None:
        super().__init__()
        self.lowest, self.highest = lowest, highest
        self.register_buffer("device_marker", torch.empty(0), persistent=False)

    def draw(self, batch: int, generator: torch.Generator | None = None) -> Tensor:
        """Return ``q`` [batch], uniform from 0 to Q_MAX."""
        return Q_MAX * torch.rand(batch, generator=generator, device=self.device_marker.device)

    def lagrangian(self, q: Tensor) -> Tensor:
        """Return [B]: ``lowest`` at q = 0, ``highest`` at Q_MAX, geometric between."""
        return self.lowest * torch.exp(q / Q_MAX * math.log(self.highest / self.lowest))
