"""Keeping no more of a large picture in memory than is still needed."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

STRIP_PIXELS = 1 << 18  # with 192 channels of float32, 0.2 GB


def one_by_one(modules: Iterable[nn.Module], x: Tensor) -> Tensor:
    """Return x after all modules; unlike ``nn.Sequential`` it does not keep its input until the end."""
    for module in modules:
        x = module(x)
    return x


def in_strips(pointwise: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Return ``pointwise(x)``, [B, C, H, W], of what treats every pixel alone, such as 1x1 convolutions.

    Without gradients a large picture is done in strips of rows, so that what is wide on the way is never
    there whole.
    """
    height, width = x.shape[2:]
    rows = max(1, STRIP_PIXELS // width)
    if height <= rows or torch.is_grad_enabled():
        return pointwise(x)
    first = pointwise(x[:, :, :rows])
    shape = (*first.shape[:2], height, width)
    found = torch.empty(shape, dtype=first.dtype, device=x.device, memory_format=torch.channels_last)
    found[:, :, :rows] = first
    for top in range(rows, height, rows):
        found[:, :, top : top + rows] = pointwise(x[:, :, top : top + rows])
    return found
