from dataclasses import replace
from fractions import Fraction

import pytest

from nvczoo.errors import VideoError
from nvczoo.video import Track, TrackPacket
from nvczoo.video.tracks import MAX_PACKET_BYTES, MAX_SETUP_BYTES, MAX_TRACKS

TRACK = Track(0, "audio", "aac", Fraction(1, 48000), "matroska", b"setup", language="deu", default=True)
PACKET = TrackPacket(0, 1024, 1024, 1024, 1, b"sound")


def test_a_track_comes_back_from_plain_values() -> None:
    values = TRACK.to_dict()

    assert Track.from_dict(values) == TRACK
    assert values["time_base"] == [1, 48000]
    assert {type(value) for value in values.values()} <= {int, str, bool, list, bytes, type(None)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"codec": None}, "lacks codec"),
        ({"codec": "../aac"}, "codec name"),
        ({"codec": "a" * 41}, "codec name"),
        ({"codec": 5}, "type int where str"),
        ({"kind": "video"}, "kind"),
        ({"number": -1}, "number"),
        ({"number": MAX_TRACKS}, "number"),
        ({"number": True}, "type bool where int"),
        ({"time_base": [0, 1]}, "time base"),
        ({"time_base": [1, 1 << 31]}, "time base"),
        ({"time_base": [1]}, "time base"),
        ({"time_base": [1, "2"]}, "time base"),
        ({"time_base": "1/2"}, "type str where list"),
        ({"setup_format": "hls"}, "setup format"),
        ({"setup": b""}, "setup of 1 to"),
        ({"setup": bytes(MAX_SETUP_BYTES + 1)}, "setup of 1 to"),
        ({"setup": "text"}, "type str where bytes"),
        ({"language": "x" * 300}, "at most 256 characters"),
        ({"default": 1}, "type int where bool"),
        ({"extra": 1}, "unknown entries: extra"),
    ],
)
def test_hostile_descriptions_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(VideoError, match=message):
        Track.from_dict(TRACK.to_dict() | change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pts": 1 << 62}, "times out of range"),
        ({"dts": -(1 << 62)}, "times out of range"),
        ({"duration": -1}, "times out of range"),
        ({"flags": 2}, "unknown flags 0x2"),
        ({"data": b""}, "0 bytes"),
        ({"data": bytes(MAX_PACKET_BYTES + 1)}, "bytes, not 1 to"),
    ],
)
def test_hostile_packets_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(VideoError, match=message):
        replace(PACKET, **change).check(TRACK)


def test_packets_without_times_are_possible() -> None:
    replace(PACKET, pts=None, dts=None, duration=0, flags=0).check(TRACK)

    assert PACKET.keyframe
    assert not replace(PACKET, flags=0).keyframe
