"""From a float network to its portable form: module by module, by rules, everything in its place."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

import torch
from torch import Tensor, nn

from nvczoo.errors import SettingError
from nvczoo.interfaces import RateSampler
from nvczoo.layers import OnGrid, QualityShare, RateFactors, ResidualBlock, Warp
from nvczoo.layers.elementwise import Plus, Times
from nvczoo.layers.offset_diversity import OffsetDiversity
from nvczoo.portable.activations import MOST_TABLE_BITS, PortableLeakyReLU, PortableTable
from nvczoo.portable.blocks import PortableResidualBlock
from nvczoo.portable.convolution import WEIGHT_BITS, PortableConv2d, one_sum, quick_bits
from nvczoo.portable.elementwise import PortablePlus, PortableTimes
from nvczoo.portable.grid import Grid
from nvczoo.portable.module import GRIDS, Grids, PortableModule
from nvczoo.portable.offsets import PortableOffsets
from nvczoo.portable.settling import PortableOnGrid
from nvczoo.portable.steps import PortableFactors
from nvczoo.portable.warping import PortableWarp

SHARE_BITS = 12  # of q's share: with eight more between whole q, float32 holds it
FLAT_FRACTION = 11  # of what sigmoid and tanh are asked: 16 bits then go to +-16
OWN_FRACTION = 8  # of numbers that a codec adds to symbols itself, such as the centres of a factorized prior


@dataclass(frozen=True)
class WeightBits:
    """How many bits weights get: as many for all, or for each layer as many as leave it a fast path."""

    all: int | None = None
    parts: Mapping[str, int] = field(default_factory=dict)  # that a layer's input is cut in; else 1

    def of(self, name: str, conv: nn.Conv2d, source: Grid) -> tuple[int, Grid]:
        """Return the bits for a convolution's weights, and the grid of its input: coarser if in one part."""
        if self.all is not None:
            return self.all, source
        parts = self.parts.get(name, 1)
        return one_sum(conv, source) if parts == 1 else (quick_bits(conv.weight, source, parts), source)


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
    weight_bits: WeightBits = WeightBits(WEIGHT_BITS)
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
    del module
    return PortableWarp(seen.grids.source)  # nothing leaves that is larger than what came in


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


@dataclass(frozen=True)
class Reached:
    """What decoding uses: the names of modules that ran, and of parameters that ``code`` took itself."""

    modules: frozenset[str]
    parameters: frozenset[str] = field(default_factory=frozenset)

    def __contains__(self, name: str) -> bool:
        return name in self.modules


def portable(
    network: nn.Module,
    known: Mapping[str, Known],
    reached: Reached,
    weight_bits: WeightBits = WeightBits(WEIGHT_BITS),
) -> nn.Module:
    """Replace what decoding reaches in ``network`` by its portable form, and return what stands there then.

    ``known`` are the ranges that ``watched(network)`` found. Classes without a rule stay as glue, with
    portable children and their own parameters on a grid: whether what they compute is exact is for a
    certificate to say. Encoder networks stay in floating point. Raises SettingError where there is no rule.
    """
    return _single(_portable(network, Seen("", known, weight_bits), reached))


def restored(network: nn.Module, tensors: Mapping[str, Tensor]) -> nn.Module:
    """Put portable modules where weights have some, with their grids; the numbers are put in later."""
    grids = grids_of(tensors)
    return _single(_portable(network, Seen("", grids), Reached(frozenset(grids)), every=False))


def grids_of(tensors: Mapping[str, Tensor]) -> dict[str, Grids]:
    """Return the grids of each portable module that weights are for."""
    ending = f".{GRIDS}"
    found: dict[str, Grids] = {}
    for name, tensor in tensors.items():
        if name.endswith(ending):
            try:
                found[name.removesuffix(ending)] = Grids.from_tensor(tensor)
            except SettingError as error:
                raise SettingError(f"'{name}': {error}") from error
    return found


def portable_modules(network: nn.Module) -> Iterator[tuple[str, PortableModule]]:
    """Yield all portable modules with their names."""
    for name, module in network.named_modules():
        if isinstance(module, PortableModule):
            yield name, module


def _portable(module: nn.Module, seen: Seen, reached: Reached, every: bool = True) -> nn.Module:
    rule = rule_of(module)
    if rule and seen.name in reached:
        return rule(module, seen)
    if every:
        _check_known(module, seen, reached)
    for name, child in list(module.named_children()):
        if not isinstance(child, RateSampler):
            setattr(module, name, _portable(child, seen.inside(name, module), reached, every))
    if every:
        _settle_own(module, seen, reached)
    return module


def _single(network: nn.Module) -> nn.Module:
    """Let networks of the encoder, which stay, take float32: factors make what they multiply float64."""
    for module in network.modules():
        own = tuple(module.parameters(recurse=False))
        if own and not isinstance(module, PortableModule):
            module.register_forward_pre_hook(_cast)
    return network


def _cast(module: nn.Module, entered: tuple[object, ...]) -> tuple[object, ...]:
    dtype = next(module.parameters(recurse=False)).dtype
    return tuple(
        one.to(dtype) if isinstance(one, Tensor) and one.is_floating_point() else one for one in entered
    )


def _check_known(module: nn.Module, seen: Seen, reached: Reached) -> None:
    """Raise SettingError for a layer of torch's that computes when decoding, and has no rule."""
    if seen.name not in reached or isinstance(module, (*KEPT, *HOLDERS)):
        return
    if type(module).__module__.startswith("torch.nn"):
        raise SettingError(
            f"'{seen.name}' is a {type(module).__name__}, which has no portable form; "
            f"known are {', '.join(sorted(one.__name__ for one in (*RULES, *KEPT, *HOLDERS)))}"
        )


def _settle_own(module: nn.Module, seen: Seen, reached: Reached) -> None:
    """Round parameters that ``code`` uses by itself."""
    for name, parameter in module.named_parameters(recurse=False):
        if f"{seen.name}.{name}" in reached.parameters:
            grid = Grid.holding(float(parameter.detach().abs().max()))
            with torch.no_grad():
                parameter.copy_(Grid(min(grid.fraction, OWN_FRACTION)).settle(parameter))
