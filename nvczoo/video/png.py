"""A picture as PNG, without a library (PNG specification, third edition, W3C)."""

import struct
import zlib
from base64 import b64encode

import numpy as np
from torch import Tensor

SIGNATURE = b"\x89PNG\r\n\x1a\n"
RGB8 = (8, 2, 0, 0, 0)  # bits, colour type, compression, filter method, interlace
PAETH = 4  # one filter for all rows; for photographs it is mostly the best
LEVEL = 9


def png(rgb: Tensor) -> bytes:
    """Return the PNG file of uint8 RGB [3, H, W]."""
    height, width = rgb.shape[1:]
    header = struct.pack(">2I5B", width, height, *RGB8)
    data = zlib.compress(_filtered(rgb.permute(1, 2, 0).contiguous().numpy()), LEVEL)
    return SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def png_address(data: bytes) -> str:
    """Return an address that holds a PNG file, so that a page needs no other file."""
    return "data:image/png;base64," + b64encode(data).decode("ascii")


def _filtered(pixels: np.ndarray) -> bytes:
    """Return each row of [H, W, 3] as filter type and Paeth differences (section 9.4)."""
    padded = np.pad(pixels.astype(np.int16), ((1, 0), (1, 0), (0, 0)))
    left, up, corner = padded[1:, :-1], padded[:-1, 1:], padded[:-1, :-1]
    estimate = left + up - corner
    far_left, far_up, far_corner = (abs(estimate - one) for one in (left, up, corner))
    up_or_corner = np.where(far_up <= far_corner, up, corner)
    prediction = np.where((far_left <= far_up) & (far_left <= far_corner), left, up_or_corner)
    rows = (padded[1:, 1:] - prediction).astype(np.uint8).reshape(len(pixels), -1)
    return np.pad(rows, ((0, 0), (1, 0)), constant_values=PAETH).tobytes()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
