"""How far pictures of a codec are off, plane by plane, with gradients."""

import torch
from torch import Tensor
from torch.nn import functional as F

from nvczoo.interfaces import Layout
from nvczoo.video.colour import BT709_FULL, halved, ycbcr_image

PEAK = 255.0
PLANE_WEIGHTS = (6 / 8, 1 / 8, 1 / 8)  # of MSE and PSNR, for Y, U, V
LEAST_MSE = 0.1  # of a plane, 58 dB: exacter ones shall not outweigh the others for their logarithm


def ycbcr(image: Tensor, layout: Layout) -> tuple[Tensor, Tensor]:
    """Return luma [B, 1, H, W] and chroma [B, 2, H/2, W/2] in 0..1, with gradients."""
    image = image.float()
    if layout == "packed420":
        return F.pixel_shuffle(image[:, :4], 2), image[:, 4:]
    image = ycbcr_image(image, BT709_FULL) if layout == "rgb" else image
    return image[:, :1], halved(image[:, 1:])


def plane_errors(decoded: Tensor, original: Tensor, layout: Layout) -> Tensor:
    """Return [B, 3]: the MSE of Y, U and V on the 0..255 scale."""
    pairs = zip(ycbcr(decoded, layout), ycbcr(original, layout), strict=True)
    return torch.cat([(PEAK * (mine - theirs)).square().mean(dim=(2, 3)) for mine, theirs in pairs], 1)


def mse_611(decoded: Tensor, original: Tensor, layout: Layout = "packed420") -> Tensor:
    """Return [B]: the MSE of Y, U and V, weighed 6:1:1, on the 0..255 scale."""
    errors = plane_errors(decoded, original, layout)
    return _weighed(errors)


def mse_of_psnr_611(decoded: Tensor, original: Tensor, layout: Layout = "packed420") -> Tensor:
    """Return [B]: the MSE whose PSNR is that of Y, U and V, weighed 6:1:1: their geometric mean.

    PSNR is measured so, and rewards a plane that is exact already, as chroma is, more than ``mse_611`` does.
    """
    errors = plane_errors(decoded, original, layout).clamp_min(LEAST_MSE)
    return _weighed(errors.log()).exp()


def _weighed(planes: Tensor) -> Tensor:
    """Return [B] of [B, 3]; not a matrix product, which autocast would take in bfloat16."""
    return (planes * planes.new_tensor(PLANE_WEIGHTS)).sum(1)
