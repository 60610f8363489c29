"""Motion compensation with positions on a sub-pixel grid and integer weights."""

import torch
from torch import Tensor

from nvczoo.portable import kernels
from nvczoo.portable.grid import Grid, nearest
from nvczoo.portable.kernels import WHOLE, rounding
from nvczoo.portable.module import PortableModule

SUBPIXEL_BITS = 8  # 1/256 pixel
WEIGHT_BITS = 12  # of what the weights of the taps sum up to
MOST_PIXELS = 1 << 14  # of a flow; a picture has no longer side


class PortableWarp(PortableModule):
    """out(p) = image(p + flow(p)), clamped to the picture: ``nvczoo.layers.warp`` on grids.

    The flow is rounded to 2**-subpixel pixels, and a table has the integer weights of the taps at each place
    between two pixels, which sum to 2**WEIGHT_BITS. An image of 16 bits then needs 40 bits at most. There is
    one rounding.
    """

    weights: Tensor

    def __init__(self, grid: Grid, subpixel: int = SUBPIXEL_BITS) -> None:
        super().__init__(grid, grid)
        self.subpixel = subpixel
        self.register_buffer("weights", tap_weights(subpixel), persistent=False)

    def forward(self, image: Tensor, flow: Tensor) -> Tensor:
        """Return [B, C, H, W], float32, for an image [B, C, H, W] and a flow [B, 2, H, W] (right, down)."""
        if self.quick and flow.dtype == torch.float32 and kernels.apply(image, flow):
            return self._in_passes(image, flow)
        batch, channels, height, width = image.shape
        columns, right = self._places(flow[:, 0], width, dim=2)
        rows, below = self._places(flow[:, 1], height, dim=1)
        pixels = self.source.units(image).double().permute(0, 2, 3, 1).reshape(-1, channels)
        first = torch.arange(batch, device=image.device).view(-1, 1, 1) * (height * width)
        moved = torch.zeros((), dtype=torch.float64, device=image.device)
        for down, weight_down in enumerate(self.weights):
            row = first + (rows + down).clamp(0, height - 1) * width
            for across, weight_across in enumerate(self.weights):
                place = row + (columns + across).clamp(0, width - 1)
                weight = (weight_down[below] * weight_across[right]).reshape(-1, 1)
                moved = moved + pixels[place.reshape(-1)] * weight
        units = nearest(moved * 4.0**-WEIGHT_BITS).clamp_(self.source.least, self.source.most)
        return (units * self.source.step).float().view(batch, height, width, channels).permute(0, 3, 1, 2)

    def _in_passes(self, image: Tensor, flow: Tensor) -> Tensor:
        """Return the same: one pass over the image to its units, and one that fetches."""
        units = kernels.settled(image, [rounding(self.source, WHOLE)])
        back = rounding(self.source, self.source.step, source=self.source.step * 4.0**-WEIGHT_BITS)
        most = float(MOST_PIXELS << self.subpixel)
        return kernels.fetched(units, flow, self.weights, 0, most, back)

    def _places(self, shift: Tensor, size: int, dim: int) -> tuple[Tensor, Tensor]:
        """Return, for a flow [B, H, W], whole coordinates and the sub-pixels beyond them, int64."""
        most = MOST_PIXELS << self.subpixel
        units = nearest(shift * 2.0**self.subpixel).clamp(-most, most)
        shape = [1, 1, 1]
        shape[dim] = size
        start = torch.arange(size, device=shift.device).view(shape) << self.subpixel
        beyond = 2 << self.subpixel  # from there on all taps are at the border
        place = (start + units.long()).clamp(-beyond, ((size - 1) << self.subpixel) + beyond)
        return place >> self.subpixel, place & ((1 << self.subpixel) - 1)


def tap_weights(subpixel: int) -> Tensor:
    """Return the weights [2, 2**subpixel] of both taps for each place, float64 of integers."""
    places = range(1 << subpixel)
    whole = 1 << WEIGHT_BITS
    step = whole >> subpixel
    rows = [[whole - step * place, step * place] for place in places]
    return torch.tensor(rows, dtype=torch.float64).T.contiguous()
