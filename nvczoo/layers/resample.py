"""Padding, and back."""

import torch
from torch import Tensor
from torch.nn import functional as F


def pad_to_multiple(x: Tensor, multiple: int) -> Tensor:
    """Return x [B, C, H, W] with its last row and column repeated until H and W are multiples."""
    height, width = x.shape[-2:]
    return F.pad(x, (0, -width % multiple, 0, -height % multiple), mode="replicate")


def crop(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Return the top left part of x [B, C, H, W] with (H, W) = ``size``."""
    return x[..., : size[0], : size[1]]


def with_border(x: Tensor) -> Tensor:
    """Return [B, C, H + 2, W + 2]: beyond the border stands what is next to it.

    By joining, which moves numbers and computes nothing: portable arithmetic knows that it is exact.
    """
    x = torch.cat((x[..., :1, :], x, x[..., -1:, :]), -2)
    return torch.cat((x[..., :1], x, x[..., -1:]), -1)
