"""What training minimises: bits per pixel plus the Lagrangian times distortion."""

import torch
from torch import Tensor
from torch.nn import functional as F

from nvczoo.evaluate.metrics import PEAK, SCALE_WEIGHTS, similarity
from nvczoo.interfaces import Layout
from nvczoo.train.stages import Colour, Distortion
from nvczoo.video.colour import BT709_FULL, doubled, rgb_image
from nvczoo.video.distortion import mse_611, mse_of_psnr_611, ycbcr

BALANCE = 0.5  # losses are divided by lagrangian**BALANCE, so that no end of the rates drowns the other
BALANCE_SCALE = 0.07  # keeps the balanced loss of order one
# One Lagrangian serves both distortions: CompressAI's published pairs of them, 0.0018 and 2.4 up to 0.0483
# and 60.5, differ by this factor.
MS_SSIM_SCALE = 1250.0
LEAST_FACTOR = 1e-4  # of MS-SSIM: powers below one have no gradient at zero


def balanced(cost: Tensor, lagrangian: Tensor) -> Tensor:
    """Return the mean of costs [B], each brought to order one by its Lagrangian [B]."""
    return (BALANCE_SCALE * cost * lagrangian**-BALANCE).mean()


def as_layout(packed: Tensor, layout: Layout) -> Tensor:
    """Return [B, C, h, w] in a codec's layout of ``packed420`` pictures [B, 6, H/2, W/2]."""
    if layout == "packed420":
        image = packed
    else:
        image = torch.cat((F.pixel_shuffle(packed[:, :4], 2), doubled(packed[:, 4:])), 1)
        image = rgb_image(image, BT709_FULL) if layout == "rgb" else image
    return image.contiguous(memory_format=torch.channels_last)


def rgb(image: Tensor, layout: Layout) -> Tensor:
    """Return R'G'B' [B, 3, H, W] in 0..1, with gradients."""
    image = image.float()
    if layout == "packed420":
        image = torch.cat((F.pixel_shuffle(image[:, :4], 2), doubled(image[:, 4:])), 1)
    return image if layout == "rgb" else rgb_image(image, BT709_FULL)


def mse_rgb(decoded: Tensor, original: Tensor, layout: Layout) -> Tensor:
    """Return [B]: the MSE of R', G' and B' on the 0..255 scale."""
    return (PEAK * (rgb(decoded, layout) - rgb(original, layout))).square().mean(dim=(1, 2, 3))


def ms_ssim(decoded: Tensor, original: Tensor) -> Tensor:
    """Return [B] of planes [B, C, H, W] in 0..1, as ``nvczoo.evaluate.metrics`` has it, with gradients."""
    pair = PEAK * torch.stack((original.float(), decoded.float()))
    product = torch.ones(pair.shape[1:3], device=pair.device)
    for scale, weight in enumerate(SCALE_WEIGHTS):
        luminance, contrast = similarity(pair)
        coarsest = scale == len(SCALE_WEIGHTS) - 1
        factor = ((luminance * contrast) if coarsest else contrast).mean(dim=(2, 3))
        product = product * factor.clamp_min(LEAST_FACTOR) ** weight
        if not coarsest:
            odd = [side % 2 for side in pair.shape[-2:]]
            pair = F.avg_pool2d(pair.flatten(0, 1), 2, padding=odd).unflatten(0, (2, -1))
    return product.mean(dim=1)


def distortion(
    decoded: Tensor, original: Tensor, layout: Layout, measure: Distortion = "mse", colour: Colour = "yuv"
) -> Tensor:
    """Return [B]: the distortion of pictures, of the order of an MSE on the 0..255 scale.

    In ``yuv``, MS-SSIM is of luma alone: chroma would need crops of twice the size for five scales.
    """
    if measure == "psnr":
        return mse_of_psnr_611(decoded, original, layout)
    if measure == "mse":
        return mse_611(decoded, original, layout) if colour == "yuv" else mse_rgb(decoded, original, layout)
    pair = [ycbcr(one, layout)[0] if colour == "yuv" else rgb(one, layout) for one in (decoded, original)]
    return MS_SSIM_SCALE * (1 - ms_ssim(*pair))


def psnr_of(mse: Tensor) -> float:
    """Return the PSNR in dB of a mean MSE."""
    return float(10 * torch.log10(PEAK**2 / mse.detach().mean()))
