import pytest
import torch
from toy import toy_codec, toy_pictures

import nvczoo
from nvczoo.codec import EncodeOptions
from nvczoo.codec.effort import EFFORTS, checked_effort
from nvczoo.codec.video import Video
from nvczoo.errors import SettingError
from nvczoo.interfaces import THOROUGH

Q = 40.0


def test_unknown_efforts_are_refused_by_name() -> None:
    with pytest.raises(SettingError, match=r"effort=3.*0, 1, 2"):
        checked_effort(3)
    with pytest.raises(SettingError, match="effort=-1"):
        toy_codec().encode(toy_pictures(1), Q, EncodeOptions(effort=-1))


def test_codecs_that_search_for_nothing_take_every_effort() -> None:
    codec, pictures = toy_codec(), toy_pictures(2)
    streams = {codec.encode(pictures, Q, EncodeOptions(effort=effort)) for effort in EFFORTS}
    assert len(streams) == 1


@pytest.mark.parametrize("name", ["ev-nvc-s", "ev-nvc-s-portable"])
def test_more_effort_makes_smaller_streams_of_the_same_model(name: str, tiny_video: Video) -> None:
    codec = nvczoo.load(name)
    streams = [
        codec.encode(tiny_video, Q, EncodeOptions(effort=effort, frames=4, picture_checksums=True))
        for effort in EFFORTS
    ]
    assert len(streams[2]) < min(map(len, streams[:2]))
    for stream in streams:  # the decoder checks pictures and symbols, and cares for no effort
        assert len(codec.decode(stream)) == 4


def test_an_encoder_gives_the_same_stream_each_time(tiny_video: Video) -> None:
    codec = nvczoo.load("ev-nvc-s")
    options = EncodeOptions(frames=3)
    torch.manual_seed(1)
    first = codec.encode(tiny_video, Q, options)
    torch.manual_seed(2)
    assert codec.encode(tiny_video, Q, options) == first


def test_estimates_are_of_the_effort_that_encoding_has(tiny_video: Video) -> None:
    codec = nvczoo.load("ev-nvc-s")
    with torch.inference_mode():
        usual, thorough = (float(codec.estimate(tiny_video, Q, effort=one).total.sum()) for one in (1, 2))
        assert float(codec.estimate(tiny_video, Q).total.sum()) == thorough
    assert THOROUGH == EncodeOptions().effort == EFFORTS[-1]
    assert thorough < usual


def test_an_estimate_of_what_is_searched_for_is_the_same_with_few_threads(tiny_video: Video) -> None:
    codec, before, totals = nvczoo.load("ev-nvc-s"), torch.get_num_threads(), set[float]()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            with torch.inference_mode():
                totals.add(float(codec.estimate(tiny_video, Q).total.sum()))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert len(totals) == 1


def test_an_estimate_with_gradients_is_not_searched_for() -> None:
    codec = nvczoo.create("ev-nvc-s")
    clip = torch.rand(1, 2, 6, 32, 32)
    estimate = codec.estimate(clip, Q)
    estimate.total.sum().backward()
    assert codec.intra.get_parameter("analysis.enter.weight").grad is not None


@pytest.mark.parametrize("level", [0, 128])
def test_pictures_of_one_colour_are_no_reason_to_fail(level: int) -> None:
    codec = nvczoo.load("ev-nvc-s")
    clip = torch.full((2, 3, 64, 64), level, dtype=torch.uint8)
    decoded = codec.decode(codec.encode(clip, 63.0)).to_rgb()
    assert (decoded.int() - level).abs().max() <= 12
