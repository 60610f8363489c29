"""The GOP structures: in what order frames are coded, and from which references.

Each is a frozen dataclass, so that its fields are the options a stream's header repeats.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from nvczoo.errors import SettingError
from nvczoo.interfaces import Q_MAX, CodingStep, GopStructure

FIRST_ONLY = -1  # intra period: only frame 0 is intra coded
MAX_GROUP = 64  # frames; a decoder may have to keep a group's pictures until the first can be shown
MAX_REACH = 64  # frames; as many references may have to be kept


def _checked_period(period: int) -> None:
    if period != FIRST_ONLY and period < 1:
        raise SettingError(f"intra_period={period}: give the frames from one intra frame to the next, or -1")


@dataclass(frozen=True)
class AllIntra(GopStructure):
    """Every frame on its own."""

    group = 1
    reach = 0
    references_per_step = 0

    def steps(self, first: int, count: int) -> tuple[CodingStep, ...]:
        """Return one intra step per frame."""
        return tuple(CodingStep((frame,)) for frame in range(first, first + count))

    def is_entry(self, frame: int) -> bool:
        """Return True: no frame needs another."""
        del frame
        return True


@dataclass(frozen=True)
class LowDelay(GopStructure):
    """Frames in display order, each from the one before and one further back.

    The second reference is ``long_term`` frames back, or the last intra frame if that is nearer; with
    ``long_term=0`` there is none. Levels repeat ``pattern`` from each intra frame on. With ``refresh``
    the frame after every ``refresh``-th inter frame gets its references without their memory, which
    stops errors from building up in it (DCVC-FM, section 3.3).

    ``intra_q`` is added to the q of intra frames where there are others: all that follow are predicted from
    them, and what is spent once is saved many times.
    """

    intra_period: int = 32
    long_term: int = 4
    pattern: tuple[int, ...] = (0,)
    refresh: int = 0  # 0: never
    intra_q: int = 0

    group = 1
    chained = True

    def __post_init__(self) -> None:
        _checked_period(self.intra_period)
        if not 0 <= self.long_term <= MAX_REACH:
            raise SettingError(f"long_term={self.long_term}: choose 0 (none) to {MAX_REACH} frames")
        object.__setattr__(self, "pattern", tuple(self.pattern))  # cards and headers hold lists
        if not self.pattern or min(self.pattern) < 0:
            raise SettingError(f"pattern={self.pattern}: give at least one level, none negative")
        if self.refresh < 0:
            raise SettingError(f"refresh={self.refresh}: give a number of frames, or 0 for never")
        if not 0 <= self.intra_q <= Q_MAX:
            raise SettingError(f"intra_q={self.intra_q}: give what to add to q, from 0 to {Q_MAX:g}")
        object.__setattr__(self, "reach", max(self.long_term, 1))
        object.__setattr__(self, "references_per_step", 2 if self.long_term else 1)

    def steps(self, first: int, count: int) -> tuple[CodingStep, ...]:
        """Return the step of each frame, in display order."""
        return tuple(self._step(frame) for frame in range(first, first + count))

    def is_entry(self, frame: int) -> bool:
        """Return whether the frame is intra coded: later ones never look past it."""
        return frame == self._last_intra(frame)

    def _last_intra(self, frame: int) -> int:
        return 0 if self.intra_period == FIRST_ONLY else frame - frame % self.intra_period

    def _step(self, frame: int) -> CodingStep:
        intra = self._last_intra(frame)
        distance = frame - intra
        level = self.pattern[distance % len(self.pattern)]
        if distance == 0:
            return CodingStep((frame,), level=level, q_offset=self.intra_q if self.intra_period != 1 else 0)
        references = (frame - 1, max(frame - self.long_term, intra)) if self.long_term else (frame - 1,)
        reset = self.refresh > 0 and distance > 1 and distance % self.refresh == 1 % self.refresh
        return CodingStep((frame,), references, level, reset)


@dataclass(frozen=True)
class Hierarchical(GopStructure):
    """Groups of ``size`` frames: the last first, then the middle between decoded frames, and so on.

    A group's last frame is intra coded if the period says so, else it has the last frame of the group
    before as both references. The level is the depth of the bisection; the group's last frame is at 0.
    """

    size: int = 32
    intra_period: int = 32

    reach = 1
    references_per_step = 2

    def __post_init__(self) -> None:
        _checked_period(self.intra_period)
        if not 1 <= self.size <= MAX_GROUP:
            raise SettingError(f"size={self.size}: choose 1 to {MAX_GROUP} frames per group")
        if self.intra_period != FIRST_ONLY and self.intra_period % self.size:
            raise SettingError(
                f"intra_period={self.intra_period} is no multiple of size={self.size}: only the last frame "
                "of a group can be an intra frame"
            )
        object.__setattr__(self, "group", self.size)

    def steps(self, first: int, count: int) -> tuple[CodingStep, ...]:
        """Return the group's last frame, then its halves, each in the same way."""
        before, last = first - 1, first + count - 1
        anchor = CodingStep((last,), () if self.is_entry(last) else (before, before))
        return (anchor, *_bisect(before, last, level=1))

    def is_entry(self, frame: int) -> bool:
        """Return whether the frame is intra coded: later groups refer to none before it."""
        return frame == 0 if self.intra_period == FIRST_ONLY else frame % self.intra_period == 0


def _bisect(low: int, high: int, level: int) -> Iterator[CodingStep]:
    """Yield the frames strictly between two decoded ones, middle first, its references nearest first."""
    if high - low < 2:
        return
    middle = (low + high) // 2
    yield CodingStep((middle,), tuple(sorted((low, high), key=lambda end: abs(end - middle))), level)
    yield from _bisect(low, middle, level + 1)
    yield from _bisect(middle, high, level + 1)
