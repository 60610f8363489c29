"""Sums and products of two activations: computed in float64, where they are exact, and rounded once."""

import torch
from torch import Tensor

from nvczoo.portable.bounds import prove
from nvczoo.portable.grid import Grid
from nvczoo.portable.held import Held
from nvczoo.portable.module import PortableModule


class PortablePlus(PortableModule):
    """settle(a + b): ``nvczoo.layers.elementwise.Plus`` on grids."""

    def __init__(self, target: Grid) -> None:
        super().__init__(target, target)

    def accept(self, first: Held, second: Held) -> None:
        """Raise SettingError unless float64 holds the sum of all such numbers."""
        prove("A sum", (first + second).most, torch.float64)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Return the nearest multiple of each sum, float32."""
        return self.target.settle(first.double() + second)


class PortableTimes(PortableModule):
    """settle(a * b): ``nvczoo.layers.elementwise.Times`` on grids."""

    def __init__(self, target: Grid) -> None:
        super().__init__(target, target)

    def accept(self, first: Held, second: Held) -> None:
        """Raise SettingError unless float64 holds the product of all such numbers."""
        prove("A product", (first * second).most, torch.float64)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Return the nearest multiple of each product, float32."""
        return self.target.settle(first.double() * second)
