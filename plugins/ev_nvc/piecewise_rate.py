"""PLS, the piecewise linear sampler of EV-NVC: five knots, four segments, linear in between.

EV-NVC (arXiv 2511.01590) publishes the idea and the four segments; knots, Lagrangians and weights
are decisions of ours.
"""

import torch
from torch import Tensor

from nvczoo.interfaces import Q_MAX, RateSampler

KNOTS = (0.0, 16.0, 32.0, 48.0, Q_MAX)
LAGRANGIANS = (0.0002, 0.001, 0.005, 0.025, 0.2)  # bits per pixel bought by one unit of MSE (0..255)
SEGMENT_WEIGHTS = (0.2, 0.2, 0.28, 0.32)  # heavier towards high rates, where linear models lag


class PiecewiseLinearRate(RateSampler):
    """Ties ``q`` to a Lagrangian and step sizes that are linear between knots."""

    knots: Tensor
    lagrangians: Tensor
    weights: Tensor

    def __init__(
        self,
        knots: tuple[float, ...] = KNOTS,
        lagrangians: tuple[float, ...] = LAGRANGIANS,
        weights: tuple[float, ...] = SEGMENT_WEIGHTS,
    ) -> None:
        super().__init__()
        if not len(knots) == len(lagrangians) == len(weights) + 1:
            raise ValueError(f"{len(knots)} knots need as many Lagrangians and one segment weight fewer")
        self.anchors = len(knots)
        self.register_buffer("knots", torch.tensor(knots), persistent=False)
        self.register_buffer("lagrangians", torch.tensor(lagrangians), persistent=False)
        self.register_buffer("weights", torch.tensor(weights), persistent=False)

    def draw(self, batch: int, generator: torch.Generator | None = None) -> Tensor:
        """Return ``q`` [batch]: a segment by weight, then uniform inside it."""
        segment = torch.multinomial(self.weights, batch, replacement=True, generator=generator)
        place = torch.rand(batch, generator=generator, device=self.knots.device)
        return torch.lerp(self.knots[segment], self.knots[segment + 1], place)

    def lagrangian(self, q: Tensor) -> Tensor:
        """Return [B]: linear in the logarithm inside a segment, so that no segment is lopsided."""
        return self._between(self.lagrangians.log()[:, None], q)[:, 0].exp()

    def interpolate(self, anchors: Tensor, q: Tensor) -> Tensor:
        """Return step sizes [B, C, 1, 1] at ``q`` [B], linear between their values at the knots [A, C]."""
        return self._between(anchors, q)[:, :, None, None]

    def _between(self, values: Tensor, q: Tensor) -> Tensor:
        """Return [B, C]: ``values`` [A, C] at ``q`` [B]."""
        segment = torch.bucketize(q, self.knots[1:-1], right=True)
        low, high = self.knots[segment], self.knots[segment + 1]
        place = ((q - low) / (high - low))[:, None]
        return values[segment] * (1 - place) + values[segment + 1] * place
