"""A picture, its colours, and what is known of the video it belongs to: plain values, no library needed."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor

from nvczoo.errors import SettingError, ShapeError
from nvczoo.video.colour import BT709_LIMITED, rgb_from_planes
from nvczoo.video.png import png
from nvczoo.video.tracks import MAX_TRACKS, Track

MAX_SIDE = 16384  # pixels
MAX_PIXELS = 1 << 26  # per picture: twice 8K, and 100 MB in 4:2:0
MAX_RATIONAL = (1 << 31) - 1  # numerators and denominators must fit the 32 bits that containers give them
MAX_FRAME_RATE = 100_000  # pictures per second
MAX_CODE_POINT = 255  # H.273 code points are bytes
MAX_CHROMA_LOCATION = 5  # H.273, chroma_sample_loc_type
UNSPECIFIED = 2  # H.273 code point of all three colour descriptions


def _check_range(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise SettingError(f"{name} is {value}; it must be from {low} to {high}")


def _check_rational(name: str, value: Fraction) -> None:
    if not (value > 0 and value.numerator <= MAX_RATIONAL and value.denominator <= MAX_RATIONAL):
        raise SettingError(f"{name} is {value}; it must be positive, with terms of at most {MAX_RATIONAL}")


@dataclass(frozen=True)
class Colour:
    """How samples become light: range, and code points of ITU-T H.273 (2 is "unspecified").

    ``chroma_location`` is H.273's chroma_sample_loc_type (0 left, 1 centre, 2 top left, ...), or None if
    unknown.
    """

    full_range: bool = False
    matrix: int = UNSPECIFIED
    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED
    chroma_location: int | None = None

    def __post_init__(self) -> None:
        for name in ("matrix", "primaries", "transfer"):
            _check_range(name, getattr(self, name), 0, MAX_CODE_POINT)
        if self.chroma_location is not None:
            _check_range("chroma_location", self.chroma_location, 0, MAX_CHROMA_LOCATION)


@dataclass(frozen=True, eq=False)
class Picture:
    """One 8-bit 4:2:0 picture: planes of uint8, luma [H, W], chroma [ceil(H/2), ceil(W/2)].

    ``pts`` is the time of display in units of the video's ``time_base``, or None for "one frame after
    the last".
    """

    y: Tensor
    u: Tensor
    v: Tensor
    pts: int | None = None

    def __post_init__(self) -> None:
        if self.y.dim() != 2:
            raise ShapeError(f"The luma plane has shape {list(self.y.shape)}; it must be [H, W]")
        chroma = chroma_size(self.height, self.width)
        for name, plane, shape in (("y", self.y, self.y.shape), ("u", self.u, chroma), ("v", self.v, chroma)):
            if plane.dtype != torch.uint8:
                raise ShapeError(f"Plane {name} is {plane.dtype}; an 8-bit picture needs torch.uint8")
            if tuple(plane.shape) != tuple(shape):
                raise ShapeError(
                    f"Plane {name} has shape {list(plane.shape)}, but luma {list(self.y.shape)} in 4:2:0 "
                    f"needs {list(shape)}: half of each side, rounded up"
                )

    @property
    def planes(self) -> tuple[Tensor, Tensor, Tensor]:
        """Y, U and V."""
        return self.y, self.u, self.v

    @property
    def height(self) -> int:
        """Rows of luma."""
        return self.y.shape[0]

    @property
    def width(self) -> int:
        """Columns of luma."""
        return self.y.shape[1]

    def same(self, other: Picture) -> bool:
        """Return whether all samples and the timestamps are equal."""
        pairs = zip(self.planes, other.planes, strict=True)
        return self.pts == other.pts and all(torch.equal(mine, theirs) for mine, theirs in pairs)

    def __repr__(self) -> str:
        return f"Picture({self.width}x{self.height}, pts={self.pts})"

    def _repr_png_(self) -> bytes:
        """Show the picture in a notebook; BT.709, limited range, as a picture alone does not say its own."""
        return png(rgb_from_planes(self.planes, BT709_LIMITED))


@dataclass(frozen=True)
class VideoInfo:
    """What holds for all pictures of a video.

    ``frame_rate`` is nominal; a video of varying rate has its times in the pictures. ``frame_count`` is
    what the file says or implies: good for a progress bar, not to be relied on. ``rotation`` is in
    degrees counter-clockwise; pictures are as coded, a player turns them.
    """

    width: int
    height: int
    frame_rate: Fraction
    time_base: Fraction  # seconds per unit of pts
    colour: Colour = Colour()
    sample_aspect: Fraction = Fraction(1)  # width of a sample over its height
    frame_count: int | None = None
    rotation: int = 0
    tracks: tuple[Track, ...] = ()

    def __post_init__(self) -> None:
        _check_range("width", self.width, 1, MAX_SIDE)
        _check_range("height", self.height, 1, MAX_SIDE)
        if self.width * self.height > MAX_PIXELS:
            raise SettingError(f"{self.width}x{self.height} is more than {MAX_PIXELS} pixels per picture")
        for name in ("frame_rate", "time_base", "sample_aspect"):
            _check_rational(name, getattr(self, name))
        if self.frame_rate > MAX_FRAME_RATE:
            raise SettingError(f"frame_rate is {self.frame_rate}; at most {MAX_FRAME_RATE} is possible")
        if len(self.tracks) > MAX_TRACKS:
            raise SettingError(f"{len(self.tracks)} tracks were given; at most {MAX_TRACKS} are possible")

    @property
    def frame_duration(self) -> int:
        """The nominal duration of a picture in units of ``time_base``, at least 1."""
        return max(1, round(1 / (self.frame_rate * self.time_base)))


def chroma_size(height: int, width: int) -> tuple[int, int]:
    """Return rows and columns of a chroma plane."""
    return (height + 1) // 2, (width + 1) // 2
