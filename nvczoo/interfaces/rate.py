"""How one number, ``q``, becomes a rate."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

Q_MIN = 0.0
Q_MAX = 63.0  # both ends are legal, and so is every real number between them


class RateSampler(nn.Module, ABC):
    """Ties the quality index ``q`` (0..63, larger is better) to a Lagrangian and to learned step sizes."""

    anchors: int  # how many knots a codec must learn step sizes for

    @abstractmethod
    def draw(self, batch: int, generator: torch.Generator | None = None) -> Tensor:
        """Return ``q`` [batch] for a training step."""

    @abstractmethod
    def lagrangian(self, q: Tensor) -> Tensor:
        """Return [B]: the weight of the MSE (0..255 scale) against bits per pixel, for ``q`` [B]."""

    @abstractmethod
    def interpolate(self, anchors: Tensor, q: Tensor) -> Tensor:
        """Return step sizes [B, C, 1, 1] at ``q`` [B] from positive ones at the knots [A, C]."""
