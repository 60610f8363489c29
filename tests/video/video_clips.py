"""Small clips made on the spot, and where the shared ones are."""

from fractions import Fraction
from pathlib import Path

import av
import torch

from nvczoo.video import Picture, VideoInfo, VideoReader, create_video, open_video

Clip = list[Picture]
SHARED = Path(__file__).parents[3] / "shared" / "data"
FOREMAN = SHARED / "eval" / "foreman_176x144.mkv"


def make_clip(width: int, height: int, count: int, step: int = 1) -> Clip:
    """Return smooth pictures with some noise, ``step`` units of time apart."""
    generator = torch.Generator().manual_seed(width * height)

    def plane(rows: int, columns: int, phase: int) -> torch.Tensor:
        ramp = torch.arange(rows)[:, None] * 3 + torch.arange(columns)[None, :] * 2 + phase * 5
        noise = torch.randint(0, 9, (rows, columns), generator=generator)
        return ((ramp + noise) % 256).to(torch.uint8)

    chroma = (height + 1) // 2, (width + 1) // 2
    return [
        Picture(plane(height, width, i), plane(*chroma, i), plane(*chroma, 2 * i), i * step)
        for i in range(count)
    ]


def make_info(width: int, height: int, rate: Fraction = Fraction(25), **values: object) -> VideoInfo:
    """Return a description with one unit of time per picture, unless ``values`` say otherwise."""
    return VideoInfo(width, height, rate, **({"time_base": 1 / rate} | values))  # pyright: ignore


def write(path: Path, info: VideoInfo, clip: Clip, **arguments: object) -> Path:
    """Write a clip and return its path."""
    with create_video(path, info, **arguments) as writer:  # pyright: ignore
        for picture in clip:
            writer.write(picture)
    return path


def read(source: object, **arguments: object) -> tuple[VideoReader, Clip]:
    """Return the reader, closed, and all pictures."""
    with open_video(source, **arguments) as reader:  # pyright: ignore
        return reader, list(reader)


def same_samples(clip: Clip, other: Clip) -> bool:
    """Return whether both have the same pictures, whatever their times."""
    return len(clip) == len(other) and all(
        torch.equal(mine, theirs)
        for a, b in zip(clip, other, strict=True)
        for mine, theirs in zip(a.planes, b.planes, strict=True)
    )


def grey_frame(size: int, pixel_format: str = "yuv420p") -> av.VideoFrame:
    """Return a frame whose every byte is 128: a new frame of libav is whatever the memory held before."""
    frame = av.VideoFrame(size, size, pixel_format)
    for plane in frame.planes:
        plane.update(bytes([128]) * plane.buffer_size)
    return frame
