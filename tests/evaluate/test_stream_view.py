"""What is seen of a stream is what was put into it."""

import pytest
import torch

import nvczoo
from nvczoo.codec import Video
from nvczoo.codec.pictures import matrix_of
from nvczoo.codec.video_codec import VideoCodec
from nvczoo.errors import ShapeError, TruncatedStream
from nvczoo.evaluate.model_coding import encode_watched
from nvczoo.evaluate.stills import BITS, DECODED, MOTION, flow_still
from nvczoo.evaluate.stream_page import MAX_BARS, stream_page
from nvczoo.evaluate.stream_view import StreamView, view_stream
from nvczoo.video.colour import rgb_from_planes
from nvczoo.video.png import png

Q = 40.0


@pytest.fixture(scope="module")
def codec() -> VideoCodec:
    return nvczoo.create("ev-nvc-s", motion_estimator="block-matching")


@pytest.fixture(scope="module")
def data(codec: VideoCodec, tiny_video: Video) -> bytes:
    return codec.encode(tiny_video, Q)


@pytest.fixture(scope="module")
def view(codec: VideoCodec, data: bytes) -> StreamView:
    return view_stream(codec, data, 2)


def test_a_reader_counts_the_bits_that_the_writer_counted(
    codec: VideoCodec, tiny_video: Video, data: bytes, view: StreamView
) -> None:
    written, steps = encode_watched(codec, tiny_video, Q, codec.gop)
    assert written == data
    for step, (_, writer) in zip(view.steps, steps, strict=True):
        assert step.parts == pytest.approx(dict(writer.anatomy.parts))


def test_frames_are_those_of_the_decoder(codec: VideoCodec, data: bytes, view: StreamView) -> None:
    video = codec.decode(data)
    assert [one.frame for one in view.frames] == [0, len(video) - 1]
    matrix = matrix_of(video.info.colour)
    for one in view.frames:
        motion = [MOTION] if one.frame else []  # an intra frame has none
        assert [still.kind for still in one.stills] == [DECODED, *motion, BITS]
        assert one.stills[0].png == png(rgb_from_planes(video[one.frame].planes, matrix))


def test_the_page_shows_frames_bars_and_parts_and_needs_no_other_file(view: StreamView) -> None:
    page = stream_page(view, "a <clip>", "facts & figures")
    assert page.count("<img ") == page.count('src="data:image/png;base64,') == 5
    assert page.count("<title>frame ") == len(view.steps)
    assert "a &lt;clip&gt;" in page
    assert "facts &amp; figures" in page
    assert all(f"<td>{name}</td>" in page for step in view.steps for name in step.parts)
    assert "http" not in page


def test_the_bars_of_a_long_stream_are_means(view: StreamView) -> None:
    many = StreamView(view.info, view.steps * MAX_BARS, ())
    page = stream_page(many, "long", "")
    assert page.count("<g><title>") == MAX_BARS
    assert "on average" in page


def test_a_stream_that_was_cut_off_is_an_error(codec: VideoCodec, data: bytes) -> None:
    with pytest.raises(TruncatedStream):
        view_stream(codec, data[: len(data) // 2], 2)


def test_a_flow_is_a_picture_in_a_notebook() -> None:
    still = flow_still(torch.zeros(2, 8, 12))
    assert still._repr_png_() == png(torch.full((3, 8, 12), 255, dtype=torch.uint8))
    with pytest.raises(ShapeError, match=r"flow\[0\]"):
        flow_still(torch.zeros(1, 2, 8, 12))
