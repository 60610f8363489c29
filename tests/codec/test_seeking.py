"""Seeking decodes the frames that are shown, those they are made of, and no others."""

import io
from typing import Any

import independent_parser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from toy import ToyInter, ToyIntra, VarintCoder, toy_codec, toy_pictures

from nvczoo.codec import DecodeOptions, Hierarchical, LowDelay, Seek, VideoCodec
from nvczoo.codec.container import StreamReader
from nvczoo.codec.gop import FIRST_ONLY, MAX_GROUP
from nvczoo.codec.seeking import needed_frames
from nvczoo.interfaces import GopStructure

MAX_LENGTH = 70
STRUCTURES = (
    Hierarchical(8, 8),
    Hierarchical(5, 10),
    Hierarchical(16, FIRST_ONLY),
    LowDelay(intra_period=6, long_term=4),
    LowDelay(intra_period=FIRST_ONLY, long_term=0),
)


def codec_of(gop: GopStructure) -> VideoCodec:
    inter = ToyInter(references=gop.references_per_step)
    return VideoCodec(ToyIntra(), inter, gop, None, VarintCoder(), "toy", {"inter": "toy"})


def count_decoded(codec: VideoCodec, patch: pytest.MonkeyPatch) -> list[None]:
    """Return a list that gets longer with each frame that the codec decodes."""
    decoded: list[None] = []
    for part in (codec.intra, codec.inter):
        assert part is not None

        def watched(frame: Tensor | None, *others: Any, code: Any = part.code) -> Any:
            decoded.extend([None] if frame is None else [])
            return code(frame, *others)

        patch.setattr(part, "code", watched)
    return decoded


def made_of(stream: bytes, shown: range) -> set[int]:
    """Return the frames shown and all they are made of, from what docs/bitstream.md says of references."""
    parsed = independent_parser.parse(stream)
    references = {
        frame: named for frame, named, _ in independent_parser.references(parsed["header"], parsed["length"])
    }
    found, open_ = set[int](), list(shown)
    while open_:
        frame = open_.pop()
        if frame not in found:
            found.add(frame)
            open_ += references[frame]
    return found


@pytest.mark.parametrize("gop", STRUCTURES, ids=str)
def test_only_what_is_needed_is_decoded(gop: GopStructure, monkeypatch: pytest.MonkeyPatch) -> None:
    codec = codec_of(gop)
    stream = codec.encode(toy_pictures(21, 8, 8))
    whole = codec.decode(stream)
    decoded = count_decoded(codec, monkeypatch)
    for start in range(21):
        for frames in (1, 3):
            shown = range(start, min(start + frames, 21))
            decoded.clear()
            part = codec.decode(stream, DecodeOptions(start=start, frames=frames))
            assert all(one.same(whole[at]) for one, at in zip(part, shown, strict=True))
            assert len(decoded) == len(made_of(stream, shown))


def test_a_frame_deep_in_a_group_takes_a_frame_per_level(monkeypatch: pytest.MonkeyPatch) -> None:
    codec = codec_of(Hierarchical(32, 32))
    stream = codec.encode(toy_pictures(65, 8, 8))
    decoded = count_decoded(codec, monkeypatch)
    assert len(codec.decode(stream, DecodeOptions(start=53, frames=1))) == 1
    assert len(decoded) == 7  # 32, 64, 48, 56, 52, 54, 53


def test_without_the_length_of_the_stream_all_from_the_entry_on_is_needed() -> None:
    needed = needed_frames(Hierarchical(8, 8), Seek(entry=8, start=13))
    assert [step.frames[0] for step in Hierarchical(8, 8).steps(1, 8) if step in needed] == [8]
    assert all(step in needed for step in Hierarchical(8, 8).steps(9, 8))


def test_what_a_reader_found_is_what_a_session_takes() -> None:
    codec = toy_codec(Hierarchical(4, 8))
    reader = StreamReader(io.BytesIO(codec.encode(toy_pictures(19))))
    seek = reader.seek(13)
    assert seek == Seek(entry=8, start=13, count=19)
    session = codec.decoder(seek)
    session.push(reader.header)
    shown = [picture.pts for packet in reader for picture in session.push(packet)]
    assert shown == list(range(13, 19))
    assert session.flush() == []


@settings(max_examples=25, deadline=None)
@given(st.integers(1, MAX_GROUP), st.integers(1, MAX_LENGTH), st.booleans(), st.data())
def test_clips_of_any_length_in_groups_of_any_size_come_back_and_can_be_sought(
    size: int, length: int, closed: bool, data: st.DataObject
) -> None:
    codec = codec_of(Hierarchical(size, size if closed else FIRST_ONLY))
    stream = codec.encode(toy_pictures(length, 4, 4))
    whole = codec.decode(stream)
    assert [picture.pts for picture in whole] == list(range(length))
    start = data.draw(st.integers(0, length - 1))
    part = codec.decode(stream, DecodeOptions(start=start))
    assert all(one.same(other) for one, other in zip(part, whole[start:], strict=True))  # pyright: ignore
