"""Averaged weights: those that ship, and that validation looks at."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

START = 10  # steps: an average over fewer than these forgets faster, so that a random start is soon gone


class Average:
    """An exponential moving average of a module's tensors, in float32."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.module = module
        self.decay = decay
        self.steps = 0
        self.kept = {name: tensor.detach().clone() for name, tensor in _tensors(module).items()}

    @torch.no_grad()
    def update(self) -> None:
        """Take in the module's weights after a step."""
        self.steps += 1
        part = 1 - min(self.decay, self.steps / (self.steps + START))
        current = _tensors(self.module)
        reals = [name for name, tensor in current.items() if tensor.is_floating_point()]
        kept, new = [self.kept[name] for name in reals], [current[name] for name in reals]
        torch._foreach_lerp_(kept, new, part)  # pyright: ignore[reportPrivateImportUsage]
        for name in current.keys() - set(reals):
            self.kept[name].copy_(current[name])

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Put the averages into the module for a while."""
        before = {name: tensor.detach().clone() for name, tensor in _tensors(self.module).items()}
        self._put(self.kept)
        try:
            yield
        finally:
            self._put(before)

    def load(self, kept: Mapping[str, Tensor], steps: int) -> None:
        """Go on from what ``kept`` and ``steps`` were."""
        for name, tensor in self.kept.items():
            tensor.copy_(kept[name])
        self.steps = steps

    @torch.no_grad()
    def _put(self, tensors: Mapping[str, Tensor]) -> None:
        for name, tensor in _tensors(self.module).items():
            tensor.copy_(tensors[name])


def _tensors(module: nn.Module) -> dict[str, Tensor]:
    """Return each tensor once, though modules may share it."""
    found: dict[int, tuple[str, Tensor]] = {}
    for name, tensor in module.state_dict(keep_vars=True).items():
        if isinstance(tensor, Tensor):
            found.setdefault(id(tensor), (name, tensor))
    return dict(found.values())
