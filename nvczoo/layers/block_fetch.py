"""Displaced blocks that overlap, fetched between samples by a windowed sinc of many taps.

A P frame is predicted from one that was predicted itself, so that what interpolation blurs is lost again with
each frame. Over eight frames of mobile and calendar six lobes on each side end some 2 dB above the cubic of
four taps. Blocks as in Orchard and Sullivan, "Overlapped block motion compensation", IEEE Transactions on
Image Processing 1994; the window is Lanczos's (Duchon, "Lanczos filtering in one and two dimensions", Journal
of Applied Meteorology 1979).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .resample import with_border

LOBES = 6  # of the sinc on each side: twice as many taps
TAP_BITS = 12  # taps are integers that sum to two to that
WINDOW_STEPS = 4  # weights are in the middle of so many, so that sums of products have few bits
WINDOW_BITS = 6  # of the weights: products of two odd numbers of eighths
LONGEST = 1 << 14  # samples of a displacement; a picture has no longer side
BLOCKS_AT_ONCE = 1 << 12  # so that memory does not grow with the picture


class BlockFetch(nn.Module):
    """Moves images [B, C, H, W] by a field [B, 2, H/block, W/block]; see the module.

    Each place is predicted by the displacements of the four nearest blocks, the nearer the more. ``field`` is
    in samples of the image (right, down), of which ``precision`` parts are told apart; beyond the border
    stands what is next to it.
    """

    taps: Tensor  # [precision, 2 block, 2 block + 2 LOBES - 1]: one row for each sample of a fetched square
    window: Tensor  # [2 block, 2 block]: what a block counts in the square around it

    def __init__(self, block: int, precision: int) -> None:
        super().__init__()
        self.block, self.precision = block, precision
        taps, window = integer_taps(block, precision), integer_window(block)
        self.register_buffer("taps", taps.float() / 2**TAP_BITS, persistent=False)
        self.register_buffer("window", window.float() / 2**WINDOW_BITS, persistent=False)

    def forward(self, image: Tensor, field: Tensor) -> Tensor:
        """Return [B, C, H, W] in the type of the image, computed in float32."""
        with torch.autocast(image.device.type, enabled=False):
            return fetched(image.float(), field, self.taps, self.window).to(image.dtype)


def fetched(image: Tensor, field: Tensor, taps: Tensor, window: Tensor) -> Tensor:
    """Return what ``BlockFetch`` does, times the sums of ``taps`` and ``window``, in the image's type."""
    precision, block = len(taps), len(window) // 2
    units = (with_border(field) * precision).round().clamp(-LONGEST * precision, LONGEST * precision).long()
    whole, between = units.div(precision, rounding_mode="floor"), units.remainder(precision)
    rows = max(BLOCKS_AT_ONCE // whole.shape[-1], 1)
    parts = []
    for first in range(0, whole.shape[2], rows):
        strip = slice(first, first + rows)
        parts.append(_squares(image, first, whole[:, :, strip], between[:, :, strip], taps) * window)
    # Squares overlap by half: columns first, then rows, whose neighbours may be in another strip.
    halves = [part[..., :-1, :, block:] + part[..., 1:, :, :block] for part in parts]
    above = torch.cat([one[..., :block, :] for one in halves], 2)
    below = torch.cat([one[..., block:, :] for one in halves], 2)
    cells = below[:, :, :-1] + above[:, :, 1:]  # [B, C, h + 1, w + 1, block, block]
    joined = cells.transpose(3, 4).flatten(4, 5).flatten(2, 3)
    half = block // 2
    return joined[..., half : half + image.shape[-2], half : half + image.shape[-1]]


def denser(image: Tensor, times: int) -> Tensor:
    """Return the image [B, 1, H, W] with ``times - 1`` samples between two, by the same taps, float32."""
    taps = lanczos_taps(times).to(image.device, torch.float32) / 2**TAP_BITS
    for dim, shape in ((3, (times, 1, 1, -1)), (2, (times, 1, -1, 1))):
        around = (LOBES - 1, LOBES, 0, 0) if dim == 3 else (0, 0, LOBES - 1, LOBES)
        between = F.conv2d(F.pad(image, around, mode="replicate"), taps.view(shape))  # [B, times, H, W]
        image = between.movedim(1, dim).flatten(dim - 1, dim)[:, None]
        image = image.narrow(dim, 0, image.shape[dim] - times + 1)
    return image


def _squares(image: Tensor, first: int, whole: Tensor, between: Tensor, taps: Tensor) -> Tensor:
    """Return what blocks fetch of the squares around them, [B, C, h, w, 2 block, 2 block]."""
    batch, channels, height, width = image.shape
    side, reach = taps.shape[1:]
    block = side // 2
    beyond = torch.arange(reach, device=image.device) - block // 2 - (LOBES - 1)
    # Of the blocks with a border of one around them.
    down = torch.arange(first - 1, first - 1 + whole.shape[2], device=image.device) * block
    right = torch.arange(-1, whole.shape[3] - 1, device=image.device) * block
    rows = (whole[:, 1] + down[:, None])[..., None] + beyond
    columns = (whole[:, 0] + right)[..., None] + beyond
    places = rows.clamp(0, height - 1)[..., :, None] * width + columns.clamp(0, width - 1)[..., None, :]
    places = places.view(batch, 1, -1).expand(-1, channels, -1)
    seen = image.flatten(2).gather(2, places).view(batch, channels, *whole.shape[2:], reach, reach)
    across, along = (taps[one][:, None] for one in (between[:, 0], between[:, 1]))
    return along @ (seen @ across.mT)


def lanczos_taps(precision: int) -> Tensor:
    """Return the weights [precision, 2 LOBES] of the samples around each place between two, int64."""
    rows = []
    for place in range(precision):
        row = [_lanczos(tap - place / precision) for tap in range(1 - LOBES, LOBES + 1)]
        row = [round(one * 2**TAP_BITS / sum(row)) for one in row]
        row[row.index(max(row))] += 2**TAP_BITS - sum(row)  # rounding must not change what is flat
        rows.append(row)
    return torch.tensor(rows)


def integer_taps(block: int, precision: int) -> Tensor:
    """Return them at each sample of a square: [precision, 2 block, 2 block + 2 LOBES - 1], int64."""
    taps = torch.zeros(precision, 2 * block, 2 * block + 2 * LOBES - 1, dtype=torch.int64)
    rows = lanczos_taps(precision)
    for sample in range(2 * block):
        taps[:, sample, sample : sample + 2 * LOBES] = rows
    return taps


def integer_window(block: int) -> Tensor:
    """Return [2 block, 2 block] what a block counts in the square around it: 64 with three others."""
    steps = ((torch.arange(block) + 0.5) / block * WINDOW_STEPS).floor().long()
    rising = 2 * steps + 1  # eighths
    along = torch.cat((rising, 8 - rising))
    return along[:, None] * along


def _lanczos(distance: float) -> float:
    """Return the weight of a sample that far away."""
    if distance == 0:
        return 1.0
    turn = math.pi * distance
    return math.sin(turn) / turn * math.sin(turn / LOBES) / (turn / LOBES) if abs(distance) < LOBES else 0.0
