"""What a codec must know of a picture's layout, beyond the number of its channels."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nvczoo.interfaces import Layout
from nvczoo.layers.warp import Warp, double_flow, warp

Move = Callable[[Tensor, Tensor], Tensor]  # of an image and a flow


@dataclass(frozen=True)
class FullGrid:
    """Three channels on the luma grid: ``rgb`` and ``yuv444``."""

    name: Layout = "yuv444"
    channels: int = 3
    spacing: int = 1  # luma samples between two places of the layout's grid

    def motion_view(self, image: Tensor) -> Tensor:
        """Return three channels to look for motion in: the image itself."""
        return image

    def luma(self, image: Tensor) -> Tensor:
        """Return luma or, of R'G'B', the mean of the three: [B, 3, H, W] -> [B, 1, H, W]."""
        return image[:, :1] if self.name == "yuv444" else image.mean(dim=1, keepdim=True)

    def warp(self, image: Tensor, flow: Tensor) -> Tensor:
        """Return the image moved by ``flow`` [B, 2, H, W]."""
        return warp(image, flow)


@dataclass(frozen=True)
class Packed420:
    """Six channels on the chroma grid: four luma samples, U, V."""

    name: Layout = "packed420"
    channels: int = 6
    spacing: int = 2

    def motion_view(self, image: Tensor) -> Tensor:
        """Return mean luma, U and V: [B, 6, H, W] -> [B, 3, H, W]."""
        return torch.cat((image[:, :4].mean(dim=1, keepdim=True), image[:, 4:]), dim=1)

    def luma(self, image: Tensor) -> Tensor:
        """Return luma at full size: [B, 6, H, W] -> [B, 1, 2H, 2W]."""
        return F.pixel_shuffle(image[:, :4], 2)

    def warp(self, image: Tensor, flow: Tensor) -> Tensor:
        """Return the image moved by ``flow`` in pixels of its grid: luma at full size, chroma at its own."""
        return _moved_420(image, flow, warp, warp)


class FrameWarp(nn.Module):
    """``warp`` of a layout as a module, so that arithmetic other than floating point can take its place."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.packed = layout == "packed420"
        self.luma = Warp()
        self.chroma = Warp() if self.packed else None

    def forward(self, image: Tensor, flow: Tensor) -> Tensor:
        """Return the image [B, C, H, W] moved by ``flow`` [B, 2, H, W] in pixels of the layout's grid."""
        if self.chroma is None:
            return self.luma(image, flow)
        return _moved_420(image, flow, self.luma, self.chroma)


def _moved_420(image: Tensor, flow: Tensor, luma: Move, chroma: Move) -> Tensor:
    full = luma(F.pixel_shuffle(image[:, :4], 2), double_flow(flow))
    return torch.cat((F.pixel_unshuffle(full, 2), chroma(image[:, 4:], flow)), dim=1)


LAYOUTS = {
    "packed420": Packed420(),
    "yuv444": FullGrid(),
    "rgb": FullGrid("rgb"),
}
