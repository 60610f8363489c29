"""What a stream says of itself before its first frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import ClassVar, get_args

from nvczoo.codec.packet import PacketType, framed
from nvczoo.codec.wire import MAX_NAME_BYTES, ByteReader, ByteWriter
from nvczoo.errors import NvczooError, SettingError, UnsupportedStream
from nvczoo.interfaces import Q_MAX
from nvczoo.video.picture import MAX_RATIONAL, MAX_SIDE, Colour, VideoInfo
from nvczoo.video.tracks import MAX_SETUP_BYTES, MAX_TEXT, MAX_TRACKS, Kind, SetupFormat, Track

VERSION = 1
IDENTITY_BYTES = 16  # the first of the SHA-256: no two models have the same by chance
Q_STEPS = 256  # q is stored in steps of 1/256, so that both sides have exactly the same number
MAX_OPTIONS = 64  # of a GOP structure
MAX_LAYERS = 16  # droppable ones, beside the base layer
MAX_OPTION_VALUES = 256  # in one option, such as a pattern of levels
MAX_TEXT_BYTES = 4 * MAX_TEXT  # UTF-8 needs at most four bytes a character
MAX_PTS = 1 << 61  # far from the end of a signed varint, and of a container's 64 bits

SYMBOL_CHECKSUMS, PICTURE_CHECKSUMS, BASE_ONLY = 1, 2, 4  # bits of the header's flags
DEFAULT_TRACK, FORCED_TRACK, HAS_LANGUAGE, HAS_TITLE = 1, 2, 4, 8  # bits of a track's flags
INTEGER, INTEGERS = 0, 1  # kinds of GOP option

OptionValue = int | tuple[int, ...]


@dataclass(frozen=True)
class GopDescription:
    """A GOP structure by name, and its options."""

    name: str
    options: tuple[tuple[str, OptionValue], ...] = ()

    def __post_init__(self) -> None:
        for name, value in self.options:
            values = value if isinstance(value, tuple) else (value,)
            if not all(isinstance(one, int) for one in values):
                raise SettingError(
                    f"The GOP option {name} is {value!r}; a stream can hold integers and tuples of them"
                )


@dataclass(frozen=True)
class Arithmetic:
    """What a decoder must compute to the bit, and where the encoder computed it."""

    profile: str  # the kind of arithmetic, such as "float32"
    fingerprint: int  # CRC-32C of what the codec makes of a known picture pair
    environment: str = ""  # for messages only


@dataclass(frozen=True)
class LayerDescription:
    """The layers that can be dropped, and what remains without them."""

    names: tuple[str, ...]  # in coding order
    base_size: tuple[int, int]  # (width, height) of the pictures that the base layer alone gives
    base_only: bool = False  # whether all of them were dropped, or never coded

    def __post_init__(self) -> None:
        if not 1 <= len(set(self.names) - {""}) == len(self.names) <= MAX_LAYERS:
            raise SettingError(
                f"The layers are {', '.join(map(repr, self.names))}; 1 to {MAX_LAYERS} with names of their "
                "own are possible"
            )


@dataclass(frozen=True)
class StreamHeader:
    """The first packet of a stream."""

    model: str  # its name, to load it by
    identity: bytes  # the first IDENTITY_BYTES of the SHA-256 of its parts and weights
    info: VideoInfo  # without ``frame_count``, which is not known when a stream begins
    gop: GopDescription
    coder: str  # format of the entropy coder
    arithmetic: Arithmetic
    q: float  # of every frame that does not say otherwise, in steps of 1/256
    start: int = 0  # pts of frame 0
    symbol_checksums: bool = True
    picture_checksums: bool = False
    layers: LayerDescription | None = None  # None: nothing can be dropped
    version: int = field(default=VERSION, init=False)

    type: ClassVar[int] = PacketType.HEADER

    def __post_init__(self) -> None:
        if len(self.model.encode()) > MAX_NAME_BYTES:
            raise SettingError(f"The model's name has more than {MAX_NAME_BYTES} bytes: {self.model!r}")

    def expected_pts(self, frame: int) -> int:
        """Return the time at which a frame is shown if the frame rate is constant, rounded up at a half."""
        unit = self.info.frame_rate * self.info.time_base
        doubled = 2 * frame * unit.denominator + unit.numerator
        return self.start + doubled // (2 * unit.numerator)

    def to_bytes(self) -> bytes:
        """Return the packet."""
        info = self.info
        writer = ByteWriter().fixed("B", VERSION)
        base_only = self.layers is not None and self.layers.base_only
        writer.varint(
            self.symbol_checksums * SYMBOL_CHECKSUMS
            | self.picture_checksums * PICTURE_CHECKSUMS
            | base_only * BASE_ONLY
        )
        writer.text(self.model).raw(self.identity)
        writer.varint(info.width, info.height)
        for ratio in (info.frame_rate, info.time_base, info.sample_aspect):
            writer.varint(ratio.numerator, ratio.denominator)
        writer.varint(info.rotation % 360)
        colour = info.colour
        location = 0 if colour.chroma_location is None else colour.chroma_location + 1
        writer.fixed("5B", colour.full_range, colour.matrix, colour.primaries, colour.transfer, location)
        _write_gop(writer, self.gop)
        writer.text(self.coder).text(self.arithmetic.profile)
        writer.fixed("I", self.arithmetic.fingerprint).text(self.arithmetic.environment)
        writer.fixed("H", round(self.q * Q_STEPS)).signed(self.start)
        _write_tracks(writer, info.tracks)
        _write_layers(writer, self.layers)
        return framed(self.type, writer.bytes())

    @classmethod
    def from_payload(cls, payload: bytes | memoryview, where: str) -> StreamHeader:
        """Return the header in a packet's payload; what later minor versions append is ignored."""
        reader = ByteReader(payload, where)
        if (version := reader.fixed("B", "the version")) != VERSION:
            raise UnsupportedStream(
                f"{where}: the stream has version {version}, this nvczoo reads {VERSION}: install a newer one"
            )
        flags = reader.varint("the flags")
        model, identity = reader.text("the model's name"), bytes(reader.raw(IDENTITY_BYTES, "the identity"))
        geometry = _read_geometry(reader)
        gop = _read_gop(reader)
        coder, profile = reader.text("the coder's format"), reader.text("the arithmetic profile")
        arithmetic = Arithmetic(profile, reader.fixed("I", "the fingerprint"), reader.text("the environment"))
        q = reader.fixed("H", "q") / Q_STEPS
        if q > Q_MAX:
            raise reader.corrupt(f"q is {q}; at most {Q_MAX} is possible")
        start = checked_pts(reader.signed("the time of frame 0"), reader)
        info = _video_info(reader, geometry, _read_tracks(reader))
        layers = _read_layers(reader, bool(flags & BASE_ONLY))
        checksums = (bool(flags & SYMBOL_CHECKSUMS), bool(flags & PICTURE_CHECKSUMS))
        return cls(model, identity, info, gop, coder, arithmetic, q, start, *checksums, layers)


