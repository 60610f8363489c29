"""A stream as a whole: order of packets, pipes, seeking, and what later versions may add."""

import io

import pytest
from independent_parser import parse
from toy import toy_codec, toy_pictures

from nvczoo.codec import FramePacket, Hierarchical, LowDelay, StreamReader
from nvczoo.codec.packet import MAGIC, framed
from nvczoo.codec.packets import FOOTER_BYTES, FooterPacket, IndexPacket
from nvczoo.errors import CorruptStream, SettingError, StreamError, TruncatedStream, UnsupportedStream

SKIPPABLE, REQUIRED = 0xC0, 0x40  # types that version 1 does not know


class Pipe(io.RawIOBase):
    """Gives a few bytes at a time and cannot be sought."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.source = io.BytesIO(data)

    def read(self, count: int = -1) -> bytes:
        return self.source.read(min(count, 7))

    def seekable(self) -> bool:
        return False

    def tell(self) -> int:
        raise OSError("this is a pipe")

    seek = tell  # pyright: ignore[reportAssignmentType]


@pytest.fixture(scope="module")
def stream() -> bytes:
    return toy_codec(LowDelay(intra_period=4)).encode(toy_pictures(10))


def reader(data: bytes) -> StreamReader:
    return StreamReader(io.BytesIO(data))


def with_packet(stream: bytes, packet: bytes, before: int) -> bytes:
    """Return the stream with a packet put in before the ``before``-th frame."""
    source = reader(stream)
    for item in source:
        if isinstance(item, FramePacket) and item.frame == before:
            return stream[: source.last.offset] + packet + stream[source.last.offset :]
    raise AssertionError


def test_a_pipe_gives_the_same_packets(stream: bytes) -> None:
    assert list(StreamReader(Pipe(stream))) == list(reader(stream))  # pyright: ignore[reportArgumentType]


def test_frames_are_there_before_the_stream_is_complete(stream: bytes) -> None:
    source = iter(reader(stream[: len(stream) // 2]))
    assert isinstance(next(source), FramePacket)
    with pytest.raises(TruncatedStream):
        list(source)


def test_unknown_packets_that_may_be_skipped_are_skipped(stream: bytes) -> None:
    extra = framed(SKIPPABLE, b"from the future")
    offset = parse(stream)["frames"][3]["offset"]
    index = tuple((frame, at + len(extra) * (at > offset)) for frame, at in parse(stream)["index"])
    video = with_packet(stream, extra, before=3)[: len(stream) + len(extra) - FOOTER_BYTES]
    video = video[: video.rindex(IndexPacket(10, tuple(parse(stream)["index"])).to_bytes())]
    longer = video + IndexPacket(10, index).to_bytes() + FooterPacket(len(video)).to_bytes()
    assert list(reader(longer)) == list(reader(stream))
    assert reader(longer).seek(9).entry == 8


def test_unknown_packets_that_must_be_understood_are_refused(stream: bytes) -> None:
    with pytest.raises(UnsupportedStream, match=r"type 0x40.*newer"):
        list(reader(with_packet(stream, framed(REQUIRED, b""), before=3)))


def test_a_second_header_is_corrupt(stream: bytes) -> None:
    header = reader(stream).header.to_bytes()
    with pytest.raises(CorruptStream, match="stands where a frame"):
        list(reader(with_packet(stream, header, before=3)))


def test_bytes_after_the_footer_are_corrupt(stream: bytes) -> None:
    with pytest.raises(CorruptStream, match="follows the end"):
        list(reader(stream + b"\0"))


def test_other_files_are_not_taken_for_streams() -> None:
    for data in (b"", b"RIFF....AVI LIST", MAGIC.replace(b"\r\n", b"\n")):
        with pytest.raises(UnsupportedStream, match="no nvczoo stream"):
            reader(data)


def test_a_stream_without_its_header_is_corrupt(stream: bytes) -> None:
    with pytest.raises(CorruptStream, match="begin with a header"):
        reader(MAGIC + framed(0x03, b"\0\0\0"))


def test_the_index_leads_to_the_intra_frame_before(stream: bytes) -> None:
    for frame, entry in ((0, 0), (3, 0), (4, 4), (7, 4), (9, 8)):
        source = reader(stream)
        assert source.seek(frame).entry == entry
        first = next(iter(source))
        assert isinstance(first, FramePacket)
        assert (first.frame, first.intra) == (entry, True)


def test_the_index_of_reordered_frames_leads_to_their_intra_frames() -> None:
    data = toy_codec(Hierarchical(size=4, intra_period=8)).encode(toy_pictures(20))
    source = reader(data)
    assert source.seek(15).entry == 8
    first = next(iter(source))
    assert isinstance(first, FramePacket)
    assert first.frame == 8


def test_a_stream_inside_a_file_is_read_from_where_the_file_stands(stream: bytes) -> None:
    file = io.BytesIO(b"something else" + stream)
    file.seek(len(b"something else"))
    source = StreamReader(file)
    assert source.count_frames() == 10
    assert source.seek(5).entry == 4
    assert next(iter(source))


def test_counting_the_frames_does_not_change_the_numbers_of_packets(stream: bytes) -> None:
    plain, counted = StreamReader(io.BytesIO(stream)), StreamReader(io.BytesIO(stream))
    counted.count_frames()
    for _ in zip(plain, counted, strict=True):
        assert plain.last.number == counted.last.number


def test_frames_beyond_the_end_cannot_be_sought(stream: bytes) -> None:
    with pytest.raises(SettingError, match="frames 0 to 9, not 10"):
        reader(stream).seek(10)


def test_a_pipe_cannot_be_sought(stream: bytes) -> None:
    source = StreamReader(Pipe(stream))  # pyright: ignore[reportArgumentType]
    assert source.count_frames() is None
    with pytest.raises(StreamError, match="pipe"):
        source.seek(4)


def test_a_stream_that_was_cut_off_has_no_index(stream: bytes) -> None:
    source = reader(stream[:-1])
    assert source.count_frames() is None
    with pytest.raises(TruncatedStream, match="no index"):
        source.seek(4)


def test_a_footer_that_points_astray_is_a_stream_error(stream: bytes) -> None:
    for offset in (0, 9, len(stream), 1 << 62, (1 << 64) - 1):
        payload = offset.to_bytes(8, "little") + b"NVCINDEX"
        source = reader(stream[:-FOOTER_BYTES] + framed(0x86, payload))
        with pytest.raises(StreamError):
            source.seek(4)
