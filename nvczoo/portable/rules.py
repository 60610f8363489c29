"""How a layer becomes portable: a rule for each class, from what is known of its place."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from torch import nn

from nvczoo.errors import SettingError
from nvczoo.interfaces import RateSampler
from nvczoo.layers import BlockFetch, OnGrid, QualityShare, RateFactors, ResidualBlock, Warp
from nvczoo.layers.elementwise import Plus, Times
from nvczoo.layers.offset_diversity import OffsetDiversity
from nvczoo.portable.activations import MOST_TABLE_BITS, PortableLeakyReLU, PortableTable
from nvczoo.portable.blocks import PortableResidualBlock
from nvczoo.portable.convolution import WEIGHT_BITS, PortableConv2d, fitting
from nvczoo.portable.elementwise import PortablePlus, PortableTimes
from nvczoo.portable.fetching import PortableBlockFetch
from nvczoo.portable.grid import Grid
from nvczoo.portable.module import PortableModule
from nvczoo.portable.offsets import PortableOffsets
from nvczoo.portable.settling import PortableOnGrid
from nvczoo.portable.steps import PortableFactors
from nvczoo.portable.warping import PortableWarp

SHARE_BITS = 12  # of q's share: with eight more between whole q, float32 holds it
FLAT_FRACTION = 11  # of what sigmoid and tanh are asked: 16 bits then go to +-16


@dataclass(frozen=True)
class WeightBits:
    """How many bits weights get: as many for all, or for each layer as many as leave it a fast path."""

    all: int | None = None
    parts: Mapping[str, int] = field(default_factory=dict)  # that a layer's input is cut in; else 1

    def of(self, name: str, conv: nn.Conv2d, source: Grid) -> tuple[int, Grid]:
        """Return the bits for a convolution's weights, and the grid of its input: coarser where that pays."""
        return fitting(conv, source, self.parts.get(name, 1)) if self.all is None else (self.all, source)


ALL_BITS = WeightBits(WEIGHT_BITS)


class Known(Protocol):
    """What is known of a module: a range seen on examples, or grids as they were stored."""

    @property
    def source(self) -> Grid:
        """The grid of what comes in."""
        ...

    @property
    def target(self) -> Grid:
        """The grid of what leaves."""
        ...


@dataclass(frozen=True)
class Seen:
    """One module's place: its name, what is known by name, and the nearest sampler of rates around it."""

    name: str
    known: Mapping[str, Known]
    weight_bits: WeightBits = ALL_BITS
    sampler: RateSampler | None = None

    def inside(self, child: str, module: nn.Module) -> "Seen":
        """Return the same of a child of ``module``."""
        own = getattr(module, "rate_sampler", None)
        sampler = own if isinstance(own, RateSampler) else self.sampler
        return replace(self, name=f"{self.name}.{child}" if self.name else child, sampler=sampler)

    @property
    def grids(self) -> Known:
        """Its grids; raises SettingError if no example reached it."""
        if self.name not in self.known:
            raise SettingError(
                f"No example reached '{self.name}', so its range is not known: use other or longer clips"
            )
        return self.known[self.name]

    def or_else(self, known: Known) -> "Seen":
        """Return the same, with these grids if none are known of it."""
        return replace(self, known={self.name: known, **self.known})

    @property
    def stored(self) -> Grid | None:
        """Its grid if it was stored; a table of numbers that are known needs no examples."""
        grids = self.known.get(self.name)
        return None if grids is None else grids.target


Rule = Callable[[nn.Module, Seen], PortableModule]


def _conv(module: nn.Module, seen: Seen) -> PortableConv2d:
    assert isinstance(module, nn.Conv2d)
    return _integer_conv(module, seen, seen.grids.source)


def _integer_conv(conv: nn.Conv2d, seen: Seen, source: Grid) -> PortableConv2d:
    bits, source = seen.weight_bits.of(seen.name, conv, source)
    return PortableConv2d.of(conv, source, seen.grids.target, bits)


def _leaky_relu(module: nn.Module, seen: Seen) -> PortableModule:
    assert isinstance(module, nn.LeakyReLU)
    return PortableLeakyReLU(module.negative_slope, seen.grids.source, seen.grids.target)


