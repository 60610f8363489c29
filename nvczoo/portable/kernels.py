"""What stands between the sums of convolutions, in one pass over memory each: the CPU's quick path.

A kernel returns the bits of the operations of torch that stand beside each of its calls, which stay the
reference: they run on all other devices, under a compiler, and where somebody watches single operations.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils import _python_dispatch

from nvczoo import _coder
from nvczoo.portable.grid import Grid

# slope, scale, least, most, step of clamp(round(scale * max(x, slope * x)), least, most) * step
Rounding = tuple[float, float, float, float, float]
NO_ROUNDING: Rounding = (1.0, 1.0, 0.0, 0.0, 1.0)
BUILT = hasattr(_coder, "grid_pass")  # an extension from before kernels has none
WHOLE = 1.0  # the step of what stays in units of its grid


@dataclass(frozen=True)
class Cut:
    """Into how many parts integers are cut, and how many bits all but the last of them have."""

    parts: int = 1
    bits: int = 1

    @property
    def scales(self) -> list[float]:
        """The unit of each part, the lowest first."""
        return [2.0 ** (self.bits * number) for number in range(self.parts)]


UNCUT = Cut()


@dataclass(frozen=True)
class Channels:
    """What sums are multiplied by, and what is added to them then: float64 [O] each, contiguous."""

    gains: Tensor
    offsets: Tensor


def apply(*tensors: Tensor) -> bool:
    """Return whether kernels take these: [B, C, H, W] of the CPU that need no gradient, nobody watching."""
    return BUILT and not _watched() and all(map(_plain, tensors))


def _plain(x: Tensor) -> bool:
    return (
        type(x) is Tensor
        and x.device.type == "cpu"
        and x.dtype in (torch.float32, torch.float64)
        and x.dim() == 4
        and not x.requires_grad
    )


def _watched() -> bool:
    """Return whether operations of torch are recorded: by a compiler, an export, a certificate."""
    return (
        torch.compiler.is_compiling()
        or torch.jit.is_tracing()  # pyright: ignore[reportPrivateImportUsage]
        or _python_dispatch._get_current_dispatch_mode() is not None  # pyright: ignore[reportPrivateUsage]
    )


def rounding(to: Grid, step: float, source: float = 1.0, slope: float = 1.0) -> Rounding:
    """Return what makes ``to.units(max(x, slope * x) * source) * step`` of a number."""
    return slope, source * 2.0**to.fraction, float(to.least), float(to.most), step


def settled(x: Tensor, roundings: Sequence[Rounding], cut: Cut = UNCUT) -> Tensor:
    """Return ``x`` [B, C, H, W] rounded to grids in turn; float32 [parts * B, C, H, W]."""
    batch, *shape = x.shape
    out = _empty(cut.parts * batch, *shape)
    _coder.grid_pass(
        _flat(x), _flat(out), roundings, cuts=cut.parts, bits=cut.bits, threads=torch.get_num_threads()
    )
    return out


def finished(
    sums: Tensor,
    came: Cut,
    channels: Channels,
    roundings: Sequence[Rounding],
    cut: Cut = UNCUT,
    added: tuple[Tensor, Rounding] | None = None,
) -> Tensor:
    """Return sums [parts * B, O, H, W], float32, put together and rounded to grids in turn.

    What is ``added`` [B, O, H, W] comes behind the first rounding, itself rounded before that.
    """
    batch = sums.shape[0] // came.parts
    out = _empty(cut.parts * batch, *sums.shape[1:])
    _coder.grid_pass(
        _flat(sums),
        _flat(out),
        roundings,
        came.scales,
        channels.gains.numpy(),
        channels.offsets.numpy(),
        None if added is None else _flat(added[0]),
        NO_ROUNDING if added is None else added[1],
        cut.parts,
        cut.bits,
        torch.get_num_threads(),
    )
    return out


def fetched(
    pixels: Tensor, flow: Tensor, weights: Tensor, first_tap: int, most: float, to: Rounding
) -> Tensor:
    """Return integers ``pixels`` [B, C, H, W] fetched by ``flow`` [B, 2, H, W], in the taps of a table.

    ``weights`` are float64 [taps, sub-pixels]; no shift goes further than ``most`` sub-pixels.
    """
    out = _empty(*pixels.shape)
    _coder.grid_warp(
        _by_pixel(pixels).permute(0, 2, 3, 1).numpy(),
        _flat(flow),
        weights.numpy(),
        _flat(out),
        first_tap,
        most,
        to,
        torch.get_num_threads(),
    )
    return out


def _empty(*shape: int) -> Tensor:
    return torch.empty(shape, dtype=torch.float32, memory_format=torch.channels_last)


def _by_pixel(x: Tensor) -> Tensor:
    """Return the same numbers with all channels of a pixel together: copied only if they are not."""
    return x.contiguous(memory_format=torch.channels_last)


def _flat(x: Tensor) -> np.ndarray:
    """Return the numbers pixel by pixel, in one row."""
    return _by_pixel(x).as_strided((x.numel(),), (1,)).numpy()
