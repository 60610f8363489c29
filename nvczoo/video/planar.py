"""Pictures as bytes: Y, U and V one after the other, as y4m and raw .yuv store them."""

from typing import BinaryIO

import torch

from nvczoo.errors import VideoError
from nvczoo.video.picture import Picture, VideoInfo, chroma_size
from nvczoo.video.sources import ByteSource


def picture_bytes(info: VideoInfo) -> int:
    """Return the size of a picture in bytes."""
    rows, columns = chroma_size(info.height, info.width)
    return info.width * info.height + 2 * rows * columns


def read_planes(source: ByteSource, info: VideoInfo, number: int) -> Picture | None:
    """Return the next picture, the ``number``-th from 0, or None where the source ends."""
    size = picture_bytes(info)
    data = source.fill(size)
    if not data:
        return None
    if len(data) < size:
        raise VideoError(
            f"{source.label} ends inside picture {number}: {len(data)} of {size} bytes are there; "
            f"is {info.width}x{info.height} 4:2:0 its true format?"
        )
    chroma = chroma_size(info.height, info.width)
    luma_bytes, chroma_bytes = info.width * info.height, chroma[0] * chroma[1]
    y, u, v = torch.frombuffer(data, dtype=torch.uint8).split([luma_bytes, chroma_bytes, chroma_bytes])
    return Picture(y.view(info.height, info.width), u.view(chroma), v.view(chroma), number)


def write_planes(target: BinaryIO, picture: Picture) -> None:
    """Write the planes without gaps."""
    for plane in picture.planes:
        target.write(plane.cpu().contiguous().numpy().data)
