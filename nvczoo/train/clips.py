"""Training clips: video files and photographs, decoded once, cropped at random."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from nvczoo.errors import SettingError

SUFFIXES = {".mp4", ".mkv", ".mov", ".webm", ".avi", ".y4m", ".jpg", ".jpeg", ".png"}
MAX_SKIP = 3  # frames between two that are trained on as neighbours, at most
SHRINK_CHANCE = 0.5  # of shrinking a clip: new content, sharper, and coding noise gone
SHRINKS = (2, 3, 4)
CONTRAST = (0.8, 1.4)  # most clips are softer than what codecs are measured on


@dataclass(frozen=True)
class Crop:
    """What to cut out of a clip: frames, and the side of the square in luma samples."""

    frames: int
    side: int


@dataclass(frozen=True)
class Clip:
    """A decoded clip, memory-mapped: luma [T, H, W] and chroma [T, 2, H/2, W/2], uint8."""

    name: str
    luma: np.ndarray
    chroma: np.ndarray

    @property
    def frames(self) -> int:
        """The number of frames."""
        return self.luma.shape[0]

    def fits(self, crop: Crop) -> bool:
        """Return whether the crop can be cut out of this clip."""
        return self.frames >= crop.frames and min(self.luma.shape[1:]) >= crop.side


def decode_clip(path: Path, cache: Path) -> Clip:
    """Return the clip at ``path``, decoded into ``cache`` unless it stands there already."""
    key = hashlib.sha256(f"{path.name}:{path.stat().st_size}".encode()).hexdigest()[:16]
    luma_file, chroma_file = cache / f"{key}.luma.npy", cache / f"{key}.chroma.npy"
    if not chroma_file.exists():
        cache.mkdir(parents=True, exist_ok=True)
        luma, chroma = _decode(path)
        np.save(luma_file, luma)
        np.save(chroma_file, chroma)
    return Clip(path.name, np.load(luma_file, mmap_mode="r"), np.load(chroma_file, mmap_mode="r"))


def _decode(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return luma and chroma planes of every frame, cropped to even sizes."""
    luma, chroma = [], []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            height, width = frame.height // 2 * 2, frame.width // 2 * 2
            planes = frame.reformat(format="yuv420p").to_ndarray()
            full = frame.height * frame.width
            flat = planes.reshape(-1)
            luma.append(flat[:full].reshape(frame.height, frame.width)[:height, :width])
            half = (-(-frame.height // 2), -(-frame.width // 2))
            both = flat[full : full + 2 * half[0] * half[1]].reshape(2, *half)
            chroma.append(both[:, : height // 2, : width // 2])
    return np.stack(luma), np.stack(chroma)


class ClipSampler:
    """Draws random crops from clips, in the ``packed420`` layout; repeatable by seed."""

    def __init__(self, clips: Sequence[Clip], seed: int = 0) -> None:
        self.clips = tuple(clips)
        self.generator = np.random.default_rng(seed)

    @classmethod
    def from_folders(
        cls, folders: Iterable[Path], cache: Path, exclude: Sequence[str] = (), seed: int = 0
    ) -> "ClipSampler":
        """Return a sampler over every video and photograph below ``folders``.

        A file whose name contains one of ``exclude`` is left out.
        """
        paths = sorted(p for folder in folders for p in Path(folder).rglob("*") if p.suffix in SUFFIXES)
        kept = [p for p in paths if not any(word in p.name for word in exclude)]
        return cls([decode_clip(p, cache) for p in tqdm(kept, "decoding clips", disable=None)], seed)

    def batch(self, size: int, crop: Crop) -> Tensor:
        """Return [size, frames, 6, side/2, side/2] in 0..1."""
        fitting = [clip for clip in self.clips if clip.fits(crop)]
        if not fitting:
            raise SettingError(f"no clip has {crop.frames} frames of {crop.side}x{crop.side} or more")
        weights = np.array([clip.luma.size**0.5 for clip in fitting])
        chosen = self.generator.choice(len(fitting), size, p=weights / weights.sum())
        return torch.stack([self._cut(fitting[index], crop) for index in chosen])

    def _cut(self, clip: Clip, crop: Crop) -> Tensor:
        """Return one random crop [T, 6, side/2, side/2]."""
        draw = self.generator
        height, width = clip.luma.shape[1:]
        shrinks = [factor for factor in SHRINKS if min(height, width) >= factor * crop.side]
        shrink = int(draw.choice(shrinks)) if shrinks and draw.random() < SHRINK_CHANCE else 1
        side = crop.side * shrink
        skip = int(draw.integers(1, MAX_SKIP + 1)) if draw.random() < 0.3 else 1
        skip = max(1, min(skip, (clip.frames - 1) // max(crop.frames - 1, 1)))
        first = int(draw.integers(0, clip.frames - (crop.frames - 1) * skip))
        top = 2 * int(draw.integers(0, (height - side) // 2 + 1))
        left = 2 * int(draw.integers(0, (width - side) // 2 + 1))
        frames = slice(first, first + (crop.frames - 1) * skip + 1, skip)
        luma = torch.from_numpy(clip.luma[frames, top : top + side, left : left + side].copy())[:, None]
        half = slice(top // 2, (top + side) // 2), slice(left // 2, (left + side) // 2)
        chroma = torch.from_numpy(clip.chroma[frames, :, half[0], half[1]].copy())
        luma, chroma = luma.float() / 255, chroma.float() / 255
        if shrink > 1:
            luma, chroma = F.avg_pool2d(luma, shrink), F.avg_pool2d(chroma, shrink)
        contrast = float(draw.uniform(*CONTRAST))
        luma, chroma = (((plane - 0.5) * contrast + 0.5).clamp(0, 1) for plane in (luma, chroma))
        if draw.random() < 0.5:
            luma, chroma = luma.flip(0), chroma.flip(0)
        if draw.random() < 0.5:
            luma, chroma = luma.flip(-1), chroma.flip(-1)
        return torch.cat((F.pixel_unshuffle(luma, 2), chroma), dim=1)
