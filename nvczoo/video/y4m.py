"""YUV4MPEG2: a text line per stream and per picture, and raw planes; made for pipes."""

import re
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import BinaryIO

from nvczoo.errors import SettingError, VideoError
from nvczoo.video.picture import Colour, Picture, VideoInfo
from nvczoo.video.planar import picture_bytes, read_planes, write_planes
from nvczoo.video.sources import ByteSource

MAGIC = b"YUV4MPEG2"
FRAME = b"FRAME"
MAX_HEADER_BYTES = 4096  # those seen in the wild have less than 200
MAX_FRAME_HEADER_BYTES = 1024

# Chroma tag -> H.273 chroma_sample_loc_type. A plain "420" says nothing, and neither does a missing tag.
_LOCATIONS = {"420": None, "420jpeg": 1, "420mpeg2": 0, "420paldv": 2}
_TAGS = {location: tag for tag, location in _LOCATIONS.items()}
_RATIO = re.compile(r"(\d{1,10}):(\d{1,10})")
_INTEGER = re.compile(r"\d{1,10}")


def read_header(source: ByteSource, rate: Fraction | None = None) -> VideoInfo:
    """Return what the stream header says; ``rate`` is used where it leaves the frame rate open (F0:0)."""
    line = _read_line(source, MAX_HEADER_BYTES, "the y4m header")
    words = line.decode("ascii", "replace").split(" ")
    if words[0] != MAGIC.decode():
        raise VideoError(f"{source.label} does not begin with {MAGIC.decode()}, so it is not y4m")
    # Later words win, and X words are comments of which one matters.
    values = {word[0]: word[1:] for word in words[1:] if word and word[0] != "X"}
    comments = {word.upper() for word in words[1:] if word.startswith("X")}
    _check_progressive(values.get("I", "?"))
    frame_rate = _ratio(values.get("F", "0:0"), "frame rate") or rate
    if frame_rate is None:
        raise VideoError(f"The y4m header of {source.label} names no frame rate; give one (rate=)")
    try:
        info = VideoInfo(
            width=_side(values.get("W", ""), "width"),
            height=_side(values.get("H", ""), "height"),
            frame_rate=frame_rate,
            time_base=1 / frame_rate,
            colour=Colour("XCOLORRANGE=FULL" in comments, chroma_location=_location(values.get("C", "420"))),
            sample_aspect=_ratio(values.get("A", "0:0"), "sample aspect") or Fraction(1),
        )
    except SettingError as error:
        raise VideoError(f"The y4m header of {source.label} cannot be used: {error}") from error
    remaining = source.remaining()
    count = None if remaining is None else remaining // (len(FRAME) + 1 + picture_bytes(info))
    return replace(info, frame_count=count)


def read_pictures(source: ByteSource, info: VideoInfo) -> Iterator[Picture]:
    """Return the pictures that follow the header, one at a time."""
    number = 0
    while source.peek(1):
        line = _read_line(source, MAX_FRAME_HEADER_BYTES, f"the header of picture {number}")
        if line.split(b" ")[0] != FRAME:  # what may follow says how fields are shown, and there are none
            raise VideoError(f"In {source.label}, picture {number} begins with {line[:16]!r}, not with FRAME")
        picture = read_planes(source, info, number)
        if picture is None:
            raise VideoError(f"{source.label} ends after the header of picture {number}")
        yield picture
        number += 1


def write_header(target: BinaryIO, info: VideoInfo) -> None:
    """Write the stream header. Of the colour description, y4m knows range and chroma location only."""
    rate, aspect = info.frame_rate, info.sample_aspect
    words = [
        f"W{info.width}",
        f"H{info.height}",
        f"F{rate.numerator}:{rate.denominator}",
        "Ip",
        f"A{aspect.numerator}:{aspect.denominator}",
        f"C{_TAGS.get(info.colour.chroma_location, '420')}",
        f"XCOLORRANGE={'FULL' if info.colour.full_range else 'LIMITED'}",
    ]
    target.write(MAGIC + b" " + " ".join(words).encode() + b"\n")


def write_picture(target: BinaryIO, picture: Picture) -> None:
    """Write one picture with its header."""
    target.write(FRAME + b"\n")
    write_planes(target, picture)


def _read_line(source: ByteSource, limit: int, what: str) -> bytes:
    ahead = b""
    # Headers are short: looking further by small steps never waits for bytes a pipe has yet to bring.
    while b"\n" not in ahead:
        longer = source.peek(min(len(ahead) + 1, limit))
        if len(longer) == len(ahead):
            cause = f"is longer than {limit} bytes" if len(longer) == limit else "is cut off"
            raise VideoError(f"{what[0].upper()}{what[1:]} in {source.label} {cause}")
        ahead = longer
    return bytes(source.fill(len(ahead)))[:-1]


def _location(tag: str) -> int | None:
    if tag not in _LOCATIONS:
        raise VideoError(
            f"The y4m chroma format is {tag!r}; only 8-bit 4:2:0 is read here ({', '.join(_LOCATIONS)}). "
            "Convert it first, for example with ffmpeg -pix_fmt yuv420p"
        )
    return _LOCATIONS[tag]


def _check_progressive(flag: str) -> None:
    if flag not in ("p", "?"):  # "?" is unknown; all others name fields
        raise VideoError(
            f"The y4m interlacing flag is {flag!r}; only progressive video (Ip) is read here. "
            "Deinterlace it first, for example with ffmpeg -vf bwdif"
        )


def _side(text: str, what: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise VideoError(f"The y4m header gives {text[:20]!r} as {what}; it must be a number of pixels")
    return int(text)


def _ratio(text: str, what: str) -> Fraction | None:
    match = _RATIO.fullmatch(text)
    if not match:
        raise VideoError(f"The y4m header gives {text[:30]!r} as {what}; it must look like 30000:1001")
    numerator, denominator = int(match[1]), int(match[2])
    return Fraction(numerator, denominator) if numerator and denominator else None