def checked_pts(pts: int, reader: ByteReader) -> int:
    """Return a time, or raise CorruptStream if no video can have it."""
    if abs(pts) > MAX_PTS:
        raise reader.corrupt(f"the time {pts} is out of range")
    return pts


@dataclass(frozen=True)
class _Geometry:
    width: int
    height: int
    ratios: tuple[Fraction, Fraction, Fraction]
    rotation: int
    colours: tuple[int, ...]


def _read_geometry(reader: ByteReader) -> _Geometry:
    width = reader.varint("the width", 1, MAX_SIDE)
    height = reader.varint("the height", 1, MAX_SIDE)
    frame_rate, time_base, aspect = (
        Fraction(reader.varint(what, 1, MAX_RATIONAL), reader.varint(what, 1, MAX_RATIONAL))
        for what in ("the frame rate", "the time base", "the sample aspect")
    )
    rotation = reader.varint("the rotation", high=359)
    colours = tuple(reader.raw(5, "the colour description"))
    return _Geometry(width, height, (frame_rate, time_base, aspect), rotation, colours)


def _video_info(reader: ByteReader, geometry: _Geometry, tracks: tuple[Track, ...]) -> VideoInfo:
    full_range, matrix, primaries, transfer, location = geometry.colours
    if full_range > 1:
        raise reader.corrupt(f"the range is {full_range}; 0 (limited) or 1 (full) is possible")
    try:
        colour = Colour(bool(full_range), matrix, primaries, transfer, location - 1 if location else None)
        return VideoInfo(
            geometry.width,
            geometry.height,
            *geometry.ratios[:2],
            colour,
            geometry.ratios[2],
            rotation=geometry.rotation,
            tracks=tracks,
        )
    except NvczooError as error:
        raise reader.corrupt(str(error)) from error


