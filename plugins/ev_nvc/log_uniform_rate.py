"""The rate rule of DCVC-FM (CVPR 2024): everything geometric between two ends."""

import torch
from torch import Tensor

from nvczoo.interfaces import Q_MAX
from nvczoo.layers.rates import EvenRate


class LogUniformRate(EvenRate):
    """Draws ``q`` uniformly; Lagrangian and step sizes run geometrically between two ends."""

    anchors = 2

    def __init__(self, lowest: float = 0.0002, highest: float = 0.2) -> None:
        super().__init__(lowest, highest)

    def interpolate(self, anchors: Tensor, q: Tensor) -> Tensor:
        """Return step sizes [B, C, 1, 1] at ``q`` [B], geometric between the two rows of ``anchors``."""
        low, high = anchors.log()
        return torch.exp(low + (high - low) * (q / Q_MAX)[:, None])[:, :, None, None]
