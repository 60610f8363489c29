"""How the DCVC family turns ``q`` into step sizes: geometrically, between learned anchors.

Lagrangians are those reported for DCVC-HEM and DCVC-DC: 85 to 840 against the MSE of pictures in 0..1.
"""

import torch
from torch import Tensor

from nvczoo.interfaces import Q_MAX
from nvczoo.layers.rates import EvenRate

WHITE = 255.0
LOWEST, HIGHEST = 85.0 / WHITE**2, 840.0 / WHITE**2


class GeometricRate(EvenRate):
    """Step sizes run geometrically from the first anchor to the last.

    Checkpoints of DCVC-HEM and DCVC-DC hold four anchors, of which only those two count.
    """

    def __init__(self, anchors: int = 2, lowest: float = LOWEST, highest: float = HIGHEST) -> None:
        super().__init__(lowest, highest)
        self.anchors = anchors

    def interpolate(self, anchors: Tensor, q: Tensor) -> Tensor:
        """Return step sizes [B, C, 1, 1] at ``q`` [B] from positive ones at the anchors [A, C]."""
        return _between(anchors[0], anchors[-1], q[:, None] / Q_MAX)[:, :, None, None]


class AnchoredRate(GeometricRate):
    """Step sizes pass through every anchor, equally spaced in ``q``, and are geometric between them."""

    def __init__(self, anchors: int = 4, lowest: float = LOWEST, highest: float = HIGHEST) -> None:
        super().__init__(anchors, lowest, highest)

    def interpolate(self, anchors: Tensor, q: Tensor) -> Tensor:
        """Return step sizes [B, C, 1, 1] at ``q`` [B] from positive ones at the anchors [A, C]."""
        place = q[:, None] * ((self.anchors - 1) / Q_MAX)
        segment = place[:, 0].floor().long().clamp(0, self.anchors - 2)
        low, high = anchors[segment], anchors[segment + 1]
        return _between(low, high, place - segment[:, None])[:, :, None, None]


def _between(low: Tensor, high: Tensor, place: Tensor) -> Tensor:
    """Return [B, C], geometric between ``low`` and ``high``; ``place`` [B, 1] runs from 0 to 1.

    Logarithms are rounded to float32 and all else is float64, as in the published code.
    """
    log_low, log_high = (anchor.double().log().float().double() for anchor in (low, high))
    return torch.exp(torch.lerp(log_low, log_high, place.double())).float()