def _write_gop(writer: ByteWriter, gop: GopDescription) -> None:
    writer.text(gop.name).varint(len(gop.options))
    for name, value in gop.options:
        writer.text(name)
        if isinstance(value, tuple):
            writer.fixed("B", INTEGERS).varint(len(value)).signed(*value)
        else:
            writer.fixed("B", INTEGER).signed(int(value))


def _read_gop(reader: ByteReader) -> GopDescription:
    name = reader.text("the name of the GOP structure")
    options: list[tuple[str, OptionValue]] = []
    for _ in range(reader.varint("the number of GOP options", high=MAX_OPTIONS)):
        option, kind = reader.text("the name of a GOP option"), reader.fixed("B", "the kind of a GOP option")
        if kind == INTEGER:
            options.append((option, reader.signed(option)))
        elif kind == INTEGERS:
            count = reader.varint(f"the length of {option}", high=MAX_OPTION_VALUES)
            options.append((option, tuple(reader.signed(option) for _ in range(count))))
        else:
            raise reader.corrupt(f"the GOP option {option!r} is of the unknown kind {kind}")
    return GopDescription(name, tuple(options))


def _write_layers(writer: ByteWriter, layers: LayerDescription | None) -> None:
    writer.varint(len(layers.names) if layers else 0)
    if layers:
        for name in layers.names:
            writer.text(name)
        writer.varint(*layers.base_size)


def _read_layers(reader: ByteReader, base_only: bool) -> LayerDescription | None:
    names = tuple(
        reader.text("a layer's name") for _ in range(reader.varint("the number of layers", high=MAX_LAYERS))
    )
    if not names:
        return None
    width = reader.varint("the base layer's width", 1, MAX_SIDE)
    height = reader.varint("the base layer's height", 1, MAX_SIDE)
    try:
        return LayerDescription(names, (width, height), base_only)
    except NvczooError as error:
        raise reader.corrupt(str(error)) from error


def _write_tracks(writer: ByteWriter, tracks: Sequence[Track]) -> None:
    writer.varint(len(tracks))
    for track in tracks:
        flags = track.default * DEFAULT_TRACK | track.forced * FORCED_TRACK
        flags |= (track.language is not None) * HAS_LANGUAGE | (track.title is not None) * HAS_TITLE
        kinds = (get_args(Kind).index(track.kind), get_args(SetupFormat).index(track.setup_format))
        writer.varint(track.number).fixed("3B", *kinds, flags).text(track.codec)
        writer.varint(track.time_base.numerator, track.time_base.denominator).blob(track.setup)
        for text in (track.language, track.title):
            if text is not None:
                writer.text(text)


def _read_tracks(reader: ByteReader) -> tuple[Track, ...]:
    count = reader.varint("the number of tracks", high=MAX_TRACKS)
    tracks = tuple(_read_track(reader) for _ in range(count))
    if len({track.number for track in tracks}) < count:
        raise reader.corrupt("two tracks have the same number")
    return tracks


def _read_track(reader: ByteReader) -> Track:
    number = reader.varint("a track's number", high=MAX_TRACKS - 1)
    kind, setup_format, flags = reader.raw(3, "a track's kind")
    if kind >= len(get_args(Kind)) or setup_format >= len(get_args(SetupFormat)):
        raise reader.corrupt(f"track {number} is of the unknown kind {kind} with setup format {setup_format}")
    codec = reader.text("a track's codec")
    terms = (reader.varint("a track's time base", 1), reader.varint("a track's time base", 1))
    setup = reader.blob("a track's setup", MAX_SETUP_BYTES)
    language = reader.text("a language", MAX_TEXT_BYTES) if flags & HAS_LANGUAGE else None
    title = reader.text("a title", MAX_TEXT_BYTES) if flags & HAS_TITLE else None
    try:
        return Track(
            number,
            get_args(Kind)[kind],
            codec,
            Fraction(*terms),
            get_args(SetupFormat)[setup_format],
            setup,
            language,
            title,
            default=bool(flags & DEFAULT_TRACK),
            forced=bool(flags & FORCED_TRACK),
        )
    except NvczooError as error:
        raise reader.corrupt(str(error)) from error
