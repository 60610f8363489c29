"""Hierarchical B frames are a structure, not a codec: P-frame codecs of other families are given it."""

import pytest
from narrow_models import NARROW

import nvczoo
from nvczoo.codec import DecodeOptions, EncodeOptions, Video, VideoCodec, stream_info

SIZE = 4
GOP = {"name": "hierarchical", "size": SIZE, "intra_period": 2 * SIZE}
CHECKED = EncodeOptions(picture_checksums=True)
COUNT = 11
SWAPS = {
    "EV-NVC from two references": {},
    "EV-NVC from the nearer one": {"context_fuser": "context-mining"},
}


def moving(video: Video, count: int) -> Video:
    """Return a longer video: to and fro."""
    there = [*video.pictures, *video.pictures[-2:0:-1]]
    pictures = [there[number % len(there)] for number in range(count)]
    return Video(video.info, tuple(type(one)(*one.planes, number) for number, one in enumerate(pictures)))


def check(codec: VideoCodec, video: Video) -> None:
    data = codec.encode(video, 40, CHECKED)
    info = stream_info(data)
    assert [(frame.frame, frame.kind) for frame in info.frames] == [
        *[(0, "I"), (4, "P"), (2, "B"), (1, "B"), (3, "B")],
        *[(8, "I"), (6, "B"), (5, "B"), (7, "B")],
        *[(10, "P"), (9, "B")],
    ]
    assert info.delay == SIZE - 1
    decoded = codec.decode(data)  # which compares every picture with the encoder's
    assert [picture.pts for picture in decoded] == list(range(COUNT))
    part = codec.decode(data, DecodeOptions(start=5, frames=4))
    assert all(one.same(other) for one, other in zip(part, decoded.pictures[5:9], strict=True))


@pytest.mark.parametrize("swaps", SWAPS.values(), ids=SWAPS)
def test_an_untrained_p_frame_codec_codes_b_frames(swaps: dict[str, str], tiny_video: Video) -> None:
    codec = nvczoo.create("ev-nvc-s", gop=GOP, **swaps)
    assert codec.inter is not None
    assert codec.inter.references_needed == (1 if swaps else 2)
    check(codec, moving(tiny_video, COUNT))


def test_a_p_frame_codec_with_memory_of_its_own_codes_b_frames(tiny_video: Video) -> None:
    codec = nvczoo.create("dcvc-dc", gop=GOP, parts=NARROW["dcvc-dc"])
    check(codec, moving(tiny_video, COUNT))
