"""Coding a latent in passes over the 2 x 2 lattice, each pass knowing what the ones before decoded."""

from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor

from nvczoo.interfaces import Distribution, SymbolStream

Lattice = tuple[tuple[tuple[int, ...], ...], ...]  # [pass][channel part] -> cells coded, of 2 x 2

# DCVC-HEM: half of the places first, in the second half of the channels the others.
CHECKERBOARD: Lattice = (((0, 3), (1, 2)), ((1, 2), (0, 3)))
# DCVC-DC: channels in four parts, and in each pass every part codes another cell.
FOUR_PART: Lattice = (
    ((0,), (1,), (2,), (3,)),
    ((3,), (2,), (1,), (0,)),
    ((2,), (3,), (0,), (1,)),
    ((1,), (0,), (3,), (2,)),
)

Guess = tuple[Tensor, Tensor]  # scales and means, [B, C, h, w] each


def code_in_passes(
    stream: SymbolStream,
    values: Tensor | None,
    lattice: Lattice,
    first: Guess,
    refine: Callable[[int, Tensor], Guess],
    distribution: Callable[[Tensor], Distribution],
) -> Tensor:
    """Return values as the decoder has them, [B, C, h, w]: integers plus means.

    ``values`` are in units of the quantisation step, None when decoding. ``refine(pass, decoded)``
    gives the guess for the passes after the first, ``decoded`` being zero where nothing is decoded yet.
    """
    scales, means = first
    decoded = torch.zeros_like(means)
    for number, cells in enumerate(lattice):
        if number:
            scales, means = refine(number, decoded)
        mask = lattice_mask(cells, means)
        centred = None if values is None else values - means
        symbols = stream.code("latent", centred, distribution(scales), mask)
        stream.note(f"symbols.{number}", symbols)
        stream.note(f"scales.{number}", scales)
        decoded = torch.where(mask, symbols + means, decoded)
    return decoded


def lattice_mask(cells: tuple[tuple[int, ...], ...], like: Tensor) -> Tensor:
    """Return bool [1, C, h, w]: in each part of the channels, the given cells of the 2 x 2 lattice."""
    _, channels, height, width = like.shape
    return _lattice_mask(cells, channels, height, width, like.device)


@lru_cache(maxsize=32)  # each frame asks for the same few
def _lattice_mask(
    cells: tuple[tuple[int, ...], ...], channels: int, height: int, width: int, device: torch.device
) -> Tensor:
    with torch.inference_mode(False):  # training may ask for what coding has made
        mask = torch.zeros(1, height, width, channels, dtype=torch.bool, device=device).permute(0, 3, 1, 2)
        for part, chosen in zip(mask.tensor_split(len(cells), dim=1), cells, strict=True):
            for cell in chosen:
                part[:, :, cell // 2 :: 2, cell % 2 :: 2] = True
    return mask
