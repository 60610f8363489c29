"""A head start for SpyNet: each level begins as a crude gradient-based estimator.

Brightness constancy says T = X u + Y v, with T the difference in time and X, Y the derivatives in space.
|T + X| - |T - X| has the sign of the product T X and the size of the smaller, and rectified convolutions
can say it; summed over a neighbourhood it points where the motion goes. Networks of this size that begin
with random weights look for such products for thousands of steps, and find nothing but zero flow. A
decision of ours.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

FRAME, REFERENCE = 0, 3  # the channels of luma, or of red: the first of either picture
STEP = 20.0  # brings slopes of natural pictures, 0.05 per pixel, to order one
FIRST_GUESS = 0.5  # pixels per unit of evidence: less than it is worth, so that no level overshoots
SIDE_GAIN = 0.3  # what all other weights keep of their random start
DERIVATIVE_WIDTH, WINDOW_WIDTH = 0.8, 2.0  # standard deviations in pixels
FEATURES = 14  # channels that the first layer needs, and of the second those in SUMS
SUMS = 7


def can_start(widths: Sequence[int]) -> bool:
    """Whether layers of these widths have room for the estimator."""
    return len(widths) > 1 and widths[0] >= FEATURES and min(widths[1:]) >= SUMS


@torch.no_grad()
def start_from_brightness(convolutions: Sequence[nn.Conv2d]) -> None:
    """Set the weights of one level: at least two layers with ReLU between, and a last one of two channels."""
    first, second, *middle, last = convolutions
    for one in (first, second, *middle):
        one.weight *= SIDE_GAIN
        if one.bias is not None:
            one.bias.zero_()  # where nothing moved, nothing is found
    first.weight[:FEATURES] = STEP * _features(first.kernel_size[0])
    second.weight[:SUMS] = _sums(second)
    centre = last.kernel_size[0] // 2
    for one in middle:
        one.weight[:SUMS] = 0
        for channel in range(SUMS):
            one.weight[channel, channel, centre, centre] = 1
    last.weight.zero_()
    for axis in range(2):
        last.weight[axis, 2 * axis, centre, centre] = FIRST_GUESS
        last.weight[axis, 2 * axis + 1, centre, centre] = -FIRST_GUESS


def _features(size: int) -> Tensor:
    """Return [14, 8, size, size]: both signs of T + X, T - X, T + Y, T - Y, X, Y and T."""
    smooth, slope = _gaussian(size, DERIVATIVE_WIDTH), _slope(size)
    time, right, down = (torch.zeros(8, size, size) for _ in range(3))
    time[FRAME] = torch.outer(smooth, smooth)
    time[REFERENCE] = -time[FRAME]
    for channel in (FRAME, REFERENCE):
        right[channel] = torch.outer(smooth, slope) / 2
        down[channel] = torch.outer(slope, smooth) / 2
    found = (time + right, time - right, time + down, time - down, right, down, time)
    return torch.stack([sign * one for one in found for sign in (1, -1)])


def _sums(layer: nn.Conv2d) -> Tensor:
    """Return [7, C, k, k]: evidence for right, left, down and up, and the sums of |X|, |Y| and |T|."""
    window = _gaussian(layer.kernel_size[0], WINDOW_WIDTH)
    window = torch.outer(window, window)
    weight = torch.zeros(SUMS, *layer.weight.shape[1:])
    for axis in range(2):
        for sign in range(2):
            weight[2 * axis, 4 * axis + sign] = window
            weight[2 * axis, 4 * axis + 2 + sign] = -window
        weight[2 * axis + 1] = -weight[2 * axis]
    for number in range(3):
        for sign in range(2):
            weight[4 + number, 8 + 2 * number + sign] = window
    return weight


def _places(size: int) -> Tensor:
    return torch.arange(size) - (size - 1) / 2


def _gaussian(size: int, width: float) -> Tensor:
    weights = (-((_places(size) / width) ** 2) / 2).exp()
    return weights / weights.sum()


def _slope(size: int) -> Tensor:
    """Return a smoothed derivative whose answer to a slope of one per pixel is one."""
    weights = _places(size) * _gaussian(size, DERIVATIVE_WIDTH)
    return weights / (weights * _places(size)).sum()
