"""The one place where a track is rewritten: plain text, which Matroska and MP4 store differently."""

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE

from nvczoo.errors import VideoError

MAX_MOV_TEXT = 0xFFFF  # bytes; its length is stored in 16 bits
# What a MOV text description must have: one style. As an ASS header, which is what libav makes it from.
HEADER = b"""[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Alignment
Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,2

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""
_MARKUP = re.compile(r"<[^<>]*>|\{\\[^{}]*\}")


def crossing(codec: str, container: str) -> str | None:
    """Return the codec that text of ``codec`` is stored in by ``container``, if it is another one."""
    if codec == "subrip" and container in ("mp4", "mov"):
        return "mov_text"
    if codec == "mov_text" and container == "matroska":
        return "subrip"
    return None


def to_mov_text(data: bytes) -> bytes:
    """Return a SubRip line as MOV text (3GPP TS 26.245): its length, then UTF-8; markup is dropped."""
    text = _MARKUP.sub("", data.decode("utf-8", "replace")).encode()
    if len(text) > MAX_MOV_TEXT:
        raise VideoError(f"A subtitle has {len(text)} bytes; MP4 holds {MAX_MOV_TEXT}, so write .mkv")
    return len(text).to_bytes(2) + text


def to_subrip(data: bytes) -> bytes:
    """Return MOV text as SubRip; empty for the gaps between texts, which MP4 stores as text too."""
    text = data[2 : 2 + int.from_bytes(data[:2])]
    if text.startswith((BOM_UTF16_BE, BOM_UTF16_LE)):
        return text.decode("utf-16", "replace").encode()
    return text.decode("utf-8", "replace").encode()


RECODE = {"mov_text": to_mov_text, "subrip": to_subrip}
