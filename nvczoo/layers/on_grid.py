"""Where numbers return to a grid in the portable form of a network; see docs/decisions/0007."""

from torch import Tensor, nn

MEAN_FRACTION = 8  # bits behind the point that a mean may have: symbols of 16 bits are added to it in 24


class OnGrid(nn.Module):
    """Return what comes in; in portable arithmetic on 16 bits, at most ``most_fraction`` behind the point.

    It stands where products would otherwise need more and more bits from frame to frame, and before what is
    added to symbols, which leave room for few bits behind the point.
    """

    def __init__(self, most_fraction: int | None = None) -> None:
        super().__init__()
        self.most_fraction = most_fraction

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x``."""
        return x
