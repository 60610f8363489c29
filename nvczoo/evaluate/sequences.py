"""A sequence: a video file, how to read it, and what it should be."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path

from nvczoo.codec.video import Video
from nvczoo.errors import SettingError, VideoError
from nvczoo.video.reader import VideoReader, open_video

CHUNK = 1 << 20  # bytes hashed at once


@dataclass(frozen=True)
class Sequence:
    """A file and, where it is raw video, its form; ``group`` is the class it is averaged in."""

    name: str
    path: Path
    group: str = ""
    size: tuple[int, int] | None = None  # (width, height), of raw video
    rate: str | None = None  # frames per second, of raw video
    pixel_format: str | None = None  # of raw video; None: yuv420p
    frames: int | None = None  # the file should hold
    sha256: str | None = None  # the file should have

    def open(self) -> VideoReader:
        """Return a reader of the pictures; sound is not read."""
        return open_video(self.path, self.size, self.rate, self.pixel_format, tracks=False)

    def read(self, frames: int | None) -> Video:
        """Return the first ``frames`` pictures; raises VideoError if there are none."""
        with self.open() as reader:
            pictures = tuple(islice(reader, frames))
        if not pictures:
            raise VideoError(f"{str(self.path)!r} holds no picture")
        return Video(reader.info, pictures)

    @property
    def identity(self) -> str:
        """What tells this file from another of its name: its hash, or else its size in bytes."""
        if self.sha256 is not None:
            return self.sha256
        try:
            return f"{self.path.stat().st_size} bytes"
        except OSError as error:
            raise VideoError(f"Cannot open {str(self.path)!r}: {error.strerror or error}") from error


def sequence_of(path: Path) -> Sequence:
    """Return a file that states its own form, named after it."""
    if path.suffix.lower() == ".yuv":
        raise SettingError(
            f"{str(path)!r} is raw video, whose size and rate a dataset's TOML tells: see docs/evaluation.md"
        )
    return Sequence(path.stem, path)


def sha256_of(path: Path) -> str:
    """Return the hash of a file, in hexadecimal digits; one that has not changed is read once."""
    stat = path.stat()
    return _sha256(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=1024)
def _sha256(path: Path, size: int, changed: int) -> str:
    del size, changed  # they tell files of one name apart
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
