"""The estimate that CompressAI's models are trained on: likelihoods with a floor under them.

Tables and rows are those of the plain distributions.
"""

import torch
from torch import Tensor

from nvczoo.entropy.capped import Floored
from nvczoo.entropy.distributions import SQRT_HALF, Gaussian

LEAST_LIKELIHOOD = 1e-9  # no symbol costs more than 29.9 bits
LEAST_DEVIATION = 0.11  # below this a Gaussian rounds to zero with p > 0.99999


def likelihood_bits(likelihood: Tensor) -> Tensor:
    """Return the bits of symbols of this likelihood, 0 to 29.9."""
    return -torch.log2(likelihood.clamp_min(LEAST_LIKELIHOOD))


class FlooredGaussian(Floored, Gaussian):
    """Gaussian whose symbols cost 29.9 bits at most; the scale is the standard deviation."""

    def __init__(self, scale: Tensor, floor: float = LEAST_DEVIATION) -> None:
        super().__init__(scale, floor)

    def below(self, x: Tensor) -> Tensor:
        """Return the mass below ``x``; exact in the far tail of negative ``x``."""
        return 0.5 * torch.erfc(x / self.raised * -SQRT_HALF)

    def bits(self, symbols: Tensor) -> Tensor:
        """Return the estimated bits of each symbol, 0 to 29.9."""
        distance = symbols.float().abs()
        return likelihood_bits(self.below(0.5 - distance) - self.below(-0.5 - distance))
