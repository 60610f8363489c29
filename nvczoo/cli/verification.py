"""Decoding for the checksums' sake."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from nvczoo.codec.container import StreamReader
from nvczoo.codec.decoder import DecoderSession
from nvczoo.codec.files import Progress, Report
from nvczoo.codec.frame_packet import FramePacket
from nvczoo.codec.packets import EndPacket
from nvczoo.codec.video_codec import VideoCodec
from nvczoo.errors import CorruptStream
from nvczoo.video.tracks import TrackPacket

TAIL_PACKETS = 2  # index and footer, which the reader checks after the end packet


@dataclass
class Checked:
    """How much was found right so far."""

    packets: int = 0
    frames: int = 0
    symbols: int = 0  # checksums, one per frame packet and layer
    pictures: int = 0  # checksums, one per frame packet
    track_packets: int = 0


def verify(codec: VideoCodec, stream: BinaryIO, checked: Checked, report: Report | None) -> None:
    """Decode all of a stream and count in ``checked`` what was right; raises StreamError at the first damage.

    The reader checks the checksum of each packet, the session the symbols and the pictures.
    """
    reader = StreamReader(stream)
    total = reader.count_frames()
    session = DecoderSession(codec)
    session.push(reader.header)
    checked.packets = 1
    for packet in reader:
        session.push(packet)
        checked.packets = reader.packets
        if isinstance(packet, FramePacket):
            checked.frames += len(packet.times)
            checked.symbols += sum(layer.symbols is not None for layer in packet.layers)
            checked.pictures += packet.picture is not None
            if report is not None:
                report(Progress(checked.frames, total, reader.position, reader.header.info))
        elif isinstance(packet, TrackPacket):
            checked.track_packets += 1
        elif isinstance(packet, EndPacket):
            _check_tracks(packet, checked)
    session.flush()
    checked.packets += TAIL_PACKETS


def _check_tracks(end: EndPacket, checked: Checked) -> None:
    if end.track_packets != checked.track_packets:
        raise CorruptStream(
            f"The stream should hold {end.track_packets} packets of audio and subtitles; "
            f"{checked.track_packets} were there"
        )
