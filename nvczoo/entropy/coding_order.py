"""In what order the elements of a latent are coded, and in what memory format they come back.

Channels last, both: so the networks keep them, and convolutions pick their kernel, and with it the order
of their sums, by the format of their input. Encoder and decoder must go on from the same one.
"""

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

# mask -> the last answer of ``places``: the masks of a lattice come again with each frame
_PLACES = WeakTensorKeyDictionary()


def flat(values: Tensor) -> Tensor:
    """Return [N] in coding order: batch, row, column, channel for [B, C, h, w], else as indexed."""
    return (values.permute(0, 2, 3, 1) if values.dim() == 4 else values).reshape(-1)


def unflat(values: Tensor, shape: torch.Size) -> Tensor:
    """Return values [N] in coding order as a settled tensor of that shape, without a copy."""
    if len(shape) != 4:
        return values.view(shape)
    batch, channels, height, width = shape
    return values.view(batch, height, width, channels).permute(0, 3, 1, 2)


def settled(symbols: Tensor) -> Tensor:
    """Return the symbols in one memory format, whatever made them."""
    if symbols.dim() != 4:
        return symbols
    _, channels, height, width = symbols.shape
    if symbols.stride() == (channels * height * width, 1, channels * width, channels):
        return symbols
    # Not ``contiguous``: it leaves sizes like 1x1 alone, whose format is anybody's guess.
    return unflat(flat(symbols), symbols.shape)


def places(mask: Tensor, shape: torch.Size) -> Tensor:
    """Return where in coding order the elements stand that ``mask``, broadcast to ``shape``, picks."""
    known = _PLACES.get(mask)
    if known is None or known[0] != shape:
        known = _PLACES[mask] = (shape, flat(mask.expand(shape)).nonzero()[:, 0])
    return known[1]