def _relu(module: nn.Module, seen: Seen) -> PortableModule:
    del module
    return PortableLeakyReLU(0.0, seen.grids.source, seen.grids.target)


def _residual_block(module: nn.Module, seen: Seen) -> PortableModule:
    assert isinstance(module, ResidualBlock)
    inside = seen.inside("conv1", module), seen.inside("conv2", module)
    conv1 = _integer_conv(module.conv1, inside[0], inside[0].grids.source)
    conv2 = _integer_conv(module.conv2, inside[1], inside[1].grids.source)
    return PortableResidualBlock(conv1, conv2, module.slope, seen.grids.source, seen.grids.target)


def _warp(module: nn.Module, seen: Seen) -> PortableModule:
    assert isinstance(module, Warp)
    return PortableWarp(seen.grids.source)  # what leaves is clamped to what came in


def _block_fetch(module: nn.Module, seen: Seen) -> PortableBlockFetch:
    assert isinstance(module, BlockFetch)
    return PortableBlockFetch(module.block, module.precision, seen.grids.source)


def _on_grid(module: nn.Module, seen: Seen) -> PortableModule:
    assert isinstance(module, OnGrid)
    grid = seen.grids.target
    if module.most_fraction is not None:
        grid = Grid(min(grid.fraction, module.most_fraction), grid.bits)
    return PortableOnGrid(grid)


def _plus(module: nn.Module, seen: Seen) -> PortableModule:
    del module
    return PortablePlus(seen.grids.target)


def _times(module: nn.Module, seen: Seen) -> PortableModule:
    del module
    return PortableTimes(seen.grids.target)


def _sigmoid(module: nn.Module, seen: Seen) -> PortableModule:
    del module
    return PortableTable("sigmoid", _asked(seen.grids.source), seen.grids.target)


def _tanh(module: nn.Module, seen: Seen) -> PortableModule:
    del module
    return PortableTable("tanh", _asked(seen.grids.source), seen.grids.target)


def _asked(source: Grid) -> Grid:
    """Return the grid of what a table of a function that flattens is asked: no wider than it need be."""
    return Grid(max(source.fraction, FLAT_FRACTION), MOST_TABLE_BITS)


def _offsets(module: nn.Module, seen: Seen) -> PortableModule:
    assert isinstance(module, OffsetDiversity)
    inside = seen.inside("offsets", module)
    layers = [
        _found(one)(one, inside.inside(str(number), module.offsets))
        for number, one in enumerate(module.offsets)
    ]
    # The merging convolution never runs as a whole, so its range is that of the module.
    grids = seen.inside("merge", module).or_else(seen.grids)
    merge = _integer_conv(module.merge, grids, grids.grids.source)
    return PortableOffsets(nn.Sequential(*layers), merge, module.groups, seen.grids.source, seen.grids.target)


def _found(module: nn.Module) -> Rule:
    rule = rule_of(module)
    assert rule is not None, module
    return rule


def _factors(module: nn.Module, seen: Seen) -> PortableModule:
    assert isinstance(module, RateFactors)
    sampler = seen.sampler
    if sampler is None:
        raise SettingError(f"'{seen.name}' follows q, and nothing around it has a rate_sampler to say how")
    return PortableFactors(lambda q: module(sampler, q), seen.stored)


def _share(module: nn.Module, seen: Seen) -> PortableModule:
    return PortableFactors(module, seen.stored, SHARE_BITS)


RULES: dict[type[nn.Module], Rule] = {
    nn.Conv2d: _conv,
    nn.LeakyReLU: _leaky_relu,
    nn.ReLU: _relu,
    OnGrid: _on_grid,
    QualityShare: _share,
    ResidualBlock: _residual_block,
    Warp: _warp,
    BlockFetch: _block_fetch,
    Plus: _plus,
    Times: _times,
    nn.Sigmoid: _sigmoid,
    nn.Tanh: _tanh,
    OffsetDiversity: _offsets,
}
# These move numbers about and compute nothing.
KEPT = (nn.Identity, nn.MaxPool2d, nn.PixelShuffle, nn.PixelUnshuffle)
HOLDERS = (nn.Sequential, nn.ModuleList)


def rule_of(module: nn.Module) -> Rule | None:
    """Return what makes a module portable, if there is something."""
    return _factors if isinstance(module, RateFactors) else RULES.get(type(module))
