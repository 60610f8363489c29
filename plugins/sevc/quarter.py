"""Pictures at a quarter of their width and height, by the bicubic kernel with anti-aliasing.

Bian et al., "Augmented deep contexts for spatially embedded video coding" (SEVC), CVPR 2025.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

SCALE = 4
REACH = 2 * SCALE  # input samples on either side of an output sample's centre


def quarter(image: Tensor) -> Tensor:
    """Return [B, C, ceil(H / 4), ceil(W / 4)], rows first, not clamped: it may leave 0..1 a little.

    Output sample i lies at input position 4 i + 1.5; samples beyond the border are mirrored.
    """
    channels = image.shape[1]
    weights = torch.from_numpy(_weights()).to(image.device)
    for dimension, shape, stride in ((2, (-1, 1), (SCALE, 1)), (3, (1, -1), (1, SCALE))):
        kernel = weights.view(1, 1, *shape).expand(channels, 1, *weights.view(shape).shape)
        image = F.conv2d(_mirrored(image.float(), dimension), kernel, stride=stride, groups=channels)
    return image


def quarter_size(size: tuple[int, int]) -> tuple[int, int]:
    """Return (h, w) of a picture (H, W) at a quarter of its size."""
    return -(-size[0] // SCALE), -(-size[1] // SCALE)


def pad_with_zeros(image: Tensor, multiple: int) -> Tensor:
    """Return the image with zeros on the right and at the bottom until H and W are multiples."""
    height, width = image.shape[-2:]
    return F.pad(image, (0, -width % multiple, 0, -height % multiple))


def _weights() -> np.ndarray:
    """Return the cubic kernel, a = -0.5, at the distances of 16 input samples, in quarters; float32."""
    away = np.abs(np.arange(2 * REACH) - REACH + 0.5) / SCALE
    near = 1.5 * away**3 - 2.5 * away**2 + 1
    far = -0.5 * away**3 + 2.5 * away**2 - 4 * away + 2
    weights = np.where(away <= 1, near, far)
    return (weights / weights.sum()).astype(np.float32)


def _mirrored(image: Tensor, dimension: int) -> Tensor:
    """Return the image with as many samples around it as the kernel needs: ..., x1, x0, x0, x1, ..."""
    length = image.shape[dimension]
    before = REACH - SCALE // 2
    last = SCALE * (-(-length // SCALE) - 1) + REACH + SCALE // 2
    at = torch.arange(-before, last, device=image.device) % (2 * length)
    return image.index_select(dimension, torch.minimum(at, 2 * length - 1 - at))
