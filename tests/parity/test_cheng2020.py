"""DCVC's intra codec against CompressAI's own cheng2020-anchor, narrow, with random weights."""

import warnings

import pytest
import torch
from coded_frames import picture
from nvczoo.plugins.dcvc.serial_prior import parallel_estimates
from torch import Tensor, nn

import nvczoo
from nvczoo.codec.video_codec import VideoCodec
from nvczoo.entropy.streams import BitCounter
from nvczoo.interfaces import Setting
from nvczoo.published import translated

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of its own dependencies
    models = pytest.importorskip("compressai.models")

CHANNELS, SIZE = 16, (64, 128)
SETTING = Setting(torch.tensor([30.0]), SIZE)
WEIGHT_GAIN = 1.6  # lets latents leave zero


@pytest.fixture(scope="module")
def theirs() -> nn.Module:
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = models.Cheng2020Anchor(N=CHANNELS).eval()
    for name, parameter in model.named_parameters():
        if name.endswith("weight"):
            parameter.data *= WEIGHT_GAIN
    model.entropy_bottleneck.quantiles.data[:, 0, 1] = torch.linspace(-0.6, 0.6, CHANNELS)
    model.update(force=True)
    return model


@pytest.fixture(scope="module")
def ours(theirs: nn.Module) -> VideoCodec:
    parts = {"intra.latent_channels": CHANNELS, "intra.entropy_model.channels": CHANNELS}
    codec = nvczoo.create("dcvc", parts=parts)
    state = translated(theirs.state_dict(), codec.intra.published, codec.intra)
    codec.intra.load_state_dict(state)
    return codec


@pytest.fixture(scope="module")
def frame() -> Tensor:
    return picture(0, SIZE)


@torch.inference_mode()
def test_the_parallel_estimate_is_its_forward_pass(
    theirs: nn.Module, ours: VideoCodec, frame: Tensor
) -> None:
    expected, counter = theirs(frame), BitCounter()
    with parallel_estimates(ours):
        found = ours.intra.code(frame, (), SETTING, counter)
    torch.testing.assert_close(found.frame, expected["x_hat"].clamp(0, 1), rtol=0, atol=2e-5)
    for name, published in (("intra.latent", "y"), ("intra.hyper.latent", "z")):
        bits = float(-expected["likelihoods"][published].log2().sum())
        assert bits > 100
        assert float(counter.bits[name]) == pytest.approx(bits, rel=1e-5)


@torch.inference_mode()
def test_place_by_place_the_picture_is_what_it_decodes(
    theirs: nn.Module, ours: VideoCodec, frame: Tensor
) -> None:
    coded = theirs.compress(frame)
    expected = theirs.decompress(coded["strings"], coded["shape"])["x_hat"]
    counter = BitCounter()
    found = ours.intra.code(frame, (), SETTING, counter).frame
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-5)
    assert counter.notes["intra.symbols"].unique().numel() > 4
