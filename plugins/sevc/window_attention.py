"""Attention within windows of several planes, every other time shifted by half a window.

Liu et al., "Video Swin transformer", CVPR 2022, as SEVC has it.
"""

import torch
from torch import Tensor, nn

WINDOW = 8  # rows and columns
SHIFT = WINDOW // 2
FORBIDDEN = -100.0  # added to the logit of two tokens that only the roll has brought together


class WindowAttention(nn.Module):
    """Each token of a window asks all others; a learned bias tells how they lie to each other."""

    index: Tensor

    def __init__(self, channels: int, heads: int, planes: int) -> None:
        super().__init__()
        self.heads = heads
        self.scale = (channels // heads) ** -0.5
        self.qkv = nn.Linear(channels, 3 * channels)
        self.leave = nn.Linear(channels, channels)
        self.bias = nn.Parameter(torch.zeros((2 * planes - 1) * (2 * WINDOW - 1) ** 2, heads))
        self.register_buffer("index", _relative_places(planes), persistent=False)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Return [N, T, C] for windows of T tokens [N, T, C]; ``mask`` [windows, 1, T, T] or None."""
        count, tokens, channels = x.shape
        qkv = self.qkv(x).reshape(count, tokens, 3, self.heads, channels // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)  # [N, heads, T, C / heads] each
        logits = (query * self.scale) @ key.transpose(-2, -1)
        logits = logits + self.bias[self.index].permute(2, 0, 1)
        if mask is not None:
            logits = (logits.unflatten(0, (-1, mask.shape[0])) + mask).flatten(0, 1)
        found = logits.softmax(dim=-1) @ value
        return self.leave(found.transpose(1, 2).reshape(count, tokens, channels))


class WindowBlock(nn.Module):
    """x + attention(norm(x)), then x + two layers of it."""

    def __init__(self, channels: int, heads: int, planes: int, shifted: bool) -> None:
        super().__init__()
        self.shift = SHIFT if shifted else 0
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for _ in range(2))
        self.attention = WindowAttention(channels, heads, planes)
        self.mlp = nn.Sequential(
            nn.Linear(channels, 2 * channels), nn.GELU(), nn.Linear(2 * channels, channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, planes, H, W, C] for the same, H and W multiples of the window."""
        x = x + self._attended(self.norms[0](x))
        return x + self.mlp(self.norms[1](x))

    def _attended(self, x: Tensor) -> Tensor:
        if not self.shift:
            return _joined(self.attention(_windows(x), None), x.shape)
        planes, height, width = x.shape[1:4]
        rolled = x.roll((-self.shift, -self.shift), dims=(2, 3))
        regions = _regions(height, x.device)[:, None] * 3 + _regions(width, x.device)
        labels = _windows(regions.expand(1, planes, height, width).unsqueeze(-1)).squeeze(-1)
        apart = labels[:, None, :, None] != labels[:, None, None, :]  # [windows, 1, T, T]
        found = self.attention(_windows(rolled), apart * FORBIDDEN)
        return _joined(found, x.shape).roll((self.shift, self.shift), dims=(2, 3))


def _windows(x: Tensor) -> Tensor:
    """Return [B * windows, planes * 64, C] for [B, planes, H, W, C]; tokens by plane, row, column."""
    batch, planes, height, width, channels = x.shape
    split = x.reshape(batch, planes, height // WINDOW, WINDOW, width // WINDOW, WINDOW, channels)
    return split.permute(0, 2, 4, 1, 3, 5, 6).reshape(-1, planes * WINDOW * WINDOW, channels)


def _joined(windows: Tensor, shape: torch.Size) -> Tensor:
    """Return [B, planes, H, W, C], the inverse of ``_windows``."""
    batch, planes, height, width, channels = shape
    split = windows.reshape(batch, height // WINDOW, width // WINDOW, planes, WINDOW, WINDOW, channels)
    return split.permute(0, 3, 1, 4, 2, 5, 6).reshape(shape)


def _regions(length: int, device: torch.device) -> Tensor:
    """Return which of three parts each row of the rolled picture is from: inside, end, rolled over."""
    at = torch.arange(length, device=device)
    return (at >= length - WINDOW).int() + (at >= length - SHIFT).int()


def _relative_places(planes: int) -> Tensor:
    """Return [T, T]: the row of the bias for token i and token j."""
    sides = (planes, WINDOW, WINDOW)
    places = torch.stack(torch.meshgrid(*map(torch.arange, sides), indexing="ij")).flatten(1)
    away = places[:, :, None] - places[:, None, :]
    place = torch.zeros_like(away[0])
    for side, one in zip(sides, away, strict=True):
        place = place * (2 * side - 1) + one + side - 1
    return place
