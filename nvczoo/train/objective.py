"""What training minimises: bits per pixel plus the Lagrangian times distortion."""

from dataclasses import dataclass

import torch
from torch import Tensor

LUMA_WEIGHT = 6 / 8  # MSE and PSNR are weighed 6:1:1 for Y, U, V
CHROMA_WEIGHT = 1 / 8
BALANCE = 0.5  # losses are divided by lagrangian**BALANCE, so that no end of the rates drowns the other
BALANCE_SCALE = 0.07  # keeps the balanced loss of order one


@dataclass(frozen=True)
class FrameLoss:
    """The cost of one coded frame, per batch element."""

    bpp: Tensor  # [B], bits per luma sample
    mse: Tensor  # [B], 6:1:1, on the 0..255 scale

    def balanced(self, lagrangian: Tensor) -> Tensor:
        """Return the mean balanced rate-distortion cost for Lagrangians [B]."""
        cost = self.bpp + lagrangian * self.mse
        return (BALANCE_SCALE * cost * lagrangian**-BALANCE).mean()


def mse_611(decoded: Tensor, original: Tensor) -> Tensor:
    """Return [B]: the MSE of ``packed420`` pictures, weighed 6:1:1, on the 0..255 scale."""
    square = (255 * (decoded.float() - original)).square().mean(dim=(2, 3))  # [B, 6]
    return LUMA_WEIGHT * square[:, :4].mean(dim=1) + CHROMA_WEIGHT * square[:, 4:].sum(dim=1)


def frame_loss(decoded: Tensor, original: Tensor, bits: Tensor) -> FrameLoss:
    """Return the cost of a ``packed420`` frame [B, 6, H/2, W/2] that took ``bits`` [B]."""
    luma_samples = 4 * original.shape[-2] * original.shape[-1]
    return FrameLoss(bits / luma_samples, mse_611(decoded, original))


def mean_psnr(mse: Tensor) -> float:
    """Return the PSNR in dB of the mean MSE."""
    return float(10 * torch.log10(255**2 / mse.detach().mean()))
