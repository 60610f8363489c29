"""A decoded video in memory, and everything that can be taken for a video."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import torch
from torch import Tensor

from nvczoo.codec.pictures import matrix_of
from nvczoo.errors import SettingError, ShapeError
from nvczoo.video.colour import BT709_FULL, planes_from_rgb, rgb_from_planes
from nvczoo.video.picture import Colour, Picture, VideoInfo
from nvczoo.video.png import png, png_address
from nvczoo.video.reader import VideoReader, open_video
from nvczoo.video.tracks import TrackPacket
from nvczoo.video.writer import can_hold, create_video

DEFAULT_RATE = Fraction(25)  # frames per second of pictures that come without one
BT709 = 1  # H.273 code point of matrix, primaries and transfer
SRGB_TRANSFER = 13  # H.273: what an array of RGB values usually is
SHOWN = 4  # frames of a video in a notebook, from the first to the last
SHOWN_WIDTH = 24  # per cent of the notebook's
RGB_COLOUR = Colour(full_range=True, matrix=BT709, primaries=BT709, transfer=SRGB_TRANSFER)


@dataclass(frozen=True, eq=False)
class Video:
    """Pictures, what is known of them, and the packets of the audio and subtitles beside them."""

    info: VideoInfo
    pictures: tuple[Picture, ...]
    packets: tuple[TrackPacket, ...] = ()

    def __len__(self) -> int:
        return len(self.pictures)

    def __iter__(self) -> Iterator[Picture]:
        return iter(self.pictures)

    def __getitem__(self, at: int) -> Picture:
        return self.pictures[at]

    def __repr__(self) -> str:
        return f"Video({len(self)} pictures of {self.info.width}x{self.info.height})"

    def _repr_html_(self) -> str:
        """Show some frames in a notebook."""
        matrix = matrix_of(self.info.colour)
        shown = evenly(len(self), SHOWN)
        images = (
            f'<img alt="frame {at}" title="frame {at}" style="width:{SHOWN_WIDTH}%" '
            f'src="{png_address(png(rgb_from_planes(self[at].planes, matrix)))}">'
            for at in shown
        )
        numbers = ", ".join(map(str, shown))
        text = f"{len(self)} pictures of {self.info.width}x{self.info.height}; frames {numbers}"
        return f"<div>{''.join(images)}<br>{text}</div>"

    def to_rgb(self) -> Tensor:
        """Return uint8 [T, 3, H, W] by the video's own matrix and range (BT.709 if it names none)."""
        matrix = matrix_of(self.info.colour)
        return torch.stack([rgb_from_planes(picture.planes, matrix) for picture in self.pictures])

    def to_numpy(self) -> np.ndarray:
        """Return uint8 [T, H, W, 3], RGB."""
        return self.to_rgb().permute(0, 2, 3, 1).contiguous().numpy()

    def save(self, path: str | os.PathLike[str], overwrite: bool = False) -> None:
        """Write a video file, without loss, in the format of its ending; tracks it cannot hold are lost."""
        tracks = tuple(track for track in self.info.tracks if can_hold(path, track))
        numbers = {track.number for track in tracks}
        with create_video(path, self.info, tracks=tracks, overwrite=overwrite) as writer:
            for picture in self.pictures:
                writer.write(picture)
            for packet in self.packets:
                if packet.track in numbers:
                    writer.write_packet(packet)


def evenly(count: int, wanted: int) -> list[int]:
    """Return up to ``wanted`` of the numbers below ``count``, the first and the last among them."""
    gaps = max(wanted - 1, 1)
    return sorted({(count - 1) * place // gaps for place in range(wanted)}) if count else []


class PicturesReader(VideoReader):
    """Reads what is in memory already."""

    def __init__(
        self, info: VideoInfo, pictures: Iterable[Picture], packets: tuple[TrackPacket, ...] = ()
    ) -> None:
        self.info = info
        self._pictures = iter(pictures)
        self._packets = packets

    def __next__(self) -> Picture:
        return next(self._pictures)

    def take_packets(self) -> tuple[TrackPacket, ...]:
        """Return the packets, once."""
        packets, self._packets = self._packets, ()
        return packets

    def close(self) -> None:
        """Do nothing: nothing was opened."""


def open_any(video: object, info: VideoInfo | None = None, tracks: bool = True) -> VideoReader:
    """Return a reader of a path, a reader, a ``Video``, RGB arrays or pictures.

    RGB is uint8, a tensor [T, 3, H, W] or a NumPy array [T, H, W, 3]; it is coded as BT.709, full range.
    ``info`` tells what arrays and pictures cannot: the frame rate, 25 otherwise, and colours. Without
    ``tracks`` a file's audio and subtitles are not even read.
    """
    if isinstance(video, VideoReader):
        return video
    if isinstance(video, str | os.PathLike):
        return open_video(video, tracks=tracks)
    if isinstance(video, Video):
        return PicturesReader(info or video.info, video.pictures, video.packets)
    if isinstance(video, np.ndarray):
        return _open_rgb(_from_numpy(video), info)
    if isinstance(video, Tensor):
        return _open_rgb(video, info)
    if isinstance(video, Iterable):
        return _open_pictures(video, info)
    raise SettingError(
        f"A {type(video).__name__} is no video: give a path, uint8 RGB as a tensor [T, 3, H, W] or a NumPy "
        "array [T, H, W, 3], or pictures"
    )


def _from_numpy(video: np.ndarray) -> Tensor:
    if video.dtype != np.uint8 or video.ndim != 4 or video.shape[-1] != 3:
        raise ShapeError(f"An RGB array is uint8 [T, H, W, 3], not {video.dtype} {list(video.shape)}")
    return torch.from_numpy(np.ascontiguousarray(video)).permute(0, 3, 1, 2)


def _open_rgb(video: Tensor, info: VideoInfo | None) -> VideoReader:
    if video.dtype != torch.uint8 or video.ndim != 4 or video.shape[1] != 3 or video.numel() == 0:
        raise ShapeError(
            f"An RGB video is uint8 [T, 3, H, W] and not empty, not {video.dtype} {list(video.shape)}"
        )
    height, width = video.shape[2:]
    if info is None:
        info = VideoInfo(width, height, DEFAULT_RATE, 1 / DEFAULT_RATE)
    info = replace(info, colour=RGB_COLOUR, frame_count=len(video))
    return PicturesReader(info, (Picture(*planes_from_rgb(frame, BT709_FULL)) for frame in video))


def _open_pictures(video: Iterable[object], info: VideoInfo | None) -> VideoReader:
    pictures = iter(video)
    first = next(pictures, None)
    if not isinstance(first, Picture):
        found = "nothing" if first is None else f"a {type(first).__name__}"
        raise SettingError(f"The video is an iterable of {found}; give one of nvczoo.video.Picture")
    info = info or VideoInfo(first.width, first.height, DEFAULT_RATE, 1 / DEFAULT_RATE)
    return PicturesReader(info, _chained(first, pictures))


def _chained(first: Picture, others: Iterator[object]) -> Iterator[Picture]:
    yield first
    for number, picture in enumerate(others, 1):
        if not isinstance(picture, Picture):
            raise SettingError(f"Item {number} of the video is a {type(picture).__name__}, not a Picture")
        yield picture
