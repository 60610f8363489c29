import io
from dataclasses import replace
from fractions import Fraction

from test_header import header

from nvczoo.codec import EndPacket, FramePacket
from nvczoo.codec.container import StreamReader, StreamWriter
from nvczoo.codec.interleaved_writer import InterleavedWriter
from nvczoo.codec.layer_packet import Layer
from nvczoo.video.tracks import Track, TrackPacket

SOUND = Track(0, "audio", "flac", Fraction(1, 1000), "matroska", b"setup")
HEADER = replace(header(), info=replace(header().info, tracks=(SOUND,)))


def frame(number: int) -> FramePacket:
    return FramePacket(
        number, (HEADER.expected_pts(number),), HEADER.q, (Layer(b"x", symbols=0),), intra=True
    )


def sound(number: int) -> TrackPacket:
    return TrackPacket(0, number, number, 1, 1, b"la")


def order(steps: list[list[int]]) -> str:
    """Return F and T for frames and tracks, if three pictures give these frames' packets in turn."""
    file = io.BytesIO()
    writer = InterleavedWriter(StreamWriter(file))
    assert not list(writer.write([HEADER]))
    for number, frames in enumerate(steps):
        assert list(writer.write(map(frame, frames))) == [one + 1 for one in frames]
        writer.add_tracks([sound(number)])
    left = [one for one in range(3) if one not in [frame for step in steps for frame in step]]
    assert list(writer.write([*map(frame, left), EndPacket(3, 3, 3)])) == [one + 1 for one in left]
    assert (writer.frames, writer.track_packets, writer.size) == (3, 3, len(file.getvalue()))
    kinds = {FramePacket: "F", TrackPacket: "T"}
    return "".join(kinds.get(type(packet), "") for packet in StreamReader(io.BytesIO(file.getvalue())))


def test_the_order_is_the_same_whenever_packets_come() -> None:
    assert order([[0], [1], [2]]) == order([[], [], [0, 1, 2]]) == order([[], [0, 1], []]) == "FTFTFT"
