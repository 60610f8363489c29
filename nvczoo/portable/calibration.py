"""How far the numbers in a network go, seen on examples: what grids are chosen by."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from nvczoo.portable.grid import Grid

HEADROOM = 2.0  # beyond what was seen: what goes further is clipped, on every machine alike


@dataclass
class Range:
    """The greatest absolute values that came into a module and left it."""

    entered: float = 0.0
    left: float = 0.0

    def see_entered(self, entered: Tensor) -> None:
        """Widen to hold what came in; before the module runs, which may write over it."""
        self.entered = max(self.entered, float(entered.detach().abs().max()))

    def see_left(self, left: Tensor) -> None:
        """Widen to hold what left."""
        self.left = max(self.left, float(left.detach().abs().max()))

    @property
    def source(self) -> Grid:
        """The grid of what comes in."""
        return Grid.holding(HEADROOM * self.entered)

    @property
    def target(self) -> Grid:
        """The grid of what leaves."""
        return Grid.holding(HEADROOM * self.left)


@contextmanager
def watched(network: nn.Module) -> Iterator[dict[str, Range]]:
    """Give the range of every module that maps one tensor to one, by name, filled by whatever runs inside."""
    ranges: dict[str, Range] = {}
    with ExitStack() as stack:
        for name, module in network.named_modules():
            for handle in _watch(name, module, ranges):
                stack.callback(handle.remove)
        yield ranges


def _watch(name: str, module: nn.Module, ranges: dict[str, Range]) -> tuple[RemovableHandle, ...]:
    def before(_: nn.Module, entered: tuple[object, ...]) -> None:
        if entered and isinstance(entered[0], Tensor):
            ranges.setdefault(name, Range()).see_entered(entered[0])

    def after(_: nn.Module, entered: tuple[object, ...], left: object) -> None:
        if entered and isinstance(entered[0], Tensor) and isinstance(left, Tensor):
            ranges[name].see_left(left)

    return module.register_forward_pre_hook(before), module.register_forward_hook(after)
