"""From a float network to its portable form: module by module, by rules, everything in its place."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import nn

from nvczoo.errors import SettingError
from nvczoo.layers import ResidualBlock
from nvczoo.portable.activations import PortableLeakyReLU
from nvczoo.portable.blocks import PortableResidualBlock
from nvczoo.portable.calibration import Range
from nvczoo.portable.convolution import WEIGHT_BITS, PortableConv2d


@dataclass(frozen=True)
class Seen:
    """What is known of one module: its name, its ranges and those of the modules in it."""

    name: str
    ranges: Mapping[str, Range]
    weight_bits: int | None = WEIGHT_BITS

    def inside(self, child: str) -> "Seen":
        """Return the same of a child."""
        name = f"{self.name}.{child}" if self.name else child
        return Seen(name, self.ranges, self.weight_bits)

    @property
    def range(self) -> Range:
        """Its range; raises SettingError if no example reached it."""
        if self.name not in self.ranges:
            raise SettingError(
                f"No example reached '{self.name}', so its range is not known: use other clips"
            )
        return self.ranges[self.name]


Rule = Callable[[nn.Module, Seen], nn.Module]


def _conv(module: nn.Module, seen: Seen) -> nn.Module:
    assert isinstance(module, nn.Conv2d)
    return PortableConv2d.of(module, seen.range.source, seen.range.target, seen.weight_bits)


def _leaky_relu(module: nn.Module, seen: Seen) -> nn.Module:
    assert isinstance(module, nn.LeakyReLU)
    return PortableLeakyReLU(module.negative_slope, seen.range.source)


def _relu(module: nn.Module, seen: Seen) -> nn.Module:
    del module
    return PortableLeakyReLU(0.0, seen.range.source)


def _residual_block(module: nn.Module, seen: Seen) -> nn.Module:
    assert isinstance(module, ResidualBlock)
    found = (_conv(conv, seen.inside(name)) for name, conv in module.named_children())
    conv1, conv2 = (conv for conv in found if isinstance(conv, PortableConv2d))
    return PortableResidualBlock(conv1, conv2, module.slope, seen.range.source, seen.range.target)


RULES: dict[type[nn.Module], Rule] = {
    nn.Conv2d: _conv,
    nn.LeakyReLU: _leaky_relu,
    nn.ReLU: _relu,
    ResidualBlock: _residual_block,
}
# These move numbers about and compute nothing, or only hand on to their children.
KEPT = (nn.Identity, nn.PixelShuffle, nn.PixelUnshuffle)
HOLDERS = (nn.Sequential, nn.ModuleList)


def portable(
    module: nn.Module,
    ranges: Mapping[str, Range],
    weight_bits: int | None = WEIGHT_BITS,
    glue: tuple[type[nn.Module], ...] = (),
) -> nn.Module:
    """Return the portable form of a network, which is left as it is.

    ``ranges`` are those that ``watched(module)`` found; without ``weight_bits`` each layer
    gets as many as leave it a fast path. ``glue`` are classes whose own forward only adds,
    joins, scales and cuts: they stay, with portable children. Raises SettingError where there is no rule.
    """
    return _portable(copy.deepcopy(module), Seen("", ranges, weight_bits), (*HOLDERS, *glue))


def _portable(module: nn.Module, seen: Seen, holders: tuple[type[nn.Module], ...]) -> nn.Module:
    if rule := RULES.get(type(module)):
        return rule(module, seen)
    if isinstance(module, KEPT):
        return module
    if not isinstance(module, holders):
        raise SettingError(
            f"'{seen.name}' is a {type(module).__name__}, which has no portable form; "
            f"known are {', '.join(sorted(one.__name__ for one in (*RULES, *KEPT, *holders)))}"
        )
    for name, child in module.named_children():
        setattr(module, name, _portable(child, seen.inside(name), holders))
    return module
