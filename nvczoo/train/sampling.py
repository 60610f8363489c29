"""Which clips a step sees: decided by the seed and the step alone, whoever asks and in whatever order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from nvczoo.errors import SettingError
from nvczoo.train.augment import (
    Crop,
    Pictures,
    cut_out,
    draw_window,
    recoloured,
    relit,
    reversed_in_time,
    turned,
)
from nvczoo.train.clips import Clip
from nvczoo.train.stages import Source
from nvczoo.train.synthetic import set_in_motion, texture_side

AHEAD = 4  # steps that each worker prepares before they are asked for
ENDLESS = 1 << 62


@dataclass(frozen=True)
class Sample:
    """Clips of a step in the ``packed420`` layout, and their flow where all of it is known."""

    clip: Tensor  # [B, T, 6, side/2, side/2] in 0..1
    flow: Tensor | None  # [B, T - 1, 2, side/2, side/2]


class ClipSampler:
    """Draws random crops from clips; the same number of a step and a row always gives the same crop."""

    def __init__(
        self, clips: Sequence[Clip], crop: Crop, source: Source = "all", seed: Sequence[int] = (0,)
    ) -> None:
        self.crop, self.source, self.seed = crop, source, tuple(seed)
        self.clips = [clip for clip in clips if self._fits(clip)]
        if not self.clips:
            raise SettingError(
                f"No clip has {crop.frames} frames of {crop.side}x{crop.side}, and no picture has a side of "
                f"{texture_side(crop.side)}, from which such a clip could be made: choose a smaller side"
            )
        weights = np.array([(clip.height * clip.width * clip.frames) ** 0.5 for clip in self.clips])
        self._shares = weights / weights.sum()

    def sample(self, step: int, rows: range) -> Sample:
        """Return these rows of a step's batch."""
        drawn = [self._draw(np.random.default_rng((*self.seed, step, row))) for row in rows]
        flows = [flow for _, flow in drawn if flow is not None]
        clip = torch.stack([clip for clip, _ in drawn])
        return Sample(clip, torch.stack(flows) if len(flows) == len(drawn) else None)

    def _fits(self, clip: Clip) -> bool:
        side = min(clip.height, clip.width)
        moves = self.source == "all" and clip.longest >= self.crop.frames and side >= self.crop.side
        return moves or side >= texture_side(self.crop.side)

    def _draw(self, draw: Generator) -> tuple[Tensor, Tensor | None]:
        """Return one crop [T, 6, side/2, side/2]; of a synthetic one also the flow."""
        clip = self.clips[draw.choice(len(self.clips), p=self._shares)]
        real = self.source == "all" and clip.longest >= self.crop.frames
        pictures, flow = self._real(clip, draw) if real else self._synthetic(clip, draw)
        return recoloured(relit(pictures, draw), draw).packed(), flow

    def _real(self, clip: Clip, draw: Generator) -> tuple[Pictures, None]:
        cut = cut_out(clip, draw_window(clip, self.crop, draw), self.crop.side)
        return turned(reversed_in_time(cut, draw), draw), None

    def _synthetic(self, clip: Clip, draw: Generator) -> tuple[Pictures, Tensor]:
        side = texture_side(self.crop.side)
        texture = cut_out(clip, draw_window(clip, Crop(1, side), draw), side)
        moving = set_in_motion(turned(texture, draw), self.crop.frames, self.crop.side, draw)
        return moving.pictures, moving.flow


class _Steps(Dataset[Sample]):
    """The rows of each step, for a loader's workers."""

    def __init__(self, sampler: ClipSampler, rows: range) -> None:
        self.sampler, self.rows = sampler, rows

    def __getitem__(self, step: int) -> Sample:
        return self.sampler.sample(step, self.rows)


def samples(
    sampler: ClipSampler, rows: range, first: int, workers: int, end: int = ENDLESS
) -> Iterator[Sample]:
    """Yield the rows of the steps from ``first`` to ``end``, prepared by so many worker processes."""
    steps = range(first, end)
    if workers == 0:
        yield from (sampler.sample(step, rows) for step in steps)
        return
    yield from DataLoader(
        _Steps(sampler, rows),
        batch_size=None,
        sampler=steps,
        num_workers=workers,
        prefetch_factor=AHEAD,
        multiprocessing_context="spawn",  # a process with threads or a device must not be forked
        worker_init_fn=_alone,
    )


def _alone(worker: int) -> None:
    """Give a worker one thread: as many as there are cores in each would get in each other's way."""
    del worker
    torch.set_num_threads(1)
