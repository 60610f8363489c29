"""What an encoder finds out about frames before it codes them; decoders know nothing of it."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Plan:
    """How good a frame shall be, for its own sake and that of the frames that are predicted from it."""

    q_offset: Tensor  # [B], what to add to q; packets say what came of it
    worth: Tensor  # [B, 1, h, w]: how much a distortion counts here, in comparison with the frame's others


class Planner(ABC):
    """Looks at frames, in display order, each of which refers to the one before it but the first.

    For structures of which ``GopStructure.chained`` is true.
    """

    @abstractmethod
    def look(self, frame: Tensor) -> None:
        """Take the next frame [B, C, H, W], as the codec's layout says."""

    @abstractmethod
    def plans(self, q: Tensor, goes_on: bool) -> tuple[Plan, ...]:
        """Return the plan of each frame since the last call, for a video at ``q`` [B].

        ``goes_on`` says whether the next frame refers to the last of them.
        """
