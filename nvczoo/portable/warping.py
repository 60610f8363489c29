"""Motion compensation with positions on a sub-pixel grid and integer weights."""

import torch
from torch import Tensor

from nvczoo.portable import kernels
from nvczoo.portable.grid import Grid, nearest
from nvczoo.portable.kernels import WHOLE, rounding
from nvczoo.portable.module import PortableModule

SUBPIXEL_BITS = 8  # 1/256 pixel: an image of 16 bits then needs 32, which float64 has
FIRST_TAP = 0  # of two in each direction, as the table of weights has them
MOST_PIXELS = 1 << 14  # of a flow; a picture has no longer side


class PortableWarp(PortableModule):
    """out(p) = image(p + flow(p)), bilinear, clamped to the picture: ``nvczoo.layers.warp`` on grids.

    The flow is rounded to 2**-subpixel pixels, so the four weights are integers that sum to
    4**subpixel; an image of 16 bits then needs 16 + 2 * subpixel bits, and one rounding.
    """

    weights: Tensor

    def __init__(self, grid: Grid, subpixel: int = SUBPIXEL_BITS) -> None:
        super().__init__(grid, grid)
        self.subpixel = subpixel
        whole = 1 << subpixel
        table = [[float(whole - place), float(place)] for place in range(whole)]
        self.register_buffer(
            "weights", torch.tensor(table, dtype=torch.float64).T.contiguous(), persistent=False
        )

    def forward(self, image: Tensor, flow: Tensor) -> Tensor:
        """Return [B, C, H, W], float32, for an image [B, C, H, W] and a flow [B, 2, H, W] (right, down)."""
        if self.quick and flow.dtype == torch.float32 and kernels.apply(image, flow):
            return self._in_passes(image, flow)
        batch, channels, height, width = image.shape
        columns, right = self._places(flow[:, 0], width, dim=2)
        rows, below = self._places(flow[:, 1], height, dim=1)
        whole = 1 << self.subpixel
        pixels = self.source.units(image).double().permute(0, 2, 3, 1).reshape(-1, channels)
        first = torch.arange(batch, device=image.device).view(-1, 1, 1) * (height * width)
        moved = torch.zeros((), dtype=torch.float64, device=image.device)
        for down, weight_down in ((0, whole - below), (1, below)):
            row = first + (rows + down).clamp(max=height - 1) * width
            for across, weight_across in ((0, whole - right), (1, right)):
                place = row + (columns + across).clamp(max=width - 1)
                weight = (weight_down * weight_across).double().reshape(-1, 1)
                moved = moved + pixels[place.reshape(-1)] * weight
        units = nearest(moved * 4.0**-self.subpixel)  # between the four: never off the grid
        return (units * self.source.step).float().view(batch, height, width, channels).permute(0, 3, 1, 2)

    def _in_passes(self, image: Tensor, flow: Tensor) -> Tensor:
        """Return the same: one pass over the image to its units, and one that fetches."""
        units = kernels.settled(image, [rounding(self.source, WHOLE)])
        back = rounding(self.source, self.source.step, source=self.source.step * 4.0**-self.subpixel)
        most = float(MOST_PIXELS << self.subpixel)
        return kernels.fetched(units, flow, self.weights, FIRST_TAP, most, back)

    def _places(self, shift: Tensor, size: int, dim: int) -> tuple[Tensor, Tensor]:
        """Return, for a flow [B, H, W], whole coordinates and the sub-pixels beyond them, int64."""
        most = MOST_PIXELS << self.subpixel
        units = nearest(shift * 2.0**self.subpixel).clamp(-most, most)
        shape = [1, 1, 1]
        shape[dim] = size
        start = torch.arange(size, device=shift.device).view(shape) << self.subpixel
        place = (start + units.long()).clamp(0, (size - 1) << self.subpixel)
        return place >> self.subpixel, place & ((1 << self.subpixel) - 1)
