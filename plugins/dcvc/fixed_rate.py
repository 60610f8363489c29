"""The rate of models that have one network per rate: ``q`` says what it is trained for, and no more.

Lagrangians are those of DCVC and DCVC-TCM: 256, 512, 1024, 2048 against the MSE of pictures in 0..1, which
are ``q`` 0, 21, 42 and 63.
"""

import torch
from torch import Tensor

from nvczoo.interfaces import Q_MAX

from .geometric_rate import WHITE, GeometricRate


class FixedRate(GeometricRate):
    """Training draws one ``q``; step sizes are the same at every ``q``."""

    def __init__(
        self, trained_at: float = Q_MAX, lowest: float = 256 / WHITE**2, highest: float = 2048 / WHITE**2
    ) -> None:
        super().__init__(1, lowest, highest)
        self.trained_at = trained_at

    def draw(self, batch: int, generator: torch.Generator | None = None) -> Tensor:
        """Return ``q`` [batch], all of them the one to train for."""
        del generator
        return torch.full((batch,), float(self.trained_at), device=self.device_marker.device)
