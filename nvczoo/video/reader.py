"""Opening a video, whatever it is stored in."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, Self

from nvczoo.errors import SettingError, VideoError
from nvczoo.video import y4m
from nvczoo.video.picture import Colour, Picture, VideoInfo
from nvczoo.video.planar import picture_bytes, read_planes
from nvczoo.video.sources import ByteSource, open_source
from nvczoo.video.tracks import Track, TrackPacket

RAW_FORMATS = {"yuv420p": False, "yuvj420p": True}  # read without a library -> full range


class VideoReader(ABC):
    """An iterator over the pictures of a video, and a context manager. Never holds more than a few."""

    info: VideoInfo
    conversion: str | None = None  # what was done to the pictures; None if they are untouched
    left_out: tuple[str, ...] = ()  # streams that are not carried: cover pictures, fonts, further videos

    @property
    def tracks(self) -> tuple[Track, ...]:
        """The audio and subtitle tracks that can be carried along."""
        return self.info.tracks

    def take_packets(self) -> tuple[TrackPacket, ...]:
        """Return the packets of ``tracks`` met since the last call: ask after each picture and at the end."""
        return ()

    @abstractmethod
    def __next__(self) -> Picture: ...

    def __iter__(self) -> Iterator[Picture]:
        return self

    @abstractmethod
    def close(self) -> None:
        """Close what was opened."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class PlanarReader(VideoReader):
    """Reads y4m and raw .yuv."""

    def __init__(self, source: ByteSource, info: VideoInfo, pictures: Iterator[Picture]) -> None:
        self.info = info
        self._source = source
        self._pictures = pictures

    def __next__(self) -> Picture:
        return next(self._pictures)

    def close(self) -> None:
        """Close the file."""
        self._source.close()


def open_video(
    source: str | os.PathLike[str] | BinaryIO,
    size: tuple[int, int] | None = None,
    rate: Fraction | int | str | None = None,
    pixel_format: str | None = None,
    convert: bool = False,
    tracks: bool = True,
) -> VideoReader:
    """Return a reader of a path, of stdin ("-") or of a binary file object; pipes are never sought.

    Raw .yuv needs ``size`` (width, height) and ``rate``; ``pixel_format`` is "yuv420p" unless said
    otherwise ("yuvj420p" is full range). All else is recognised by its content. 8-bit 4:2:0 comes out
    bit for bit; other formats raise VideoError unless ``convert`` allows to change them, and
    ``conversion`` then says how. With ``tracks`` the packets of audio and subtitles wait in
    ``take_packets``; switch it off where nobody takes them.
    """
    stream = open_source(source)
    try:
        frame_rate = None if rate is None else parse_rate(rate)
        if size is not None:
            return _open_raw(stream, size, frame_rate, pixel_format or "yuv420p", convert)
        if pixel_format is not None:
            raise VideoError("A pixel format is for raw .yuv, which also needs its size and rate")
        if stream.peek(len(y4m.MAGIC)) == y4m.MAGIC:
            info = y4m.read_header(stream, frame_rate)
            return PlanarReader(stream, info, y4m.read_pictures(stream, info))
        if isinstance(source, str | os.PathLike) and Path(source).suffix.lower() == ".yuv":
            raise VideoError(
                f"{stream.label} is raw video: give its size, rate and, if not 4:2:0, pixel format"
            )
        if frame_rate is not None:
            raise VideoError(f"{stream.label} states its own frame rate; rate= is for raw .yuv")
        return _open_container(stream, convert, tracks)
    except BaseException:
        stream.close()
        raise


def parse_rate(rate: Fraction | int | float | str) -> Fraction:
    """Return a frame rate from a number or from text like "25", "29.97" or "30000/1001"."""
    try:
        return Fraction(rate)
    except (ValueError, ZeroDivisionError, TypeError, OverflowError) as error:
        raise VideoError(f"{rate!r} is no frame rate; 25, '30000/1001' or '29.97' would be") from error


def _open_raw(
    source: ByteSource, size: tuple[int, int], rate: Fraction | None, pixel_format: str, convert: bool
) -> VideoReader:
    if rate is None:
        raise VideoError(f"{source.label} is raw video: give its frame rate (rate=) beside its size")
    try:
        colour = Colour(full_range=RAW_FORMATS.get(pixel_format, False))
        info = VideoInfo(*size, frame_rate=rate, time_base=1 / rate, colour=colour)
    except (SettingError, TypeError, ZeroDivisionError) as error:
        raise VideoError(f"Raw video of size {size!r} at rate {rate} cannot be read: {error}") from error
    if pixel_format not in RAW_FORMATS:
        from nvczoo.video.libav_reader import LibavReader  # loads PyAV, which most of nvczoo never needs

        return LibavReader.raw(source, info, pixel_format, convert)
    remaining = source.remaining()
    if remaining is not None:
        info = replace(info, frame_count=remaining // picture_bytes(info))
    return PlanarReader(source, info, _raw_pictures(source, info))


def _raw_pictures(source: ByteSource, info: VideoInfo) -> Iterator[Picture]:
    number = 0
    while (picture := read_planes(source, info, number)) is not None:
        yield picture
        number += 1


def _open_container(source: ByteSource, convert: bool, tracks: bool) -> VideoReader:
    from nvczoo.video.libav_reader import LibavReader  # loads PyAV, which most of nvczoo never needs

    return LibavReader.container(source, convert, tracks)
