"""Decoding from symbols that everybody knows: what is reached on the way, and what comes out."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from nvczoo.interfaces import FrameCodec, InterCodec, IntraCodec, Reference, Setting, SymbolStream
from nvczoo.portable.transform import Reached

SIDE = 128  # pixels; rounded up to the codec's stride


def decode_known(
    intra: IntraCodec, inter: InterCodec | None, q: Tensor, symbols: Callable[[], SymbolStream]
) -> Iterator[Reference]:
    """Yield an intra frame and, by references without and with memory, two more, at ``q`` [1].

    Where levels of the GOP have weights of their own, a frame at each further level follows.
    ``symbols`` gives the stream of each frame.
    """
    steps: list[tuple[FrameCodec, int]] = [(intra, 0)]
    if inter is not None:
        steps += [(inter, 0), *((inter, level) for level in range(inter.levels))]
    references: tuple[Reference, ...] = ()
    for codec, level in steps:
        unit = -(-SIDE // codec.stride) * codec.stride
        needed = references[: codec.references_needed]
        needed += needed[-1:] * (codec.references_needed - len(needed))
        decoded = codec.code(None, needed, Setting(q, (unit, unit), level), symbols())
        yield decoded
        references = (decoded, *references)


def quality(q: float, codec: IntraCodec) -> Tensor:
    """Return ``q`` [1] where the codec computes."""
    device = next((one.device for one in (*codec.parameters(), *codec.buffers())), torch.device("cpu"))
    return torch.full((1,), q, device=device)


def reached_by(network: nn.Module, run: Callable[[], object]) -> Reached:
    """Return what of ``network`` is used while ``run`` runs."""
    modules: set[str] = set()
    with ExitStack() as stack:
        for name, module in network.named_modules():
            stack.enter_context(_noted(name, module, modules))
        touched = stack.enter_context(_Touched())
        stack.enter_context(torch.no_grad())
        run()
    names = (name for name, one in network.named_parameters() if id(one) in touched.tensors)
    return Reached(frozenset(modules), frozenset(names))


@contextmanager
def _noted(name: str, module: nn.Module, modules: set[str]) -> Iterator[None]:
    handle = module.register_forward_hook(lambda *_: modules.add(name))
    try:
        yield
    finally:
        handle.remove()


class _Touched(TorchDispatchMode):
    """Notes the tensors that operations take."""

    def __init__(self) -> None:
        super().__init__()
        self.tensors: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation, and note what it takes."""
        self.tensors |= {id(one) for one in tree_leaves((args, kwargs)) if isinstance(one, torch.Tensor)}
        return func(*args, **(kwargs or {}))
