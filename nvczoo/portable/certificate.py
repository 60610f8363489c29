"""Whether what stands between portable modules is exact, whatever the picture: shown by one run on bounds.

A codec's ``code`` adds, scales and joins what modules return. Decoding runs once; beside each tensor goes
what is known of it. An operation that could round for any input is refused, exact as it may be here.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakIdKeyDictionary

from nvczoo.errors import SettingError
from nvczoo.interfaces import Distribution, InterCodec, IntraCodec
from nvczoo.portable.decoding import decode_known, quality
from nvczoo.portable.grid import EXACT
from nvczoo.portable.held import Accepting, Held, held_of
from nvczoo.portable.known_answer import KnownSymbols
from nvczoo.portable.symbols import SYMBOL_BITS

Known = Callable[[Any], Held]
Args = Sequence[Any]


def _sum(known: Known, args: Args) -> Held:
    return known(args[0]) + known(args[1])


def _product(known: Known, args: Args) -> Held:
    return known(args[0]) * known(args[1])


def _quotient(known: Known, args: Args) -> Held:
    if isinstance(args[1], Tensor):
        raise SettingError("a division by numbers that are not constant is rounded")
    return known(args[0]) * known(1 / args[1])


def _same(known: Known, args: Args) -> Held:
    return known(args[0])


def _any_of(known: Known, args: Args) -> Held:
    found = [known(one) for one in args[0]]
    return Held(max(one.fraction for one in found), 0).joined(*found)


def _either(known: Known, args: Args) -> Held:
    return known(args[1]).joined(known(args[2]))


def _one_of(known: Known, args: Args) -> Held:
    return known(args[0]).joined(known(args[1]))


def _clamped(known: Known, args: Args) -> Held:
    limits = [known(one) for one in args[1:] if one is not None]
    held = known(args[0])
    if len(limits) < 2:
        return held.joined(*limits)
    widest = Held(held.fraction, 0).joined(*limits)
    return widest if widest.most < held.finer(widest.fraction).most else held.finer(widest.fraction)


def _floor(known: Known, args: Args) -> Held:
    held = known(args[0])
    return held if held.fraction <= 0 else Held(0, (held.most >> held.fraction) + 1)


def _mean_of_four(known: Known, args: Args) -> Held:
    if list(args[1]) != [2, 2] or (len(args) > 2 and list(args[2]) not in ([], [2, 2])):
        raise SettingError("only means of 2x2 are known to be exact")
    held = known(args[0])
    return held.finer(held.fraction + 2)


def _doubled(known: Known, args: Args) -> Held:
    doubled = [2 * side for side in args[0].shape[-2:]]
    if list(args[1] or ()) != doubled or args[2]:  # align_corners
        raise SettingError("only the doubling with weights of quarters is known to be exact")
    held = known(args[0])
    return held.finer(held.fraction + 4)


# fmt: off
_MOVES = (
    "alias", "_unsafe_view", "_reshape_alias", "clone", "contiguous", "copy", "detach", "expand",
    "permute", "pixel_shuffle", "pixel_unshuffle", "index_select", "select", "slice", "split",
    "split_with_sizes", "squeeze", "t", "transpose", "unbind", "unsqueeze", "view", "neg", "abs",
    "repeat", "max_pool2d_with_indices",
)
# fmt: on
# These compute nothing: each number stays what it was, whatever the others are.
COPIES = {*_MOVES, "cat", "stack", "where"}
RULES: dict[str, Callable[[Known, Args], Held]] = {
    **dict.fromkeys((*_MOVES, "_to_copy"), _same),
    **dict.fromkeys(("add", "add_", "sub", "sub_"), _sum),
    **dict.fromkeys(("mul", "mul_"), _product),
    **dict.fromkeys(("div", "div_"), _quotient),
    **dict.fromkeys(("cat", "stack"), _any_of),
    **dict.fromkeys(("clamp", "clamp_min"), _clamped),
    "where": _either,
    **dict.fromkeys(("maximum", "minimum"), _one_of),
    "floor": _floor,
    "avg_pool2d": _mean_of_four,
    "upsample_bilinear2d": _doubled,
}
MADE = {"zeros": 0, "zeros_like": 0, "new_zeros": 0, "ones": 1, "ones_like": 1}
HARMLESS = {"device", "dtype", "layout", "memory_format", "non_blocking", "pin_memory"}  # named arguments


class Certificate(TorchDispatchMode):
    """Follows what tensors of floats hold; raises SettingError where a result might be rounded."""

    def __init__(self) -> None:
        super().__init__()
        self._held: Any = WeakIdKeyDictionary()
        self._resting = 0
        self._last = "the start"  # the module that ran last, to say where an operation stands
        self.greatest: dict[str, int] = {}  # operation -> bits of the largest bound that it met
        self._constants: dict[int, Tensor] = {}

    def hold_constants(self, network: nn.Module) -> None:
        """Take the tensors of a network for what they are: no stream changes them."""
        tensors = (*network.parameters(), *network.buffers())
        self._constants |= {id(one): one for one in tensors if one.is_floating_point()}

    def hold(self, tensor: Tensor, held: Held) -> None:
        """State what a tensor holds."""
        self._held[tensor] = held

    def known(self, value: Any) -> Held:
        """Return what a tensor or number holds; raises SettingError if that is not known."""
        if not isinstance(value, Tensor):
            return Held.of(value)
        if not value.is_floating_point():
            return Held(0, 1 if value.dtype == torch.bool else EXACT[torch.float32])
        if value not in self._held and id(value) in self._constants:
            with self.resting(self._last):
                self._held[value] = Held.of_values(value)
        if value not in self._held:
            raise SettingError("it takes numbers that no portable module has made")
        return self._held[value]

    @contextmanager
    def resting(self, last: str) -> Iterator[None]:
        """Look away: what runs inside is proved elsewhere."""
        self._resting += 1
        try:
            yield
        finally:
            self._resting -= 1
            self._last = last

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation, and find what its result holds."""
        out = func(*args, **(kwargs or {}))
        if not self._resting:
            name = func.overloadpacket.__name__
            for one in out if isinstance(out, (tuple, list)) else (out,):
                if isinstance(one, Tensor) and one.is_floating_point():
                    self.hold(one, self._found(name, one.dtype, args, kwargs or {}))
        return out

    def _found(self, name: str, dtype: torch.dtype, args: Args, named: Mapping[str, Any]) -> Held:
        try:
            if further := sorted(set(named) - HARMLESS):
                raise SettingError(f"its arguments {', '.join(further)} are not known")
            held = Held.of(MADE[name]) if name in MADE else self._rule(name)(self.known, args)
            if name not in COPIES and held.most > EXACT.get(dtype, 0):
                raise SettingError(f"its result needs {held.most.bit_length()} bits, too many for {dtype}")
        except SettingError as error:
            raise SettingError(f"'{name}', some steps after {self._last}, has no proof: {error}") from error
        self.greatest[name] = max(self.greatest.get(name, 0), held.most.bit_length())
        return held

    def _rule(self, name: str) -> Callable[[Known, Args], Held]:
        if name not in RULES:
            raise SettingError("it is not known to be exact; put it into a module that has a portable form")
        return RULES[name]


