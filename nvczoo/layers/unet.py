"""A small U-Net over any kind of block."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from nvczoo.layers.residual import pointwise_double
from nvczoo.layers.strips import one_by_one

Block = Callable[[int, int], nn.Module]  # of channels in and out
WIDTHS = (32, 64, 128)  # at 1, 1/2 and 1/4
REFINEMENTS = 4


def max_pool(channels: int) -> nn.Module:
    """Return a halving that keeps the largest of 2x2."""
    del channels
    return nn.MaxPool2d(2)


class UNet(nn.Module):
    """Three sizes down, four blocks at the bottom, and up again past what was there on the way."""

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        block: Block,
        refine: Block | None = None,  # at the bottom; ``block`` if not given
        halve: Callable[[int], nn.Module] = max_pool,
    ) -> None:
        super().__init__()
        fine, middle, coarse = WIDTHS
        refine = refine or block
        self.enter = nn.ModuleList((block(channels_in, fine), block(fine, middle), block(middle, coarse)))
        self.halve = nn.ModuleList((halve(fine), halve(middle)))
        self.refine = nn.Sequential(*(refine(coarse, coarse) for _ in range(REFINEMENTS)))
        self.grow = nn.ModuleList((pointwise_double(middle, fine), pointwise_double(coarse, middle)))
        self.merge = nn.ModuleList((block(2 * fine, channels_out), block(2 * middle, middle)))

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, channels_out, H, W] for [B, channels_in, H, W], H and W multiples of 4."""
        fine = self.enter[0](x)
        middle = self.enter[1](self.halve[0](fine))
        coarse = self.refine(self.enter[2](self.halve[1](middle)))
        middle = self.merge[1](torch.cat((middle, self.grow[1](coarse)), dim=1))
        told = [torch.cat((fine, self.grow[0](middle)), dim=1)]
        del fine, middle, coarse  # the last merge needs the most memory
        merge = self.merge[0]
        return one_by_one(merge if isinstance(merge, nn.Sequential) else (merge,), told.pop())
