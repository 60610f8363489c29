"""The learned density of each channel, for latents about which nothing else is known.

Ballé et al., "Variational image compression with a scale hyperprior", ICLR 2018, appendix 6.1, in the
form of the DCVC family: a chain of monotonic steps per channel ends in a sigmoid.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nvczoo.entropy import exact
from nvczoo.entropy.capped import capped_bits
from nvczoo.entropy.tables import tables_from_pmf
from nvczoo.errors import SettingError
from nvczoo.interfaces import Distribution, TableSet

STEPS = 4
MOST_CHANNELS = 256  # rows of a table are numbered in a byte
REACH = 255  # symbols from -REACH to REACH may get a place of their own in a table
INITIAL_DEVIATION = 0.01
TABLES_KEPT = 32  # a model needs one per latent and, if its densities follow q, per quality


class Density(nn.Module):
    """Parameters of the densities of ``channels`` channels, in ``rows`` variants along ``q`` 0 to 63."""

    centre = 0.0  # of the values that are coded: none of these densities moves them

    def __init__(self, channels: int, rows: int = 1) -> None:
        super().__init__()
        if channels > MOST_CHANNELS:
            raise SettingError(f"A density has {MOST_CHANNELS} channels at most, not {channels}")
        shape = (rows, channels, 1, 1)
        self.slopes = _parameters(STEPS, shape)
        self.offsets = _parameters(STEPS, shape)
        self.bends = _parameters(STEPS - 1, shape)  # the last step is straight

    def distribution(self, size: tuple[int, int], q: Tensor | None = None, batch: int = 1) -> Distribution:
        """Return the distribution of symbols [B, C, *size]; ``q`` [B] picks the variant."""
        rows = self.slopes[0].shape[0]
        batch = batch if q is None else q.shape[0]
        slopes, offsets, bends = map(tuple[Tensor, ...], (self.slopes, self.offsets, self.bends))
        shape = (batch, self.slopes[0].shape[1], *size)
        return ChannelDensity(slopes, offsets, bends, shape, None if rows == 1 else q)


@dataclass(frozen=True, eq=False)
class ChannelDensity(Distribution):
    """One density per channel; the steps are [rows, C, 1, 1] each, of which ``q`` picks one."""

    slopes: tuple[Tensor, ...]
    offsets: tuple[Tensor, ...]
    bends: tuple[Tensor, ...]
    shape: tuple[int, ...]  # [B, C, H, W] of the symbols
    q: Tensor | None = None  # [B]; None: the first row

    @property
    def table(self) -> TableSet:
        """One row per channel; of the first variant, as a stream holds one picture."""
        chosen = (step for group in self._chosen for step in group)
        steps = torch.stack([step[0, :, 0, 0] for step in chosen])
        values = steps.detach().to("cpu", torch.float32).contiguous().numpy()
        return density_tables(values.tobytes(), values.shape[1])

    def bits(self, symbols: Tensor) -> Tensor:
        """Return the estimated bits of each symbol, 0 to 16.6."""
        symbols = symbols.float()
        return capped_bits(self._below(symbols + 0.5) - self._below(symbols - 0.5))

    def indexes(self) -> Tensor:
        """Return the channel of each symbol."""
        channel = torch.arange(self.shape[1], dtype=torch.uint8, device=self.slopes[0].device)
        return channel.view(1, -1, 1, 1).expand(self.shape)

    @property
    def _chosen(self) -> tuple[tuple[Tensor, ...], ...]:
        """Slopes, offsets, bends, [B or 1, C, 1, 1] each."""
        groups = self.slopes, self.offsets, self.bends
        if self.q is None:
            return groups
        row = self.q.round().long().clamp(0, self.slopes[0].shape[0] - 1)
        return tuple(tuple(values[row] for values in group) for group in groups)

    def _below(self, x: Tensor) -> Tensor:
        """Return the mass below ``x`` [B, C, H, W]."""
        slopes, offsets, bends = self._chosen
        for number, (slope, offset) in enumerate(zip(slopes, offsets, strict=True)):
            x = x * F.softplus(slope) + offset
            if number < len(bends):
                x = x + torch.tanh(x) * torch.tanh(bends[number])
        return torch.sigmoid(x)


@lru_cache(TABLES_KEPT)
def density_tables(parameters: bytes, channels: int) -> TableSet:
    """Return the tables of densities, the same on every machine.

    ``parameters`` are float32 [slopes, offsets, bends][C] one after the other.
    """
    steps = np.frombuffer(parameters, np.float32).reshape(-1, channels, 1).astype(np.float64)
    slopes, offsets, bends = steps[:STEPS], steps[STEPS : 2 * STEPS], steps[2 * STEPS :]
    x = np.arange(-REACH, REACH + 2, dtype=np.float64) - 0.5
    for number in range(STEPS):
        x = x * exact.softplus(slopes[number]) + offsets[number]
        if number < len(bends):
            x = x + exact.tanh(x) * exact.tanh(bends[number])
    below = exact.sigmoid(x)  # [C, 2 * REACH + 2]
    pmf = np.maximum(np.diff(below, axis=1), 0.0)
    return tables_from_pmf(pmf, np.full(channels, -REACH))


def _parameters(count: int, shape: tuple[int, ...]) -> nn.ParameterList:
    return nn.ParameterList(nn.Parameter(INITIAL_DEVIATION * torch.randn(shape)) for _ in range(count))
