"""Generalised divisive normalisation: each channel divided by what all channels at its place amount to.

Ballé, Laparra and Simoncelli, "Density modeling of images using a generalized normalization
transformation", ICLR 2016; the parameters are stored as CompressAI and the DCVC family store them.
"""

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

PEDESTAL = 2.0**-36  # of the stored squares: gradients do not vanish at zero
LEAST_BETA = (1e-6 + PEDESTAL) ** 0.5  # keeps the norm from zero
LEAST_GAMMA = PEDESTAL**0.5
INITIAL_GAMMA = 0.1  # of a channel for itself


class _AtLeast(torch.autograd.Function):
    """A lower bound whose gradient still lifts what lies below it."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, bound: float) -> Tensor:
        ctx.save_for_backward(values)
        ctx.bound = bound
        return values.clamp_min(bound)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (values,) = ctx.saved_tensors
        (gradient,) = gradients
        return gradient * ((values >= ctx.bound) | (gradient < 0)), None


class GDN(nn.Module):
    """x_i / sqrt(beta_i + sum_j gamma_ij x_j^2), or times that root with ``inverse``."""

    def __init__(self, channels: int, inverse: bool = False) -> None:
        super().__init__()
        self.inverse = inverse
        self.beta = nn.Parameter((torch.ones(channels) + PEDESTAL).sqrt())
        self.gamma = nn.Parameter((INITIAL_GAMMA * torch.eye(channels) + PEDESTAL).sqrt())

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, C, H, W] for [B, C, H, W]."""
        beta, gamma = _raised(self.beta, LEAST_BETA), _raised(self.gamma, LEAST_GAMMA)
        norm = F.conv2d(x * x, gamma[:, :, None, None].to(x.dtype), beta.to(x.dtype))
        return x * (norm.sqrt() if self.inverse else norm.rsqrt())


IGDN = partial(GDN, inverse=True)


def _raised(stored: Tensor, bound: float) -> Tensor:
    return _AtLeast.apply(stored, bound).square() - PEDESTAL
