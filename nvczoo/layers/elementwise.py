"""Sums and products of activations as modules: what rounds has a place where another arithmetic can.

They have no parameters, so weights and identities do not know of them; see docs/decisions/0007.
"""

from typing import Literal

from torch import Tensor, nn

from nvczoo.layers.strips import plus, times

Memory = Literal["new", "first", "spare"]  # where a result goes: the last two into that of the first argument


class Plus(nn.Module):
    """The sum of two tensors: in memory of its own, or in that of the first, always or where it is spare."""

    def __init__(self, memory: Memory = "new") -> None:
        super().__init__()
        self.memory = memory

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Return ``first + second``."""
        if self.memory == "first":
            return first.add_(second)
        return plus(first, second) if self.memory == "spare" else first + second


class Times(nn.Module):
    """The product of two tensors, the second of the same shape or one that is broadcast to it."""

    def __init__(self, memory: Memory = "new") -> None:
        super().__init__()
        self.memory = memory

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Return ``first * second``."""
        if self.memory == "first":
            return first.mul_(second)
        return times(first, second) if self.memory == "spare" else first * second
