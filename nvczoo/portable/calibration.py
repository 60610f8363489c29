"""How far the numbers in a network go, seen on examples: what grids are chosen by."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from torch import Tensor, nn

from nvczoo.portable.grid import Grid

HEADROOM = 2.0  # beyond what was seen: what goes further is clipped, on every machine alike


@dataclass
class Range:
    """The greatest absolute values that came into a module and left it."""

    entered: float = 0.0
    left: float = 0.0

    def see(self, entered: Tensor, left: Tensor) -> None:
        """Widen to hold what is in these tensors too."""
        self.entered = max(self.entered, float(entered.detach().abs().max()))
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
            handle = module.register_forward_hook(_seeing(name, ranges))
            stack.callback(handle.remove)
        yield ranges


def _seeing(name: str, ranges: dict[str, Range]) -> Callable[[nn.Module, tuple[object, ...], object], None]:
    def see(module: nn.Module, entered: tuple[object, ...], left: object) -> None:
        del module
        first = entered[0] if entered else None
        if isinstance(left, Tensor) and isinstance(first, Tensor):
            ranges.setdefault(name, Range()).see(first, left)

    return see