class CertifiedSymbols(KnownSymbols):
    """Hands out symbols of which only their bits are known."""

    def __init__(self, certificate: Certificate) -> None:
        super().__init__()
        self._certificate = certificate

    def code(
        self, name: str, values: Tensor | None, distribution: Distribution, mask: Tensor | None = None
    ) -> Tensor:
        """Return symbols; how the indexes are found has to have a proof as well."""
        distribution.indexes()
        with self._certificate.resting(f"the symbols '{name}'"):
            symbols = super().code(name, values, distribution, mask)
        self._certificate.hold(symbols, Held(0, 1 << (SYMBOL_BITS - 1)))
        return symbols


@contextmanager
def certified(network: nn.Module) -> Iterator[Certificate]:
    """Give a certificate that knows what the portable modules in ``network`` return."""
    certificate = Certificate()
    certificate.hold_constants(network)
    with ExitStack() as stack:
        for name, module in network.named_modules():
            held = held_of(module)
            if held is not None:
                stack.enter_context(_opaque(name, module, held, certificate))
        stack.enter_context(torch.no_grad())
        stack.enter_context(certificate)
        yield certificate


@contextmanager
def _opaque(name: str, module: nn.Module, held: Held, certificate: Certificate) -> Iterator[None]:
    """Let the certificate look away while the module runs, and know its result."""
    forward = module.forward

    def shaded(*args: Any) -> Any:
        if isinstance(module, Accepting):
            _accept(name, module, args, certificate)
        with certificate.resting(f"'{name}'"):
            out = forward(*args)
        certificate.hold(out, held)
        return out

    module.forward = shaded
    try:
        yield
    finally:
        del module.forward


def _accept(name: str, module: Accepting, args: Args, certificate: Certificate) -> None:
    try:
        module.accept(*map(certificate.known, args))
    except SettingError as error:
        raise SettingError(f"'{name}' has no proof: {error}") from error


CERTIFIED_QUALITIES = (0.0, 40.30078125)  # bounds do not depend on q; two show that nothing else does


def certify(network: nn.Module, intra: IntraCodec, inter: InterCodec | None) -> dict[str, int]:
    """Return, by operation, the bits of the largest bound on the way of a decoder.

    ``network`` holds both codecs, by the names that messages shall have. Raises SettingError, with the name
    of the module before it, for the first operation that could round.
    """
    found: dict[str, int] = {}
    for q in CERTIFIED_QUALITIES:
        at = quality(q, intra)
        with certified(network) as certificate:
            for decoded in decode_known(intra, inter, at, lambda one=certificate: CertifiedSymbols(one)):
                certificate.known(decoded.frame)
        for name, bits in certificate.greatest.items():
            found[name] = max(found.get(name, 0), bits)
    return found
