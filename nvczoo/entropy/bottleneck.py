"""The learned density of each channel in the form of CompressAI, small matrices between its steps.

Ballé et al., "Variational image compression with a scale hyperprior", ICLR 2018, appendix 6.1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nvczoo.entropy import exact
from nvczoo.entropy.density import MOST_CHANNELS, REACH, TABLES_KEPT
from nvczoo.entropy.likelihood import likelihood_bits
from nvczoo.entropy.tables import tables_from_pmf
from nvczoo.errors import SettingError
from nvczoo.interfaces import Distribution, TableSet

WIDTHS = (1, 3, 3, 3, 3, 1)
INITIAL_SPREAD = 10.0  # of the density before training
MEDIAN = 1  # among the quantiles


class EntropyBottleneck(nn.Module):
    """Parameters of the densities of ``channels`` channels; values are coded around each one's median."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        share = INITIAL_SPREAD ** (1 / (len(WIDTHS) - 1))
        self.matrices, self.biases, self.factors = (nn.ParameterList() for _ in range(3))
        for number, (known, width) in enumerate(pairwise(WIDTHS)):
            slope = float(np.log(np.expm1(1 / share / width)))
            self.matrices.append(torch.full((channels, width, known), slope))
            self.biases.append(torch.rand(channels, width, 1) - 0.5)
            if number < len(WIDTHS) - 2:  # the last step is straight
                self.factors.append(torch.zeros(channels, width, 1))
        self.quantiles = nn.Parameter(
            torch.tensor([-INITIAL_SPREAD, 0.0, INITIAL_SPREAD]).repeat(channels, 1, 1)
        )

    @property
    def centre(self) -> Tensor:
        """The median of each channel, [1, C, 1, 1]."""
        return self.quantiles[None, :, :, MEDIAN, None]

    @property
    def groups(self) -> tuple[slice, ...]:
        """The channels that one distribution can tell apart, in turn."""
        channels = self.quantiles.shape[0]
        return tuple(slice(at, min(at + MOST_CHANNELS, channels)) for at in range(0, channels, MOST_CHANNELS))

    def distribution(
        self,
        size: tuple[int, int],
        q: Tensor | None = None,
        batch: int = 1,
        channels: slice = slice(None),
    ) -> Distribution:
        """Return the distribution of values less the median, rounded, of some channels: [B, C, *size].

        Raises SettingError if there are more channels than one distribution can tell apart.
        """
        batch = batch if q is None else q.shape[0]
        median = self.quantiles[channels, :, MEDIAN, None]
        count = median.shape[0]
        if count > MOST_CHANNELS:
            raise SettingError(f"A density has {MOST_CHANNELS} channels at most, not {count}: code groups")
        matrices, biases, factors = (
            tuple(one[channels] for one in steps) for steps in (self.matrices, self.biases, self.factors)
        )
        return BottleneckDensity(matrices, biases, factors, median, (batch, count, *size))


@dataclass(frozen=True, eq=False)
class BottleneckDensity(Distribution):
    """One density per channel, of values less their median."""

    matrices: tuple[Tensor, ...]  # [C, width, width before]
    biases: tuple[Tensor, ...]  # [C, width, 1]
    factors: tuple[Tensor, ...]
    median: Tensor  # [C, 1, 1]
    shape: tuple[int, ...]  # [B, C, H, W] of the symbols

    @property
    def table(self) -> TableSet:
        """One row per channel."""
        steps = (self.median, *self.matrices, *self.biases, *self.factors)
        values = [step.detach().to("cpu", torch.float32).contiguous().numpy().tobytes() for step in steps]
        return _tables(tuple(values), self.shape[1])

    def bits(self, symbols: Tensor) -> Tensor:
        """Return the estimated bits of each symbol [B, C, H, W], 0 to 29.9."""
        values = symbols.float().transpose(0, 1).flatten(1).unsqueeze(1) + self.median  # [C, 1, B * H * W]
        below, above = self._logits(values - 0.5), self._logits(values + 0.5)
        tail = torch.where(below + above > 0, -1.0, 1.0)  # both into the tail where a sigmoid is exact
        mass = (torch.sigmoid(tail * above) - torch.sigmoid(tail * below)).abs()
        batch, channels, *size = symbols.shape
        return likelihood_bits(mass).view(channels, batch, *size).transpose(0, 1)

    def indexes(self) -> Tensor:
        """Return the channel of each symbol."""
        channel = torch.arange(self.shape[1], dtype=torch.uint8, device=self.median.device)
        return channel.view(1, -1, 1, 1).expand(self.shape)

    def _logits(self, x: Tensor) -> Tensor:
        """Return the logit of the mass below ``x`` [C, 1, N]."""
        for number, (matrix, bias) in enumerate(zip(self.matrices, self.biases, strict=True)):
            x = F.softplus(matrix) @ x + bias
            if number < len(self.factors):
                x = x + torch.tanh(self.factors[number]) * torch.tanh(x)
        return x


@lru_cache(TABLES_KEPT)
def _tables(parameters: tuple[bytes, ...], channels: int) -> TableSet:
    """Return the tables, the same on every machine; ``parameters`` are median, matrices, biases, factors."""
    median, *steps = (
        np.frombuffer(one, np.float32).reshape(channels, -1).astype(np.float64) for one in parameters
    )
    count = len(WIDTHS) - 1
    matrices, biases, factors = steps[:count], steps[count : 2 * count], steps[2 * count :]
    x = [median + np.arange(-REACH, REACH + 2, dtype=np.float64) - 0.5]  # [C, symbols] per width
    for number, (matrix, bias) in enumerate(zip(matrices, biases, strict=True)):
        x = _mixed(x, exact.softplus(matrix), bias)
        if number < len(factors):
            bend = exact.tanh(factors[number])
            x = [one + bend[:, row : row + 1] * exact.tanh(one) for row, one in enumerate(x)]
    pmf = np.maximum(np.diff(exact.sigmoid(x[0]), axis=1), 0.0)
    return tables_from_pmf(pmf, np.full(channels, -REACH))


def _mixed(x: Sequence[np.ndarray], weights: np.ndarray, bias: np.ndarray) -> list[np.ndarray]:
    """Return each row of ``weights`` [C, rows * len(x)] times ``x``, summed in this order and no other."""
    rows = []
    for row in range(bias.shape[1]):
        total = np.broadcast_to(bias[:, row : row + 1], x[0].shape)
        for column, one in enumerate(x):
            at = row * len(x) + column
            total = total + weights[:, at : at + 1] * one
        rows.append(total)
    return rows
