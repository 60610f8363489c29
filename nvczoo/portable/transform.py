"""From a float network to its portable form: module by module, by rules, everything in its place."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from nvczoo.errors import SettingError
from nvczoo.interfaces import RateSampler
from nvczoo.portable.grid import Grid
from nvczoo.portable.module import GRIDS, Grids, PortableModule
from nvczoo.portable.rules import ALL_BITS, HOLDERS, KEPT, RULES, Known, Seen, WeightBits, rule_of

OWN_FRACTION = 8  # of numbers that a codec adds to symbols itself, such as the centres of a factorized prior


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
    weight_bits: WeightBits = ALL_BITS,
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
