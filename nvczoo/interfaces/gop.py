"""In what order frames are coded, and from which references."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor

from .planner import Plan
from .rate import Q_MAX, Q_MIN


@dataclass(frozen=True)
class CodingStep:
    """One call of a codec: no references means the intra codec."""

    frames: tuple[int, ...]  # display indices; one, unless the codec codes chunks
    references: tuple[int, ...] = ()  # display indices, nearest first
    level: int = 0  # quality level, 0 is the best
    reset: bool = False  # hand the references over without their memory, or what it says a reset leaves
    q_offset: int = 0  # what an encoder adds to q; packets say what came of it

    @property
    def distances(self) -> tuple[int, ...]:
        """How many frames after the (first) frame each reference is shown; negative: before it."""
        return tuple(reference - self.frames[0] for reference in self.references)

    def quality(self, q: Tensor, plan: Plan | None = None) -> Tensor:
        """Return the q to encode at, [B], for that of the video, [B]; a plan has the last word."""
        offset = self.q_offset if plan is None else plan.q_offset
        return q if isinstance(offset, int) and offset == 0 else (q + offset).clamp(Q_MIN, Q_MAX)


class GopStructure(ABC):
    """Cuts a video into groups of frames and orders each."""

    group: int = 1  # frames per group; frame 0 is a group of its own, the last may be short
    reach: int = 1  # no later group refers further back than this many frames before its first
    references_per_step: int = 1  # the most a step names
    chained: bool = False  # a group is a frame, which refers to the one before it, if to any

    @abstractmethod
    def steps(self, first: int, count: int) -> tuple[CodingStep, ...]:
        """Return the steps, in coding order, of the group of ``count`` frames that starts at ``first``."""

    @abstractmethod
    def is_entry(self, frame: int) -> bool:
        """Return whether decoding can start at this frame: it and all later groups need nothing before it."""
