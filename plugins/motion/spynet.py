"""SpyNet: a pyramid of small networks, each of which corrects the flow found at half its size.

Ranjan and Black, "Optical Flow Estimation using a Spatial Pyramid Network", CVPR 2017.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nvczoo.errors import SettingError
from nvczoo.interfaces import MotionEstimator
from nvczoo.layers import join, warp

from .spynet_start import can_start, start_from_brightness

LEAST_KERNEL = 5  # in which a derivative can be taken
PUBLISHED_WIDTHS = (32, 64, 32, 16)


class FlowCorrection(nn.Sequential):
    """One level: frame, warped reference and flow, 3 + 3 + 2 channels -> what to add to the flow."""

    def __init__(self, widths: Sequence[int], kernel: int) -> None:
        layers: list[nn.Module] = []
        for channels_in, channels_out in pairwise((8, *widths)):
            layers += [nn.Conv2d(channels_in, channels_out, kernel, padding=kernel // 2), nn.ReLU()]
        last = nn.Conv2d(widths[-1], 2, kernel, padding=kernel // 2)
        for parameter in last.parameters():
            nn.init.zeros_(parameter)  # the first guess is: nothing moved
        super().__init__(*layers, last)
        if kernel >= LEAST_KERNEL and can_start(widths):
            start_from_brightness([one for one in self if isinstance(one, nn.Conv2d)])


class SpyNet(MotionEstimator):
    """Estimates flow from coarse to fine.

    ``levels`` counts the pyramid's sizes, 1, 1/2, ...; the finest ``skip`` of them are left out,
    and the flow is doubled to full size instead: each costs four times the next. ``kernels`` has one size
    of convolutions per level, coarsest first, where they differ.
    """

    def __init__(
        self,
        levels: int = 4,
        skip: int = 0,
        widths: tuple[int, ...] = PUBLISHED_WIDTHS,
        kernel: int = 7,
        kernels: tuple[int, ...] = (),
    ) -> None:
        super().__init__()
        kernels = kernels or (kernel,) * (levels - skip)
        if len(kernels) != levels - skip:
            raise SettingError(
                f"kernels={kernels}: give one per level, coarsest first, {levels - skip} of them, or give "
                "kernel= for all"
            )
        self.skip = skip
        self.stride = 2 ** (levels - 1)
        self.levels = nn.ModuleList(FlowCorrection(widths, one) for one in kernels)

    def forward(self, frame: Tensor, reference: Tensor) -> Tensor:
        """Return flow [B, 2, H, W] in pixels (right, down), for images [B, 3, H, W] in 0..1."""
        pyramid = [(frame, reference)]
        for _ in range(len(self.levels) + self.skip - 1):
            pyramid.append((F.avg_pool2d(pyramid[-1][0], 2), F.avg_pool2d(pyramid[-1][1], 2)))
        batch, _, height, width = pyramid[-1][0].shape
        flow = torch.zeros(batch, 2, height, width, device=frame.device)
        for level, (current, past) in zip(self.levels, reversed(pyramid), strict=False):
            flow = _resize(flow, current.shape[-2:])
            flow = flow + level(join(current, warp(past, flow), flow.to(current.dtype)))
        return _resize(flow, frame.shape[-2:])


def _resize(flow: Tensor, size: torch.Size) -> Tensor:
    """Return the flow at ``size``: as it is, or doubled bilinearly in size and length."""
    if flow.shape[-2:] == size:
        return flow
    return 2 * F.interpolate(flow, size=size, mode="bilinear", align_corners=False)
