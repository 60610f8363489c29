"""The decoded frames that later ones may refer to, and no others."""

from collections.abc import Iterable
from dataclasses import fields, is_dataclass, replace
from typing import Any

import torch
from torch import Tensor

from nvczoo.interfaces import CodingStep, Reference


class ReferenceBuffer:
    """References by display index."""

    def __init__(self) -> None:
        self._kept: dict[int, Reference] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, frame: int) -> bool:
        return frame in self._kept

    def holds(self, step: CodingStep) -> bool:
        """Return whether all references of a step are here."""
        return all(frame in self._kept for frame in step.references)

    def of(self, step: CodingStep) -> tuple[Reference, ...]:
        """Return the references a step names, reset if it says so."""
        found = tuple(self._kept[frame] for frame in step.references)
        return tuple(map(after_reset, found)) if step.reset else found

    def add(self, step: CodingStep, reference: Reference) -> None:
        """Keep what a step left behind, under each of its display indices."""
        self._kept |= dict.fromkeys(step.frames, _arranged(reference))

    def release(self, remaining: Iterable[CodingStep], horizon: int) -> None:
        """Drop the frames before ``horizon`` that none of the group's remaining steps names."""
        named = {frame for step in remaining for frame in step.references}
        self._kept = {at: kept for at, kept in self._kept.items() if at >= horizon or at in named}


def after_reset(reference: Reference) -> Reference:
    """Return the reference without its memory, or with what the memory's ``after_reset()`` leaves of it."""
    left = getattr(reference.memory, "after_reset", None)
    return replace(reference, memory=left() if left else None)


def _arranged(value: Reference) -> Reference:
    """Return the reference with its images and feature maps channels last in memory.

    The arrangement chooses the kernel, and another kernel rounds otherwise: encoder and decoder may
    come by a tensor in different ways and must not keep it in different ones.
    """
    return Reference(_channels_last(value.frame), _channels_last(value.memory))


def _channels_last(value: Any) -> Any:
    """Return the value with the tensors in it rearranged, however deep in tuples and frozen dataclasses."""
    if isinstance(value, Tensor):
        return value.contiguous(memory_format=torch.channels_last) if value.ndim == 4 else value
    if isinstance(value, tuple):
        return tuple(map(_channels_last, value))
    if is_dataclass(value) and not isinstance(value, type):
        kept = {one.name: getattr(value, one.name) for one in fields(value) if one.init}
        return replace(value, **{name: _channels_last(one) for name, one in kept.items()})
    return value
