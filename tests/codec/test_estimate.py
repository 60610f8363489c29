import pytest
import torch
from test_sessions import Chunks
from toy import ToyChunk, ToyIntra, VarintCoder, toy_codec, toy_pictures

from nvczoo.codec import AllIntra, Hierarchical, LowDelay, VideoCodec
from nvczoo.codec.frames import planes_from_image
from nvczoo.errors import SettingError, ShapeError
from nvczoo.interfaces import GopStructure


@pytest.mark.parametrize(
    "gop", [AllIntra(), LowDelay(4), LowDelay(-1, 0, (0, 1), 2), Hierarchical(4, 8)], ids=str
)
def test_estimated_frames_are_the_decoded_ones(gop: GopStructure) -> None:
    codec = toy_codec(gop)
    pictures = toy_pictures(7)
    decoded = codec.decode(codec.encode(pictures, 40.123))
    with torch.inference_mode():
        estimate = codec.estimate(pictures, 40.123)
    assert estimate.frames.shape == (1, 7, 6, 16, 16)
    for at, picture in enumerate(decoded):
        planes = planes_from_image(estimate.frames[:, at], (18, 22), codec.layout)
        assert all(torch.equal(one[0], other) for one, other in zip(planes, picture.planes, strict=True))


def test_bits_are_told_by_part_and_frame() -> None:
    estimate = toy_codec(LowDelay(3)).estimate(toy_pictures(5))
    assert set(estimate.bits) == {"intra.latent", "inter.latent"}
    assert (estimate.bits["intra.latent"] > 0).tolist() == [[True, False, False, True, False]]
    assert (estimate.bits["inter.latent"] > 0).tolist() == [[False, True, True, False, True]]
    assert torch.equal(estimate.total, sum(estimate.bits.values()))


def test_gradients_reach_the_weights_and_q_may_differ_within_a_batch() -> None:
    codec = toy_codec().train()
    clip = torch.rand(2, 3, 6, 16, 16)
    estimate = codec.estimate(clip, torch.tensor([10.0, 50.0]), training=True)
    assert estimate.total.shape == (2, 3)
    (estimate.total.sum() + estimate.frames.square().sum()).backward()
    assert all(parameter.grad is not None for parameter in codec.parameters())


def test_the_structure_can_be_chosen() -> None:
    estimate = toy_codec().estimate(toy_pictures(3), gop=AllIntra())
    assert set(estimate.bits) == {"intra.latent"}


def test_the_bits_of_a_chunk_are_shared_out() -> None:
    codec = VideoCodec(ToyIntra(), ToyChunk(), Chunks(), None, VarintCoder())
    estimate = codec.estimate(toy_pictures(7))
    assert estimate.frames.shape[1] == 7
    bits = estimate.bits["latent"][0]
    assert (bits[1:] > 0).all()
    assert bits[1] == bits[4]


@pytest.mark.parametrize("shape", [(1, 2, 3, 16, 16), (1, 0, 6, 16, 16), (1, 2, 6, 16, 12)])
def test_clips_that_do_not_fit_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError):
        toy_codec().estimate(torch.zeros(shape))


def test_a_q_off_the_scale_is_refused() -> None:
    with pytest.raises(SettingError, match="from 0"):
        toy_codec().estimate(toy_pictures(2), 64)
