"""What the references tell about the frame to be coded."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from torch import Tensor, nn

from nvczoo.interfaces.codec import Reference

Pyramid = tuple[Tensor, ...]  # feature maps [B, C_s, H/s, W/s], finest first


class ContextFuser(nn.Module, ABC):
    """Turns references and decoded motion into context for coding.

    Feature extraction, warping and fusion all belong here, so that short-term, long-term and
    two-sided fusers can take each other's place. Constructors take ``channels`` (one width per
    scale), ``image_channels`` and ``feature_channels`` by these names.
    """

    channels: tuple[int, ...]  # of each scale
    strides: tuple[int, ...]  # of each scale, in pixels of the layout's grid
    references_needed: int = 1  # further references are ignored
    levels: int = 1  # in the GOP that have weights of their own

    @abstractmethod
    def forward(
        self, references: Sequence[Reference], flows: Sequence[Tensor | None], level: int = 0
    ) -> Pyramid:
        """Return the context pyramid, given references (nearest first) and each one's flow or None.

        Flows are [B, 2, H, W] in pixels of the layout's grid, as decoded. ``memory`` of a reference
        is a ``ConditionalMemory`` or None.
        """
