"""Keeping no more of a large picture in memory than is still needed."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

# With 192 channels of float32, 25 MB: below the 32 MB from which on glibc gives memory back to the system
# at once and fetches it anew, page by page.
STRIP_PIXELS = 1 << 15


def one_by_one(modules: Iterable[nn.Module], x: Tensor) -> Tensor:
    """Return x after all modules; unlike ``nn.Sequential`` it does not keep its input until the end."""
    for module in modules:
        x = module(x)
    return x


def plus(fresh: Tensor, other: Tensor) -> Tensor:
    """Return ``fresh + other``, in the memory of ``fresh`` where it can be spared."""
    return fresh.add_(other) if _spare(fresh, other) else fresh + other


def times(fresh: Tensor, other: Tensor) -> Tensor:
    """Return ``fresh * other``, in the memory of ``fresh`` where it can be spared."""
    return fresh.mul_(other) if _spare(fresh, other) else fresh * other


def _spare(fresh: Tensor, other: Tensor) -> bool:
    """Return whether no gradient will ask for ``fresh``, and it has the precision that both together have."""
    return not torch.is_grad_enabled() and torch.result_type(fresh, other) == fresh.dtype


def in_strips(rowwise: Callable[[Tensor], Tensor], x: Tensor, halo: int = 0) -> Tensor:
    """Return ``rowwise(x)``, [B, C, H, W], of what keeps the size and sees no further than ``halo`` rows.

    Without gradients a large picture is done in strips of rows, so that what is wide on the way is never
    there whole. A ``halo`` of 0 is for what treats every row alone, such as 1x1 convolutions.
    """
    height, width = x.shape[2:]
    rows = max(1, halo, STRIP_PIXELS // width)
    if height <= rows or torch.is_grad_enabled():
        return rowwise(x)
    found = None
    for top in range(0, height, rows):
        first, bottom = max(0, top - halo), min(height, top + rows)
        strip = rowwise(x[:, :, first : bottom + halo])[:, :, top - first : bottom - first]
        if found is None:
            shape = (*strip.shape[:2], height, width)
            found = torch.empty(shape, dtype=strip.dtype, device=x.device, memory_format=torch.channels_last)
        found[:, :, top:bottom] = strip
    assert found is not None, "a picture has rows"
    return found
