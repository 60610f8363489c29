"""Frames that are seen before the first of them is coded, so that each gets the quality it is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from nvczoo.codec.gop_options import group_length
from nvczoo.errors import SettingError
from nvczoo.interfaces import THOROUGH, GopStructure, Plan

if TYPE_CHECKING:
    from nvczoo.codec.video_codec import VideoCodec

LOOKAHEAD, MAX_LOOKAHEAD = 32, 64  # frames that wait, usually and at most: their pictures are kept


class LookAhead:
    """Cuts a video into what is coded at once, and has it planned, if the codec plans.

    That is a group of the structure, or with a planner all frames from an intra frame to the next.
    """

    def __init__(self, codec: VideoCodec, gop: GopStructure, effort: int, frames: int = LOOKAHEAD) -> None:
        """``frames`` is how many may wait; with 0 there are no plans."""
        if not 0 <= frames <= MAX_LOOKAHEAD:
            raise SettingError(f"lookahead={frames}: choose 0 (none) to {MAX_LOOKAHEAD} frames")
        self._most = frames
        inter = codec.inter if gop.chained and effort >= THOROUGH and frames > 0 else None
        self._planner = None if inter is None else inter.planner()
        self._gop = gop

    @property
    def looks(self) -> bool:
        """Whether frames are to be shown to it."""
        return self._planner is not None

    def look(self, frame: Tensor) -> None:
        """Take the next frame [B, C, H, W]."""
        if self._planner is not None:
            self._planner.look(frame)

    def complete(self, first: int, count: int) -> bool:
        """Return whether ``count`` frames, from ``first`` on, are to be coded before another one is seen."""
        if self._planner is None:
            return count == group_length(self._gop, first)
        return count == self._most or self._gop.is_entry(first + count)

    def planned(self, q: Tensor, first: int, count: int, last: bool) -> tuple[Plan | None, ...]:
        """Return the plans of so many frames for ``q`` [B]; ``last`` says that no frame follows them."""
        if self._planner is None:
            return (None,) * count
        return self._planner.plans(q, goes_on=not last and not self._gop.is_entry(first + count))


def plans_of_clip(
    codec: VideoCodec, clip: Tensor, q: Tensor, gop: GopStructure, effort: int, lookahead: int
) -> tuple[Plan | None, ...]:
    """Return the plan of each frame of a clip [B, T, C, H, W] for ``q`` [B]."""
    ahead, count = LookAhead(codec, gop, effort, lookahead), clip.shape[1]
    if not ahead.looks:
        return (None,) * count
    plans: tuple[Plan | None, ...] = ()
    for frame in range(count):
        ahead.look(clip[:, frame])
        first, seen = len(plans), frame + 1 - len(plans)
        last = frame + 1 == count
        if last or ahead.complete(first, seen):
            plans += ahead.planned(q, first, seen, last)
    return plans
