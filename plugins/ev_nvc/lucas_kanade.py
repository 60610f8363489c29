"""Refinement of a flow by least squares, where there are gradients to tell and where it helps.

Lucas and Kanade, "An iterative image registration technique with an application to stereo vision", IJCAI
1981. It has nothing to learn, runs at the encoder alone, and finds what networks leave of a pixel.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from nvczoo.layers import double_flow, warp

RADIUS = 3  # of windows, in pixels of the flow's grid; blurred twice
FLOOR = 2e-4  # of squared gradients: flat windows stay as they are
LONGEST = 1.0  # step, in pixels of the flow's grid


def refined(flow: Tensor, current: Tensor, reference: Tensor, steps: int) -> Tensor:
    """Return a better flow [B, 2, h, w] from ``reference`` to ``current``, luma [B, 1, H, W].

    Luma is as large as the flow or twice as large; the flow is in pixels of its own grid. Gradients go
    through to the flow as it was, as if nothing had been added.
    """
    return flow + _correction(flow.detach(), current, reference, steps)


@torch.no_grad()
def _correction(flow: Tensor, current: Tensor, reference: Tensor, steps: int) -> Tensor:
    """Return what to add to the flow."""
    current, reference = current.float().contiguous(), reference.float().contiguous()
    doubled = current.shape[-1] != flow.shape[-1]

    def moved_by(one: Tensor) -> Tensor:
        return warp(reference, double_flow(one) if doubled else one)

    def summed(x: Tensor) -> Tensor:
        return _blurred(F.avg_pool2d(x, 2) if doubled else x, RADIUS)

    best = flow.float()
    moved = moved_by(best)
    error = summed((moved - current).square())
    for _ in range(steps):
        step = _least_squares(moved, current - moved, summed) * (0.5 if doubled else 1.0)
        tried = best + _blurred(step.clamp(-LONGEST, LONGEST), 1)
        there = summed((moved_by(tried) - current).square())
        better = there < error
        best, error = torch.where(better, tried, best), torch.where(better, there, error)
        moved = moved_by(best)
    return best - flow


def _least_squares(moved: Tensor, missing: Tensor, summed: Callable[[Tensor], Tensor]) -> Tensor:
    """Return the step [B, 2, h, w] that cancels most of ``missing`` in each window, in pixels of luma."""
    right, down = torch.gradient(moved, dim=(3, 2))
    products = (right * right, right * down, down * down, right * missing, down * missing)
    a, b, c, d, e = summed(torch.cat(products, 1)).unbind(1)
    a, c = a + FLOOR, c + FLOOR
    determinant = a * c - b * b  # at least FLOOR squared
    return torch.stack(((c * d - b * e) / determinant, (a * e - b * d) / determinant), 1)


def _blurred(x: Tensor, radius: int) -> Tensor:
    """Return x after two box filters: nearly a Gaussian, in time that does not grow with the radius."""
    for _ in range(2):
        x = F.avg_pool2d(F.pad(x, (radius,) * 4, mode="replicate"), 2 * radius + 1, stride=1)
    return x
