"""What each layer loses on the way to integers, seen with the very inputs that the float layer has."""

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from nvczoo.layers import OnGrid
from nvczoo.portable.convolution import PortableConv2d
from nvczoo.portable.grid import Grid
from nvczoo.portable.module import PortableModule
from nvczoo.portable.steps import PortableFactors
from nvczoo.portable.transform import portable_modules

MOST_DECIBELS = 150.0  # what differs by less does not differ


@dataclass
class LayerLoss:
    """A layer's signal and error, and what was clipped, in sums over all that was seen."""

    name: str
    module: PortableModule
    signal: float = 0.0
    error: float = 0.0
    clipped: int = 0
    numbers: int = 0
    absolute: bool = False  # rounds to a step that is fine however small the signal is

    def is_less_than(self, decibels: float) -> bool:
        """Whether it stands less above its error than that, and should not."""
        return self.decibels < decibels and not (self.absolute and not self.clipped)

    @property
    def decibels(self) -> float:
        """How far the signal stands above the error."""
        if self.error <= self.signal * 10 ** (-MOST_DECIBELS / 10):
            return MOST_DECIBELS
        return 10 * math.log10(max(self.signal, 1e-30) / self.error)

    @property
    def kind(self) -> str:
        """What it is, in a word."""
        return type(self.module).__name__.removeprefix("Portable")

    @property
    def weight_bits(self) -> int | None:
        """The bits of its largest weight, with its sign."""
        if not isinstance(self.module, PortableConv2d):
            return None
        return int(self.module.weight.long().abs().max()).bit_length() + 1

    @property
    def bound_bits(self) -> int | None:
        """The bits that no sum of it exceeds."""
        return self.module.bound.bit_length() if isinstance(self.module, PortableConv2d) else None

    @property
    def parts(self) -> int | None:
        """In how many parts float32 sums its input up; None where float64 has to."""
        return self.module.parts_allowed if isinstance(self.module, PortableConv2d) else None

    def as_table(self) -> dict[str, float]:
        """Return what a card says of it."""
        found: dict[str, float] = {"decibels": round(self.decibels, 1), "clipped": self.clipped}
        bits = {"weight_bits": self.weight_bits, "bound_bits": self.bound_bits, "parts": self.parts}
        return found | {name: value for name, value in bits.items() if value is not None}

    def see(self, left: Tensor, found: Tensor) -> None:
        """Take an example into account: what should leave, and what does."""
        expected = left.detach().double()
        self.signal += float(expected.square().sum())
        self.error += float((found.double() - expected).square().sum())
        self.numbers += left.numel()
        self.clipped += _beyond(left, self.module.target)


def measured(network: nn.Module, transformed: nn.Module, run: Callable[[], object]) -> tuple[LayerLoss, ...]:
    """Return what every portable module of ``transformed`` loses where ``run`` uses its float form."""
    losses = {name: LayerLoss(name, module) for name, module in portable_modules(transformed)}
    with ExitStack() as stack:
        for name, module in network.named_modules():
            if name in losses:
                losses[name].absolute = isinstance(module, OnGrid) and module.most_fraction is not None
                stack.enter_context(_compared(module, losses[name]))
        run()
    return tuple(one for one in losses.values() if one.numbers)


@contextmanager
def _compared(module: nn.Module, loss: LayerLoss) -> Iterator[None]:
    found: list[Tensor] = []  # the module may write over what it got: so it is computed before

    def before(_: nn.Module, args: tuple[Any, ...]) -> None:
        if isinstance(args[0], Tensor) and not isinstance(loss.module, PortableFactors):
            loss.clipped += _beyond(args[0], loss.module.source)
        with torch.no_grad():
            found.append(loss.module(*args))

    def after(_: nn.Module, args: tuple[Any, ...], left: Tensor) -> None:
        loss.see(left, found.pop())

    handles = module.register_forward_pre_hook(before), module.register_forward_hook(after)
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _beyond(x: Tensor, grid: Grid) -> int:
    return int((x.abs() > -grid.least * grid.step).sum())
