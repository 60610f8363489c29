"""Writing a video, whatever it shall be stored in."""

from __future__ import annotations

import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO

from nvczoo.errors import ShapeError, VideoError
from nvczoo.video import y4m
from nvczoo.video.atomic import atomic_output
from nvczoo.video.picture import Picture, VideoInfo
from nvczoo.video.planar import write_planes
from nvczoo.video.tracks import Track, TrackPacket

CONTAINERS = {".mkv": "matroska", ".webm": "webm", ".mp4": "mp4", ".m4v": "mp4", ".mov": "mov"}
PLANAR = (".y4m", ".yuv")


class VideoWriter(ABC):
    """Takes pictures in display order, and packets of the tracks it was opened with."""

    def __init__(self, info: VideoInfo) -> None:
        self.info = info

    @abstractmethod
    def write(self, picture: Picture) -> None:
        """Write one picture of the size in ``info``."""

    @abstractmethod
    def write_packet(self, packet: TrackPacket) -> None:
        """Write one packet; those of a track must come in order."""

    def check(self, picture: Picture) -> None:
        """Raise ShapeError unless the picture has the size in ``info``."""
        found, wanted = (picture.width, picture.height), (self.info.width, self.info.height)
        if found != wanted:
            raise ShapeError(f"A picture of {found} was given to a video of {wanted} (width, height)")


class PlanarWriter(VideoWriter):
    """Writes y4m and raw .yuv, which hold neither timestamps nor tracks."""

    def __init__(self, file: BinaryIO, info: VideoInfo, raw: bool) -> None:
        super().__init__(info)
        self._file = file
        self._raw = raw
        if not raw:
            y4m.write_header(file, info)

    def write(self, picture: Picture) -> None:
        """Write one picture of the size in ``info``; its timestamp has no place here."""
        self.check(picture)
        (write_planes if self._raw else y4m.write_picture)(self._file, picture)

    def write_packet(self, packet: TrackPacket) -> None:
        """Raise VideoError."""
        raise VideoError("y4m and .yuv hold pictures only; write .mkv to keep sound and subtitles")


def create_video(
    target: str | os.PathLike[str] | BinaryIO,
    info: VideoInfo,
    codec: str | None = None,
    options: Mapping[str, str] | None = None,
    tracks: Sequence[Track] = (),
    overwrite: bool = False,
) -> AbstractContextManager[VideoWriter]:
    """Return a context that gives a writer; the file appears under its name when the context ends well.

    All formats are lossless unless ``codec`` and ``options`` (libav's names, such as "libx264" and
    {"crf": "18"}) choose otherwise. By the ending of the name:

    - .y4m, .yuv: samples as they are, without times, tracks and most of the colour description; a
      binary file object and "-" (stdout) get y4m.
    - .mkv: FFV1, or x264 at qp 0 if samples are not square; .webm: lossless VP9. Times in milliseconds.
    - .mp4, .mov: x264 at qp 0; .mp4 with an odd side: lossless VP9. Times in ``info.time_base``.

    Raises VideoError, before the first picture if the format cannot hold what ``info`` and ``tracks`` ask.
    """
    if isinstance(target, str | os.PathLike) and target != "-":
        path = Path(target)
        ending = path.suffix.lower()
        if ending in PLANAR:
            _refuse_extras(ending, codec, tracks)
            return _planar_file(path, info, overwrite)
        if ending not in CONTAINERS:
            known = ", ".join((*PLANAR, *CONTAINERS))
            raise VideoError(f"{str(path)!r} ends in {ending!r}, which is no known format; known are {known}")
        return _container_file(path, info, codec, options, tracks, overwrite)
    _refuse_extras("y4m", codec, tracks)
    return _planar_pipe(target, info)


def can_hold(target: str | os.PathLike[str], track: Track) -> bool:
    """Return whether a file of this name can hold the track."""
    ending = Path(target).suffix.lower()
    if ending not in CONTAINERS:
        return False
    from nvczoo.video.libav_writer import fits  # loads PyAV, which most of nvczoo never needs

    return fits(CONTAINERS[ending], track)


def _refuse_extras(ending: str, codec: str | None, tracks: Sequence[Track]) -> None:
    if codec is not None:
        raise VideoError(
            f"{ending} is not compressed, so the codec {codec!r} has no place; write .mkv or .mp4"
        )
    if tracks:
        raise VideoError(f"{ending} holds pictures only, and {len(tracks)} tracks were given; write .mkv")


@contextmanager
def _planar_file(path: Path, info: VideoInfo, overwrite: bool) -> Iterator[VideoWriter]:
    with atomic_output(path, overwrite) as temporary, temporary.open("wb") as file:
        yield PlanarWriter(file, info, raw=path.suffix.lower() == ".yuv")


@contextmanager
def _planar_pipe(target: str | os.PathLike[str] | BinaryIO, info: VideoInfo) -> Iterator[VideoWriter]:
    file = sys.stdout.buffer if isinstance(target, str | os.PathLike) else target
    if not hasattr(file, "write"):
        raise VideoError(f"A video goes to a path, '-' or a binary file object, not {type(file).__name__}")
    try:
        yield PlanarWriter(file, info, raw=False)
        file.flush()
    except BrokenPipeError as error:
        raise VideoError("The program that was to read the video has ended") from error
    except OSError as error:
        raise VideoError(f"Writing the video failed: {error.strerror or error}") from error


@contextmanager
def _container_file(
    path: Path,
    info: VideoInfo,
    codec: str | None,
    options: Mapping[str, str] | None,
    tracks: Sequence[Track],
    overwrite: bool,
) -> Iterator[VideoWriter]:
    from nvczoo.video.libav_writer import LibavWriter  # loads PyAV, which most of nvczoo never needs

    container = CONTAINERS[path.suffix.lower()]
    with atomic_output(path, overwrite) as temporary, temporary.open("wb") as file:
        writer = LibavWriter(file, container, info, (codec, options), tracks)
        try:
            yield writer
            writer.finish()
        finally:
            writer.close()
