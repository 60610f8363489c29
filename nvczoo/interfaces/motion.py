"""How a frame has moved since its reference."""

from abc import ABC, abstractmethod

from torch import Tensor, nn


class MotionEstimator(nn.Module, ABC):
    """Finds, for each pixel of a frame, the place in the reference it came from."""

    stride: int = 1  # H and W must be multiples of this

    @abstractmethod
    def forward(self, frame: Tensor, reference: Tensor) -> Tensor:
        """Return flow [B, 2, H, W] in pixels, (right, down), for images [B, 3, H, W] in 0..1."""
