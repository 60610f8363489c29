"""DCVC-TCM, narrow and untrained: what does not need the published weights."""

import pytest
import torch
from coded_frames import excess, picture
from narrow_models import NARROW
from nvczoo.plugins.dcvc.published_keys import PUBLISHED

import nvczoo
from nvczoo.codec.memory import ConditionalMemory
from nvczoo.codec.video_codec import VideoCodec
from nvczoo.entropy.streams import BitCounter
from nvczoo.interfaces import Reference, Setting
from nvczoo.published import renamed

MODEL = "dcvc-tcm"


@pytest.fixture(scope="module")
def codec() -> VideoCodec:
    return nvczoo.create(MODEL, parts=NARROW[MODEL])


def test_streams_decode_to_the_same_frames_at_the_estimated_size(codec: VideoCodec) -> None:
    assert abs(excess(codec, 40.0, 3)) < 0.01  # the third frame has the feature of a P frame


@torch.inference_mode()
def test_after_an_intra_frame_contexts_come_from_the_picture_else_from_the_feature(codec: VideoCodec) -> None:
    setting, size = Setting(torch.tensor([20.0]), (64, 64)), (64, 64)
    found = [
        codec.inter.code(picture(1, size), (Reference(picture(0, size), memory),), setting, BitCounter())
        for memory in (None, ConditionalMemory(), ConditionalMemory(feature=torch.rand(1, 16, 64, 64)))
    ]
    assert torch.equal(found[0].frame, found[1].frame)
    assert not torch.equal(found[0].frame, found[2].frame)
    assert isinstance(found[0].memory, ConditionalMemory)
    assert found[0].memory.feature is not None


@torch.inference_mode()
def test_one_network_is_one_rate(codec: VideoCodec) -> None:
    bits = [
        float(codec.estimate(picture(0, (64, 64)).unsqueeze(1), torch.tensor([q])).total) for q in (0.0, 63.0)
    ]
    assert bits[0] == bits[1]


def test_published_names_of_new_blocks_find_their_place() -> None:
    intra = {
        "g_a.2.gdn.beta": "analysis.2.finish.beta",
        "g_s.1.igdn.gamma": "synthesis.1.finish.gamma",
        "g_s.3.subpel_conv.0.weight": "synthesis.3.enlarge.0.weight",
        "entropy_bottleneck._matrices.4": "entropy_model.hyper.density.matrices.4",
        "entropy_bottleneck.quantiles": "entropy_model.hyper.density.quantiles",
        "g_a.0.gdn.beta_reparam.lower_bound.bound": "",
        "entropy_bottleneck._quantized_cdf": "",
    }
    inter = {
        "mv_encoder.12.bias": "motion.analysis.12.bias",
        "mv_prior_decoder.4.weight": "motion.entropy_model.hyper.synthesis.4.weight",
        "contextual_decoder.gdn3.beta": "synthesis.norms.2.beta",
        "temporal_prior_encoder.conv4.bias": "temporal_prior.convs.3.bias",
        "recon_generation_net.feature_conv.2.conv1.weight": "reconstruction.unets.1.conv1.weight",
        "contextual_entropy_parameter.2.bias": "entropy_model.fusion.2.bias",
    }
    for part, expected in (("intra", intra), ("inter", inter)):
        assert {key: renamed(key, PUBLISHED[MODEL][part]) for key in expected} == expected


CROSSINGS = {
    "DCVC-TCM with the dual prior of DCVC-HEM": {
        **{key: one for key, one in NARROW[MODEL].items() if not key.startswith("inter.entropy_model.")},
        "inter.entropy_model": {"name": "dcvc-hem-inter", "channels": 16, "context_channels": 32},
    },
    "DCVC-TCM with the intra codec of DCVC-HEM": {
        **{key: one for key, one in NARROW[MODEL].items() if not key.startswith("intra.")},
        "intra": {
            "name": "dcvc-hem-intra",
            "latent_channels": 16,
            "entropy_model": {"name": "dcvc-hem-intra", "channels": 16},
        },
    },
}


@pytest.mark.parametrize("crossing", CROSSINGS)
def test_parts_cross_between_families(crossing: str) -> None:
    model = nvczoo.create(MODEL, parts=CROSSINGS[crossing])
    video = (torch.rand(3, 3, 64, 80, generator=torch.Generator().manual_seed(0)) * 255).byte()
    assert len(list(model.decode(model.encode(video, q=20.0)))) == 3
