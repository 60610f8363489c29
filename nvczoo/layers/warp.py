"""Motion compensation: fetching each pixel from where it was."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def warp(image: Tensor, flow: Tensor) -> Tensor:
    """Return out(p) = image(p + flow(p)), bilinear, coordinates clamped to the picture.

    ``image`` [B, C, H, W]; ``flow`` [B, 2, H, W] in pixels (right, down).
    """
    height, width = image.shape[-2:]
    column = torch.linspace(-1, 1, width, device=flow.device).view(1, 1, width)
    row = torch.linspace(-1, 1, height, device=flow.device).view(1, height, 1)
    right, down = flow.float().unbind(1)  # positions need more than bfloat16's eight bits
    grid = torch.stack(
        (column + right / (max(width - 1, 1) / 2), row + down / (max(height - 1, 1) / 2)), dim=-1
    )
    sampled = F.grid_sample(image.float(), grid, padding_mode="border", align_corners=True)
    return sampled.to(image.dtype)


class Warp(nn.Module):
    """``warp`` as a module, so that arithmetic other than floating point can take its place."""

    def forward(self, image: Tensor, flow: Tensor) -> Tensor:
        """Return out(p) = image(p + flow(p)); see ``warp``."""
        return warp(image, flow)


def halve_flow(flow: Tensor) -> Tensor:
    """Return the flow of the picture at half size: [B, 2, H, W] -> [B, 2, H/2, W/2]."""
    return F.avg_pool2d(flow, 2) / 2


def double_flow(flow: Tensor) -> Tensor:
    """Return the flow of the picture at twice the size: [B, 2, H, W] -> [B, 2, 2H, 2W]."""
    planes = flow.contiguous()  # two channels interleaved take seven times as long
    return 2 * F.interpolate(planes, scale_factor=2, mode="bilinear", align_corners=False)
