"""What ``nvczoo info`` says of a stream, as plain values and as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from nvczoo.cli.options import PORTABLE
from nvczoo.codec.gop_options import all_options
from nvczoo.codec.header import Arithmetic, OptionValue
from nvczoo.codec.info import BASE, FrameInfo, LayerInfo, StreamInfo
from nvczoo.columns import columns
from nvczoo.video.picture import Colour

SHORT_IDENTITY = 12  # hexadecimal digits, as messages of the decoder have it


def as_values(info: StreamInfo, frames: bool) -> dict[str, Any]:
    """Return what JSON can hold; ``frames`` adds the table of frames."""
    header, video = info.header, info.header.info
    values: dict[str, Any] = {
        "version": header.version,
        "model": header.model,
        "identity": header.identity.hex(),
        "width": video.width,
        "height": video.height,
        "frame_rate": str(video.frame_rate),
        "time_base": str(video.time_base),
        "sample_aspect": str(video.sample_aspect),
        "rotation": video.rotation,
        "colour": vars(video.colour),
        "frames": info.frame_count,
        "frames_by_type": _kinds(info),
        "duration": float(info.duration),
        "q": header.q,
        "q_range": _q_range(info),
        "gop": {"name": header.gop.name, **all_options(header.gop)},
        "coder": header.coder,
        "arithmetic": {**vars(header.arithmetic), "bound_to_environment": _bound(header.arithmetic)},
        "symbol_checksums": header.symbol_checksums,
        "picture_checksums": header.picture_checksums,
        "bytes": info.size,
        "frame_bytes": info.video_size,
        "track_bytes": sum(track.size for track in info.tracks),
        "bit_rate": info.bit_rate,
        "frame_bit_rate": info.video_bit_rate,
        "bits_per_pixel": info.bits_per_pixel,
        "delay_frames": info.delay,
        "delay": info.delay / float(header.info.frame_rate),
        "layers": [vars(layer) for layer in info.layers],
        "tracks": [_track(info, number) for number in range(len(info.tracks))],
    }
    if frames:
        values["frame_table"] = [_frame(frame, info) for frame in info.frames]
    return values


def as_text(name: str, info: StreamInfo) -> str:
    """Return lines of what it is, and what it holds."""
    return f"{name}\n{columns([('', *row) for row in _rows(info)])}"


def frame_table(info: StreamInfo) -> str:
    """Return a line per coded frame, in coding order."""
    head = ("frame", "type", "time s", "q", "level", "bytes", "at byte")
    rows = [tuple(_frame(frame, info).values())[: len(head)] for frame in info.frames]
    texts = [(number, kind, f"{time:.3f}", f"{q:g}", *rest) for number, kind, time, q, *rest in rows]
    return columns([head, *texts], right=(0, 2, 3, 4, 5, 6))


def _rows(info: StreamInfo) -> Iterator[tuple[str, str]]:
    header, video = info.header, info.header.info
    low, high = _q_range(info)
    q = f"{low:g}" if low == high else f"{low:g} to {high:g}"
    options = "".join(f", {name} {_option(value)}" for name, value in all_options(header.gop).items())
    tracks = sum(track.size for track in info.tracks)
    rest = info.size - info.video_size - tracks
    yield "model", f"{header.model} (identity {header.identity.hex()[:SHORT_IDENTITY]})"
    yield "picture", f"{video.width}x{video.height}{_extras(info)}"
    yield "colour", _colour(video.colour)
    yield "frames", f"{info.frame_count} ({', '.join(f'{n} {kind}' for kind, n in _kinds(info).items())})"
    yield "time", f"{float(info.duration):.3f} s at {_decimal(video.frame_rate)} frames/s"
    yield "q", f"{q} (0 to 63: larger is better, and bigger)"
    yield "gop", f"{header.gop.name}{options}"
    yield (
        "delay",
        f"{info.delay} frame{'' if info.delay == 1 else 's'}, {float(info.delay / video.frame_rate):.3f} s",
    )
    yield "size", f"{info.size} bytes: frames {info.video_size}, tracks {tracks}, rest {rest}"
    whole, alone = (f"{rate / 1000:.1f} kbit/s" for rate in (info.bit_rate, info.video_bit_rate))
    yield "rate", f"{whole}; frames alone {alone}, {info.bits_per_pixel:.4f} bit per pixel"
    yield "layers", "; ".join(map(_layer, info.layers))
    yield "checksums", _checksums(info)
    yield "coder", header.coder
    yield "arithmetic", _arithmetic(header.arithmetic)
    for number, one in enumerate(info.tracks):
        about = _track(info, number)
        named = [str(about[key]) for key in ("language", "title") if about[key]]
        text = ", ".join([f"{one.track.kind} in {one.track.codec}", *named])
        yield f"track {one.track.number}", f"{text}: {one.packets} packets, {one.size} bytes"


def _bound(arithmetic: Arithmetic) -> bool:
    """Return whether the stream decodes only where floats are rounded as the encoder's were."""
    return arithmetic.profile != PORTABLE


def _arithmetic(arithmetic: Arithmetic) -> str:
    reach = "bound to the encoder's environment" if _bound(arithmetic) else "decodes anywhere"
    return f"{arithmetic.profile}, {reach}; encoded with {arithmetic.environment}"


def _option(value: OptionValue) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _extras(info: StreamInfo) -> str:
    video = info.header.info
    aspect = "" if video.sample_aspect == 1 else f", sample aspect {video.sample_aspect}"
    return aspect + (f", turned by {video.rotation} degrees" if video.rotation else "")


def _colour(colour: Colour) -> str:
    points = f"matrix {colour.matrix}, primaries {colour.primaries}, transfer {colour.transfer} (H.273)"
    return f"{'full' if colour.full_range else 'limited'} range, {points}"


def _decimal(rate: Any) -> str:
    return str(rate) if rate.denominator == 1 else f"{float(rate):.3f} ({rate})"


def _kinds(info: StreamInfo) -> dict[str, int]:
    counted: Counter[str] = Counter()
    for frame in info.frames:
        counted[frame.kind] += frame.frames
    return {kind: counted[kind] for kind in ("I", "P", "B") if counted[kind]}


def _q_range(info: StreamInfo) -> tuple[float, float]:
    values = [frame.q for frame in info.frames] or [info.header.q]
    return min(values), max(values)


def _layer(layer: LayerInfo) -> str:
    there = f"{layer.size} bytes" if layer.present else "not in this stream"
    return f"{layer.name} {layer.width}x{layer.height}, {there}"


def _checksums(info: StreamInfo) -> str:
    header = info.header
    kinds = {"symbols": header.symbol_checksums, "pictures": header.picture_checksums}
    return ", ".join(["of each packet", *(kind for kind, there in kinds.items() if there)])


def _track(info: StreamInfo, number: int) -> dict[str, Any]:
    one = info.tracks[number]
    track = one.track
    about = {name: getattr(track, name) for name in ("number", "kind", "codec", "language", "title")}
    return about | {"packets": one.packets, "bytes": one.size}


def _frame(frame: FrameInfo, info: StreamInfo) -> dict[str, Any]:
    return {
        "frame": frame.frame,
        "type": frame.kind,
        "time": float(frame.pts * info.header.info.time_base),
        "q": frame.q,
        "level": frame.level,
        "bytes": frame.size,
        "offset": frame.offset,
        "frames": frame.frames,
        "layers": {name or BASE: size for name, size in frame.layers},
    }
