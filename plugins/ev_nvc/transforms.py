"""Analysis and synthesis: three halvings of the layout's grid, with context where there is some.

Intra and inter codec are made of the same transforms: without context channels they code a frame
on its own.
"""

from itertools import pairwise

from torch import Tensor, nn

from nvczoo.interfaces import Pyramid
from nvczoo.layers import ResidualBlock, conv3, double, join

NO_CONTEXT = (0, 0, 0)
LATENT_STRIDE = 8  # in pixels of the layout's grid


def blocks(channels: int, count: int) -> nn.Sequential:
    """Return ``count`` residual blocks."""
    return nn.Sequential(*(ResidualBlock(channels) for _ in range(count)))


class Analysis(nn.Module):
    """[B, image_channels, H, W] -> [B, latent_channels, H/8, W/8], meeting the context at each scale.

    Images are centred on zero.
    """

    def __init__(
        self,
        image_channels: int,
        widths: tuple[int, ...],
        latent_channels: int,
        context_channels: tuple[int, ...] = NO_CONTEXT,
    ) -> None:
        super().__init__()
        inputs = (image_channels, *widths[1:])
        outputs = (*widths[1:], latent_channels)
        self.enter = conv3(image_channels + context_channels[0], widths[0])
        self.refine = nn.ModuleList(ResidualBlock(width) for width in widths)
        merged = (widths[0], *(a + b for a, b in zip(inputs[1:], context_channels[1:], strict=True)))
        self.merge = nn.ModuleList(
            conv3(channels, width) if channels != width else nn.Identity()
            for channels, width in zip(merged, widths, strict=True)
        )
        self.halve = nn.ModuleList(conv3(a, b, stride=2) for a, b in zip(widths, outputs, strict=True))

    def forward(self, image: Tensor, context: Pyramid = ()) -> Tensor:
        """Return the latent, not yet scaled."""
        x = self.enter(_join(image, context, 0))
        for scale, (merge, refine, halve) in enumerate(zip(self.merge, self.refine, self.halve, strict=True)):
            x = x if scale == 0 else _join(x, context, scale)
            x = halve(refine(merge(x)))
        return x


class Synthesis(nn.Module):
    """[B, latent_channels, H/8, W/8] -> features [B, widths[0], H, W], meeting the context at each scale."""

    def __init__(
        self,
        latent_channels: int,
        widths: tuple[int, ...],
        depths: tuple[int, ...] = (1, 1, 1),
        context_channels: tuple[int, ...] = NO_CONTEXT,
    ) -> None:
        super().__init__()
        coarse_to_fine = (latent_channels, *reversed(widths))
        self.grow = nn.ModuleList(double(a, b) for a, b in pairwise(coarse_to_fine))
        self.merge = nn.ModuleList(
            conv3(width + context, width) if context else nn.Identity()
            for width, context in zip(reversed(widths), reversed(context_channels), strict=True)
        )
        self.refine = nn.ModuleList(
            blocks(width, depth) for width, depth in zip(reversed(widths), reversed(depths), strict=True)
        )

    def forward(self, latent: Tensor, context: Pyramid = (), gain: Tensor | None = None) -> Tensor:
        """Return features at full size; ``gain`` [B, widths[0], 1, 1] tunes them to the rate."""
        x = latent
        scales = range(len(self.grow) - 1, -1, -1)
        for scale, grow, merge, refine in zip(scales, self.grow, self.merge, self.refine, strict=True):
            x = grow(x)
            if scale == 0 and gain is not None:
                x = x * gain
            x = refine(merge(_join(x, context, scale)))
        return x


def _join(x: Tensor, context: Pyramid, scale: int) -> Tensor:
    """Return x with the context of that scale behind it, if there is one."""
    return join(x, context[scale]) if context else x
