"""DCVC-HEM, narrow and untrained: what does not need the published weights."""

import pytest
import torch
from coded_frames import excess, picture
from narrow_models import NARROW
from nvczoo.plugins.dcvc.geometric_rate import GeometricRate
from nvczoo.plugins.dcvc.hem_blocks import SqueezedBlock
from nvczoo.plugins.dcvc.published_keys import PUBLISHED

import nvczoo
from nvczoo.codec.memory import ConditionalMemory
from nvczoo.codec.video_codec import VideoCodec
from nvczoo.entropy.streams import BitCounter
from nvczoo.interfaces import Reference, Setting
from nvczoo.layers.quality import QualityStep
from nvczoo.published import renamed

MODEL = "dcvc-hem"


@pytest.fixture(scope="module")
def codec() -> VideoCodec:
    return nvczoo.create(MODEL, parts=NARROW[MODEL])


def test_streams_decode_to_the_same_frames_at_the_estimated_size(codec: VideoCodec) -> None:
    assert abs(excess(codec, 40.0, 3)) < 0.01  # the third frame has latents of a frame before it


@torch.inference_mode()
def test_a_missing_latent_counts_as_zeros(codec: VideoCodec) -> None:
    setting = Setting(torch.tensor([20.0]), (64, 64))
    frame, last = picture(1)[..., :64, :64], picture(0)[..., :64, :64]
    zeros = ConditionalMemory(latent=torch.zeros(1, 16, 4, 4), motion_latent=torch.zeros(1, 8, 4, 4))
    found = [
        codec.inter.code(frame, (Reference(last, memory),), setting, BitCounter()).frame
        for memory in (None, zeros)
    ]
    assert torch.equal(*found)


def test_the_learned_step_of_a_channel_does_not_fall_below_a_half() -> None:
    sampler = GeometricRate(anchors=4)
    step = QualityStep(sampler, 3)
    with torch.no_grad():
        step.basic.copy_(torch.tensor([-1.0, 0.25, 2.0]).view(1, 3, 1, 1))
        step.scale.copy_(torch.tensor([4.0, 3.0, 2.0, 1.0]).view(4, 1, 1, 1))
    found = step(sampler, torch.tensor([0.0, 63.0]))[:, :, 0, 0]
    torch.testing.assert_close(found, torch.tensor([[2.0, 2.0, 8.0], [0.5, 0.5, 2.0]]))


def test_a_gate_weighs_channels_by_their_means() -> None:
    block = SqueezedBlock(4, 8)
    for parameter in block.gate.parameters():
        torch.nn.init.zeros_(parameter)
    x = torch.rand(1, 4, 6, 6)
    inner = block.conv2(torch.nn.functional.leaky_relu(block.conv1(x), 0.01))
    torch.testing.assert_close(block(x), inner / 2 + block.shortcut(x))


@pytest.mark.parametrize("start", ["fusion", "spatial"])
def test_scales_begin_above_zero(codec: VideoCodec, start: str) -> None:
    model = codec.inter.entropy_model
    bias = model.get_submodule(start)[-1].bias
    parts = bias.chunk(3 if start == "fusion" else 4)
    scales = (parts[1],) if start == "fusion" else (parts[0], parts[2])
    assert all((one > 1).all() for one in scales)


def test_published_names_of_blocks_are_told_apart() -> None:
    rules = PUBLISHED[MODEL]["inter"]
    unet = "reconstruction.unets.1"
    expected = {
        "mv_y_q_basic": "motion.quality_step.basic",
        "y_q_scale": "quality_step.scale",
        "mv_encoder.0.downsample.bias": "motion.analysis.0.shortcut.bias",
        "mv_decoder.1.subpel_conv.0.weight": "motion.synthesis.1.enlarge.0.weight",
        "feature_adaptor_P.weight": "context_fuser.from_feature.weight",
        "mv_y_spatial_prior.4.bias": "motion.entropy_model.spatial.4.bias",
        "recon_generation_net.unet_2.up_conv2.conv.3.fc.2.weight": f"{unet}.merge.0.gate.2.weight",
        "recon_generation_net.unet_2.conv3.up_dim.bias": f"{unet}.enter.2.shortcut.bias",
    }
    assert {key: renamed(key, rules) for key in expected} == expected


CROSSINGS = {
    "EV-NVC with the contexts of DCVC-HEM": (
        "ev-nvc-s",
        {
            "inter.context_fuser": {
                "name": "hem-contexts",
                "channels": [16, 32, 64],
                "image_channels": 6,
                "feature_channels": 16,
            }
        },
    ),
    "DCVC-HEM at five knots": (MODEL, {"rate_sampler": "piecewise-linear", **NARROW[MODEL]}),
}


@pytest.mark.parametrize("crossing", CROSSINGS)
def test_parts_cross_between_families(crossing: str) -> None:
    name, parts = CROSSINGS[crossing]
    model = nvczoo.create(name, parts=parts)
    video = (torch.rand(3, 3, 64, 80, generator=torch.Generator().manual_seed(0)) * 255).byte()
    assert len(list(model.decode(model.encode(video, q=20.0)))) == 3
