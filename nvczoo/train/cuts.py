"""Where one shot ends and the next begins, so that no codec learns to predict across a cut."""

import numpy as np

SHRINK = 8  # of the picture that is compared: motion matters less, and it costs less
CHANGE = 12.0  # of luma 0..255 in the mean: less is never called a cut
TIMES = 3.0  # as much as the usual change around it
AROUND = 8  # frames to both sides
ABRUPT = 30.0  # always a cut: pictures that have nothing in common differ by this, and motion hardly ever


class CutFinder:
    """Takes frames in turn, and tells the shots."""

    def __init__(self) -> None:
        self._last: np.ndarray | None = None
        self._changes: list[float] = []  # from each frame to the next

    def see(self, luma: np.ndarray) -> None:
        """Take the next frame, uint8 [H, W]."""
        height, width = (max(side // SHRINK, 1) * min(SHRINK, side) for side in luma.shape)
        blocks = luma[:height, :width].reshape(height // min(SHRINK, height), -1, width)
        small = blocks.mean(axis=1).reshape(len(blocks), -1, min(SHRINK, width)).mean(axis=2)
        if self._last is not None:
            self._changes.append(float(np.abs(small - self._last).mean()))
        self._last = small

    def shots(self) -> tuple[tuple[int, int], ...]:
        """Return first frame and number of frames of each shot."""
        starts = [0, *(at + 1 for at in range(len(self._changes)) if self._is_cut(at))]
        ends = [*starts[1:], len(self._changes) + 1]
        return tuple((start, end - start) for start, end in zip(starts, ends, strict=True))

    def _is_cut(self, at: int) -> bool:
        around = self._changes[max(0, at - AROUND) : at] + self._changes[at + 1 : at + 1 + AROUND]
        usual = float(np.median(around)) if around else 0.0
        return self._changes[at] > min(max(CHANGE, TIMES * usual), ABRUPT)
