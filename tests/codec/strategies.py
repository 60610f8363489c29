"""Random headers and packets, up to the bounds of the format."""

from fractions import Fraction

from hypothesis import strategies as st

from nvczoo.codec.frame_packet import FramePacket
from nvczoo.codec.header import (
    MAX_LAYERS,
    MAX_PTS,
    Q_STEPS,
    Arithmetic,
    GopDescription,
    LayerDescription,
    StreamHeader,
)
from nvczoo.codec.layer_packet import MAX_FRAMES, Layer
from nvczoo.codec.packets import EndPacket
from nvczoo.video.picture import MAX_PIXELS, MAX_SIDE, Colour, VideoInfo
from nvczoo.video.tracks import Track, TrackPacket

CRC = st.integers(0, (1 << 32) - 1)
CHECK = st.integers(0, (1 << 16) - 1)  # of symbols
Q = st.integers(0, 63 * Q_STEPS).map(lambda steps: steps / Q_STEPS)
NAME = st.text(max_size=60)
TERM = st.integers(1, (1 << 31) - 1)
RATIO = st.builds(Fraction, TERM, TERM)
RATE = st.sampled_from([Fraction(25), Fraction(30000, 1001), Fraction(1, 3), Fraction(100_000)])
TIME_BASE = st.sampled_from([Fraction(1, 25), Fraction(1, 1000), Fraction(1001, 30000), Fraction(1, 90000)])
SIGNED = st.integers(-(1 << 40), 1 << 40)
OPTION = SIGNED | st.lists(SIGNED, max_size=8).map(tuple)
OPTIONS = st.dictionaries(NAME, OPTION, max_size=4).map(lambda options: tuple(options.items()))
COLOUR = st.builds(
    Colour,
    st.booleans(),
    st.integers(0, 255),
    st.integers(0, 255),
    st.integers(0, 255),
    st.none() | st.integers(0, 5),
)


@st.composite
def tracks(draw: st.DrawFn) -> tuple[Track, ...]:
    numbers = draw(st.lists(st.integers(0, 63), max_size=3, unique=True))
    return tuple(
        Track(
            number,
            draw(st.sampled_from(["audio", "subtitle"])),
            draw(st.sampled_from(["opus", "aac", "subrip"])),
            draw(RATIO),
            draw(st.sampled_from(["matroska", "mp4"])),
            draw(st.binary(min_size=1, max_size=20)),
            draw(st.none() | NAME),
            draw(st.none() | NAME),
            draw(st.booleans()),
            draw(st.booleans()),
        )
        for number in numbers
    )


@st.composite
def infos(draw: st.DrawFn) -> VideoInfo:
    width = draw(st.integers(1, MAX_SIDE))
    return VideoInfo(
        width,
        draw(st.integers(1, min(MAX_SIDE, MAX_PIXELS // width))),
        draw(RATE),
        draw(TIME_BASE),
        draw(COLOUR),
        draw(RATIO),
        rotation=draw(st.sampled_from([0, 90, 180, 270])),
        tracks=draw(tracks()),
    )


SIDE = st.integers(1, MAX_SIDE)
LAYERS = st.builds(
    LayerDescription,
    st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=MAX_LAYERS, unique=True).map(tuple),
    st.tuples(SIDE, SIDE),
    st.booleans(),
)

HEADERS = st.builds(
    StreamHeader,
    model=NAME,
    identity=st.binary(min_size=16, max_size=16),
    info=infos(),
    gop=st.builds(GopDescription, NAME, OPTIONS),
    coder=NAME,
    arithmetic=st.builds(Arithmetic, NAME, CRC, NAME),
    q=Q,
    start=st.integers(-MAX_PTS // 4, MAX_PTS // 4),
    symbol_checksums=st.booleans(),
    picture_checksums=st.booleans(),
    layers=st.none() | LAYERS,
)


@st.composite
def frame_packets(draw: st.DrawFn, header: StreamHeader) -> FramePacket:
    frame = draw(st.integers(0, MAX_FRAMES))
    count = draw(st.integers(1, 4))
    times = tuple(header.expected_pts(one) for one in range(frame, frame + count))
    if draw(st.booleans()):
        far = MAX_PTS // 4  # a time is written as its distance from the one expected, which has to fit
        times = tuple(draw(st.integers(-far, far)) for _ in times)
    known = header.layers.names if header.layers else ()
    names = known[: draw(st.integers(0, len(known)))]
    checked = draw(st.booleans())
    layers = tuple(
        Layer(draw(st.binary(max_size=40)), name, draw(CHECK) if checked else None) for name in ("", *names)
    )
    return FramePacket(
        frame,
        times,
        draw(st.just(header.q) | Q),
        layers,
        draw(st.booleans()),
        draw(st.integers(0, 255)),
        draw(st.none() | st.integers(1, 64)),
        draw(st.none() | CRC),
        draw(st.none() | CRC) if names else None,
    )


END_PACKETS = st.builds(
    EndPacket, st.integers(0, MAX_FRAMES), st.integers(0, MAX_FRAMES), st.integers(0, 1 << 39)
)


@st.composite
def track_packets(draw: st.DrawFn, track: Track) -> TrackPacket:
    limit = int(1_000_000 / track.time_base)
    time = st.integers(-limit, limit)
    pts = draw(st.none() | time)
    dts = pts if pts is None or draw(st.booleans()) else draw(time)
    data = draw(st.binary(min_size=1, max_size=40))
    return TrackPacket(track.number, pts, dts, draw(st.integers(0, limit)), draw(st.integers(0, 1)), data)
