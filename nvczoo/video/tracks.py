"""Audio and subtitle tracks that travel beside the pictures, still compressed.

A track's ``setup`` is a tiny Matroska or MP4 file with this track alone and no sound in it: whatever a
muxer must know of it (extradata, channels, delay) in a form that any demuxer reads, and that outlives
the library version that wrote it. Values are checked here; the setup when a writer opens it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, get_args

from nvczoo.errors import VideoError

Kind = Literal["audio", "subtitle"]
SetupFormat = Literal["matroska", "mp4"]

MAX_TRACKS = 64
MAX_SETUP_BYTES = 1 << 20  # the largest setups are the style sheets of ASS subtitles, some 100 kB
MAX_PACKET_BYTES = 1 << 26  # 64 MiB, hundreds of times the largest audio or bitmap subtitle packet
MAX_TEXT = 256  # characters of a title or language
MAX_TERM = (1 << 31) - 1  # of a time base, as containers store it
MAX_SECONDS = 10_000_000  # 115 days; keeps timestamps far from overflow in every container's units
KEYFRAME = 1  # bit of TrackPacket.flags; the others are reserved and zero

_CODEC_NAME = re.compile(r"[a-z0-9_]{1,40}")
_PLAIN = {"number": int, "kind": str, "codec": str, "time_base": list, "setup_format": str, "setup": bytes}
_OPTIONAL = {"language": str, "title": str, "default": bool, "forced": bool}


@dataclass(frozen=True)
class Track:
    """One track, and all that is needed to put it into another file."""

    number: int  # its place among the tracks carried, from 0
    kind: Kind
    codec: str  # libav's name
    time_base: Fraction  # seconds per unit of its packets' times
    setup_format: SetupFormat
    setup: bytes
    language: str | None = None
    title: str | None = None
    default: bool = False
    forced: bool = False

    def __post_init__(self) -> None:
        self._require(0 <= self.number < MAX_TRACKS, f"a number from 0 to {MAX_TRACKS - 1}", self.number)
        self._require(self.kind in get_args(Kind), f"a kind of {get_args(Kind)}", self.kind)
        self._require(bool(_CODEC_NAME.fullmatch(self.codec)), "a codec name like 'aac'", self.codec[:60])
        terms = (self.time_base.numerator, self.time_base.denominator)
        self._require(all(0 < term <= MAX_TERM for term in terms), "a positive 32-bit time base", terms)
        formats = get_args(SetupFormat)
        self._require(self.setup_format in formats, f"a setup format of {formats}", self.setup_format[:60])
        size = len(self.setup)
        self._require(0 < size <= MAX_SETUP_BYTES, f"a setup of 1 to {MAX_SETUP_BYTES} bytes", size)
        for text in (self.language, self.title):
            self._require(
                len(text or "") <= MAX_TEXT, f"texts of at most {MAX_TEXT} characters", len(text or "")
            )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values only: int, str, bool, None, a list of two int, and ``setup`` as bytes."""
        values = {name: getattr(self, name) for name in (*_PLAIN, *_OPTIONAL)}
        return values | {"time_base": [self.time_base.numerator, self.time_base.denominator]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Track:
        """Return the track that ``to_dict`` described; raises VideoError for anything else."""
        given = {name: value for name, value in values.items() if value is not None}
        if missing := sorted(_PLAIN.keys() - given.keys()):
            raise VideoError(f"The description of a track lacks {', '.join(missing)}")
        if unknown := sorted(str(name)[:60] for name in given.keys() - _PLAIN.keys() - _OPTIONAL.keys()):
            raise VideoError(f"The description of a track has unknown entries: {', '.join(unknown)}")
        for name, kind in (_PLAIN | _OPTIONAL).items():
            if name in given and type(given[name]) is not kind:
                found = type(given[name]).__name__
                raise VideoError(f"The {name} of a track is of type {found} where {kind.__name__} is needed")
        arguments: dict[str, Any] = {**given, "time_base": _time_base(given["time_base"])}
        return cls(**arguments)

    def _require(self, condition: bool, wanted: str, found: object) -> None:
        if not condition:
            raise VideoError(f"A track needs {wanted}; {found!r} was given")


@dataclass(frozen=True)
class TrackPacket:
    """A compressed piece of a track: some milliseconds of sound, a line of subtitles."""

    track: int  # the track's number
    pts: int | None  # in units of the track's time base, as are dts and duration
    dts: int | None
    duration: int  # 0 if unknown
    flags: int
    data: bytes

    @property
    def keyframe(self) -> bool:
        """Whether a decoder can start here; nearly always for audio."""
        return bool(self.flags & KEYFRAME)

    def check(self, track: Track) -> None:
        """Raise VideoError if this cannot be a packet of ``track``."""
        limit = MAX_SECONDS / track.time_base
        times = [time for time in (self.pts, self.dts, self.duration) if time is not None]
        if any(abs(time) > limit for time in times) or self.duration < 0:
            raise VideoError(f"A packet of track {self.track} has times out of range: {times}")
        if self.flags & ~KEYFRAME:
            raise VideoError(f"A packet of track {self.track} has unknown flags {self.flags:#x}")
        if not 0 < len(self.data) <= MAX_PACKET_BYTES:
            size = len(self.data)
            raise VideoError(f"A packet of track {self.track} has {size} bytes, not 1 to {MAX_PACKET_BYTES}")


def _time_base(terms: list[Any]) -> Fraction:
    if len(terms) != 2 or any(type(term) is not int or not 0 < term <= MAX_TERM for term in terms):
        raise VideoError(f"A track's time base is {str(terms)[:60]}; it must be two positive 32-bit integers")
    return Fraction(*terms)
