"""Coding a latent place by place: each is told what was decoded above it and to its left.

Minnen, Ballé and Toderici, "Joint autoregressive and hierarchical priors for learned image
compression", NeurIPS 2018. Places are taken in wavefronts: a place looks no further than two columns
ahead in the rows above, so that each row can follow three places behind the one before it. All places
with the same ``column + 3 * row`` are coded in one step: the values are those of raster order, in
``width + 3 * (height - 1)`` steps instead of ``width * height``.
"""

from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nvczoo.interfaces import Distribution, SymbolStream
from nvczoo.layers.conv import conv

KERNEL = 5
MARGIN = KERNEL // 2  # places above, and to either side, that are looked at
DELAY = MARGIN + 1  # wavefronts from a row to the next
TAPS = tuple(divmod(tap, KERNEL) for tap in range(KERNEL * MARGIN + MARGIN))  # row and column in the kernel

Guess = tuple[Tensor, Tensor]  # scales and means
Distributed = Callable[[Tensor], Distribution]


class CausalConv(nn.Module):
    """A 5x5 convolution that looks at the two rows above, and at two places to the left."""

    mask: Tensor

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        made = conv(channels_in, channels_out, KERNEL)
        assert made.bias is not None
        self.weight, self.bias = made.weight, made.bias
        mask = torch.zeros(KERNEL, KERNEL)
        for row, column in TAPS:
            mask[row, column] = 1
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, channels_out, H, W] for [B, channels_in, H, W], all places at once."""
        return F.conv2d(x, self.weight * self.mask, self.bias, padding=MARGIN)

    def taps(self) -> Tensor:
        """Return the weights that count, [channels_out, 12 * channels_in], tap by tap."""
        chosen = [self.weight[:, :, row, column] for row, column in TAPS]
        return torch.cat(chosen, dim=1)


class SerialGuess(nn.Module):
    """Scales and means of each place: from what both sides are told, and from what is decoded around it."""

    def __init__(self, spatial: CausalConv, fusion: nn.Sequential, scales_first: bool) -> None:
        super().__init__()
        self.spatial = spatial
        self.fusion = fusion  # 1x1 convolutions with activations between
        self.scales_first = scales_first

    def everywhere(self, told: Tensor, decoded: Tensor) -> Guess:
        """Return scales and means [B, C, h, w] if ``decoded`` is known as a whole."""
        found = self.fusion(torch.cat((told, self.spatial(decoded)), dim=1)).float()
        return self._parts(found, dim=1)

    def at_places(self, told: Tensor, seen: Tensor, taps: Tensor) -> Guess:
        """Return scales and means [B, n, C] for ``told`` [B, n, K] and what each place sees [B, n, 12 C]."""
        x = torch.cat((told, F.linear(seen, taps, self.spatial.bias)), dim=-1)
        for layer in self.fusion:
            x = F.linear(x, layer.weight.flatten(1), layer.bias) if isinstance(layer, nn.Conv2d) else layer(x)
        return self._parts(x.float(), dim=-1)

    def _parts(self, found: Tensor, dim: int) -> Guess:
        first, second = found.chunk(2, dim)
        return (first, second) if self.scales_first else (second, first)


def code_serially(
    stream: SymbolStream,
    values: Tensor | None,
    told: Tensor,
    guess: SerialGuess,
    distribution: Distributed,
) -> Tensor:
    """Return values as the decoder has them, [B, C, h, w]: integers plus means.

    ``values`` are None when decoding; ``told`` [B, K, h, w] is known to both sides.
    """
    batch, _, height, width = told.shape
    taps = guess.spatial.taps()
    channels = taps.shape[1] // len(TAPS)
    wide = width + 2 * MARGIN
    decoded = told.new_zeros(batch, (height + MARGIN) * wide, channels, dtype=torch.float32)
    told = told.flatten(2).transpose(1, 2).contiguous()
    given = None if values is None else values.float().flatten(2).transpose(1, 2)
    kept: list[tuple[Tensor, Tensor]] = []
    wavefronts = _wavefronts(height, width, told.device)
    for places, inside, around in wavefronts:
        seen = decoded[:, around].flatten(2)  # [B, n, 12, C] -> [B, n, 12 C]
        scales, means = guess.at_places(told[:, places], seen.to(told.dtype), taps)
        centred = None if given is None else given[:, places] - means
        symbols = stream.code("latent", centred, distribution(scales))
        kept.append((symbols.detach(), scales.detach()))
        decoded[:, inside] = symbols + means
    order = torch.cat([places for places, _, _ in wavefronts]).argsort()
    for name, parts in zip(("symbols", "scales"), zip(*kept, strict=True), strict=True):
        stream.note(name, _plane(torch.cat(parts, dim=1)[:, order], height, width))
    whole = _plane(decoded, height + MARGIN, wide)[:, :, MARGIN:, MARGIN:-MARGIN]
    return whole.contiguous(memory_format=torch.channels_last)


def _plane(rows: Tensor, height: int, width: int) -> Tensor:
    """Return [B, C, height, width] for [B, height * width, C]."""
    return rows.transpose(1, 2).unflatten(2, (height, width))


@lru_cache(16)
@torch.inference_mode(False)  # what is kept may be needed where gradients are
def _wavefronts(height: int, width: int, device: torch.device) -> tuple[tuple[Tensor, Tensor, Tensor], ...]:
    """Return the steps to code in: their places, the same in a plane with margins, and what each sees there.

    The margins are two rows above and two columns at either side; what is seen is [n, 12].
    """
    wide = width + 2 * MARGIN
    row, column = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    turn = (column + DELAY * row).flatten()
    place = torch.arange(height * width)
    inside = ((row + MARGIN) * wide + column + MARGIN).flatten()
    offsets = torch.tensor([(down - MARGIN) * wide + right - MARGIN for down, right in TAPS])
    steps = []
    for now in range(int(turn.max()) + 1):
        chosen = turn == now
        at = inside[chosen]
        steps.append((place[chosen].to(device), at.to(device), (at[:, None] + offsets).to(device)))
    return tuple(step for step in steps if len(step[0]))
