"""Which frames must be decoded to show those from some frame on, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nvczoo.codec.gop_options import group_of
from nvczoo.interfaces import CodingStep, GopStructure


@dataclass(frozen=True)
class Seek:
    """Where a decoder begins: as a ``StreamReader`` finds it by the index."""

    entry: int = 0  # display index of the intra frame whose packet comes first
    start: int = 0  # the first frame to show
    count: int | None = None  # frames of the whole stream; None: unknown, so all from ``entry`` are decoded


@dataclass(frozen=True)
class Needed:
    """The frames from ``start`` on, and those before it that they are decoded from."""

    start: int
    before: frozenset[int] = frozenset()

    def __contains__(self, step: CodingStep) -> bool:
        return any(frame >= self.start or frame in self.before for frame in step.frames)


def needed_frames(gop: GopStructure, seek: Seek) -> Needed:
    """Return what to decode from the entry on."""
    if seek.count is None:
        return Needed(seek.entry)
    needed: set[int] = set()
    for step in reversed(list(_steps(gop, seek, seek.count))):
        if any(frame >= seek.start or frame in needed for frame in step.frames):
            needed.update(step.references)
    return Needed(seek.start, frozenset(frame for frame in needed if frame < seek.start))


def _steps(gop: GopStructure, seek: Seek, count: int) -> Iterator[CodingStep]:
    """Yield the steps from the entry's group to the last one that may refer to frames before the start."""
    frame = seek.entry
    while frame < min(count, seek.start + max(gop.reach, 1)):
        group = group_of(gop, frame)
        if group.last >= count:
            group = group_of(gop, frame, count - group.first)
        yield from group.steps
        frame = group.last + 1
