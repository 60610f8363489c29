"""Clips to train on: decoded once into files that are mapped into memory, or read as they are needed."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError

from nvczoo.errors import ShapeError, VideoError
from nvczoo.train.cuts import CutFinder
from nvczoo.video.atomic import atomic_output

MAX_FRAMES = 3000  # of a file that are decoded; at 1080p these take 9 GB of the cache
Planes = tuple[np.ndarray, np.ndarray]  # luma [T, H, W] and chroma [T, 2, H/2, W/2], uint8


@dataclass(frozen=True)
class Window:
    """What to cut out of a clip: frames, and a square of luma samples; all but ``step`` even or any."""

    first: int
    frames: int
    step: int  # 2: every second frame
    top: int  # even
    left: int  # even
    side: int  # even

    @property
    def numbers(self) -> range:
        """The frames."""
        return range(self.first, self.first + (self.frames - 1) * self.step + 1, self.step)

    def cut(self, luma: np.ndarray, chroma: np.ndarray) -> Planes:
        """Return the square of planes [..., H, W] and [..., H/2, W/2]."""
        top, left, end = self.top, self.left, self.side
        half = slice(top // 2, (top + end) // 2), slice(left // 2, (left + end) // 2)
        return luma[..., top : top + end, left : left + end], chroma[..., half[0], half[1]]


@dataclass(frozen=True)
class Clip:
    """Frames of one size; a shot is what lies between two cuts."""

    name: str
    height: int  # even, as is the width
    width: int
    shots: tuple[tuple[int, int], ...]  # first frame and count of each
    cached: Path | None = None  # planes of one frame after the other: Y, U, V
    pictures: tuple[Path, ...] = ()  # else a file per frame

    @property
    def frames(self) -> int:
        """The number of frames."""
        return sum(count for _, count in self.shots)

    @property
    def longest(self) -> int:
        """The frames of the longest shot."""
        return max(count for _, count in self.shots)

    def read(self, window: Window) -> Planes:
        """Return the planes in a window."""
        if self.cached is not None:
            return self._mapped(window)
        whole = (next(_planes(self.pictures[number])) for number in window.numbers)
        read = [window.cut(luma, chroma) for luma, chroma in whole]
        return np.stack([luma for luma, _ in read]), np.stack([chroma for _, chroma in read])

    def _mapped(self, window: Window) -> Planes:
        chosen = self._map[window.first : window.numbers[-1] + 1 : window.step]
        pixels = self.height * self.width
        luma = chosen[:, :pixels].reshape(-1, self.height, self.width)
        chroma = chosen[:, pixels:].reshape(-1, 2, self.height // 2, self.width // 2)
        return window.cut(luma, chroma)

    @cached_property
    def _map(self) -> np.ndarray:
        assert self.cached is not None
        return np.memmap(self.cached, np.uint8, "r").reshape(self.frames, -1)

    def __getstate__(self) -> dict[str, object]:
        """Leave the map behind: a worker makes its own, rather than being sent all that is in it."""
        return {name: value for name, value in self.__dict__.items() if name != "_map"}


def decode_clip(paths: tuple[Path, ...], name: str, cache: Path) -> Clip:
    """Return the clip in one file, or in a file per frame, decoded into ``cache`` unless it is there already.

    Raises VideoError, and ShapeError where frames differ in size.
    """
    told = [f"{path.resolve()}:{path.stat().st_size}:{path.stat().st_mtime_ns}" for path in paths]
    file = cache / f"{hashlib.sha256('|'.join(told).encode()).hexdigest()[:20]}.yuv"
    about = file.with_suffix(".json")
    if not about.exists():
        cache.mkdir(parents=True, exist_ok=True)
        found = _decode(paths, file)
        with atomic_output(about, overwrite=True) as partial:  # other runs may share the cache
            partial.write_text(json.dumps(found))
    found = json.loads(about.read_text())
    return Clip(name, found["height"], found["width"], tuple(map(tuple, found["shots"])), file)


def picture_clip(paths: tuple[Path, ...], name: str) -> Clip:
    """Return the clip of a file per frame, without cuts, that is read from these files."""
    luma, _ = next(_planes(paths[0]))
    height, width = luma.shape
    return Clip(name, height, width, ((0, len(paths)),), None, paths)


def _decode(paths: tuple[Path, ...], file: Path) -> dict[str, object]:
    """Write the planes of all frames; return size and shots."""
    finder, size, count = CutFinder(), None, 0
    with atomic_output(file, overwrite=True) as partial, partial.open("wb") as target:
        for luma, chroma in (planes for path in paths for planes in _planes(path)):
            size = size or luma.shape
            if luma.shape != size:
                raise ShapeError(f"{paths[0]} and what follows differ in size: {size} and {luma.shape}")
            if count == MAX_FRAMES:
                break
            finder.see(luma)
            target.write(luma.tobytes() + chroma.tobytes())
            count += 1
        if size is None:
            raise VideoError(f"{paths[0]} has no frames to train on")
    return {"height": size[0], "width": size[1], "shots": finder.shots()}


def _planes(path: Path) -> Iterator[Planes]:
    """Yield luma [H, W] and chroma [2, H/2, W/2] of every frame, cropped to even sizes."""
    try:
        with av.open(str(path)) as container:
            for frame in container.decode(video=0):
                yield _planes_of(frame)
    except (FFmpegError, IndexError, OSError) as error:
        raise VideoError(f"{path} cannot be decoded to train on: {error}") from error


def _planes_of(frame: av.VideoFrame) -> Planes:
    height, width = frame.height // 2 * 2, frame.width // 2 * 2
    whole = frame.reformat(format="yuv420p")
    y, u, v = (
        np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
        for plane in whole.planes
    )
    half = slice(height // 2), slice(width // 2)
    return y[:height, :width].copy(), np.stack((u[half], v[half]))
