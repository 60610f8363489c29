"""Frames and tracks in one stream, in the same order whenever an encoder gives its packets."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from nvczoo.codec.container import Packet, StreamWriter
from nvczoo.codec.frame_packet import FramePacket
from nvczoo.codec.packets import EndPacket
from nvczoo.video.tracks import TrackPacket


class InterleavedWriter:
    """Writes packets as they come, and those of tracks right after the frame that they were met with."""

    def __init__(self, file: StreamWriter) -> None:
        self.frames = 0  # written
        self.track_packets = 0  # taken
        self._file = file
        self._pictures = 0  # after how many of them tracks were asked for
        self._waiting: deque[tuple[int, TrackPacket]] = deque()

    @property
    def size(self) -> int:
        """Bytes written."""
        return self._file.written

    def add_tracks(self, packets: Sequence[TrackPacket]) -> None:
        """Take what was met with one more picture."""
        self._pictures += 1
        self.track_packets += len(packets)
        self._waiting.extend((self._pictures, packet) for packet in packets)
        self._write_tracks(self.frames)

    def write(self, packets: Iterable[Packet]) -> Iterator[int]:
        """Write packets of a session; give how many frames are written, after each that holds some."""
        for packet in packets:
            if isinstance(packet, EndPacket):
                self._write_tracks(self._pictures)
            self._file.write(packet)
            if isinstance(packet, FramePacket):
                self.frames += len(packet.times)
                self._write_tracks(self.frames)
                yield self.frames

    def _write_tracks(self, frames: int) -> None:
        while self._waiting and self._waiting[0][0] <= frames:
            self._file.write(self._waiting.popleft()[1])
