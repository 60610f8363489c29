"""DCVC-FM, narrow and untrained: what does not need the published weights."""

import pytest
import torch
from coded_frames import SIZE, excess, picture
from narrow_models import NARROW
from nvczoo.plugins.dcvc.fm import RefreshedMemory
from nvczoo.plugins.dcvc.fm_blocks import ROWS, RowGain
from nvczoo.plugins.dcvc.geometric_rate import GeometricRate
from nvczoo.plugins.dcvc.published_keys import PUBLISHED

import nvczoo
from nvczoo.codec.references import ReferenceBuffer
from nvczoo.codec.video_codec import VideoCodec
from nvczoo.entropy.streams import BitCounter
from nvczoo.errors import SettingError
from nvczoo.interfaces import CodingStep, Reference, Setting
from nvczoo.published import renamed

MODEL = "dcvc-fm"


@pytest.fixture(scope="module")
def codec() -> VideoCodec:
    return nvczoo.create(MODEL, parts=NARROW[MODEL])


def test_streams_decode_to_the_same_frames_at_the_estimated_size(codec: VideoCodec) -> None:
    assert abs(excess(codec, 40.5, 2)) < 0.01


def test_adaptors_and_refreshes_follow_the_published_order(codec: VideoCodec) -> None:
    steps = [codec.gop.steps(number, 1)[0] for number in range(70)]
    assert [step.level for step in steps] == [[0, 1, 0, 2, 0, 2, 0, 2][number % 8] for number in range(70)]
    assert [step.frames[0] for step in steps if step.reset] == [33, 65]
    assert [step.frames[0] for step in steps if not step.references] == [0]


@torch.inference_mode()
def test_a_refresh_drops_the_feature_and_keeps_the_latents(codec: VideoCodec) -> None:
    setting = Setting(torch.tensor([20.0]), SIZE)
    decoded = codec.inter.code(picture(1), (Reference(picture(0)),), setting, BitCounter())
    kept = ReferenceBuffer()
    kept.add(CodingStep((1,), (0,)), decoded)
    memory = kept.of(CodingStep((2,), (1,), reset=True))[0].memory
    before = kept.of(CodingStep((2,), (1,)))[0].memory
    assert isinstance(memory, RefreshedMemory)
    assert isinstance(before, RefreshedMemory)
    assert memory.feature is None
    assert before.feature is not None
    assert memory.latent is before.latent
    assert memory.motion_latent is before.motion_latent
    assert memory.motion_feature is before.motion_feature


def test_a_row_of_gains_is_used_as_it_is_and_rates_between_two_lie_between() -> None:
    sampler = GeometricRate()
    gain = RowGain(sampler, 2)
    with torch.no_grad():
        gain.scale.copy_(torch.arange(2 * ROWS).view(ROWS, 2, 1, 1))
    found = gain(sampler, torch.tensor([0.0, 21.0, 62.5, 63.0]))[:, :, 0, 0]
    assert found.tolist() == [[0, 1], [42, 43], [125, 126], [126, 127]]


def test_flow_networks_want_a_kernel_for_each_level() -> None:
    with pytest.raises(SettingError, match="4 of them"):
        nvczoo.create(MODEL, parts={**NARROW[MODEL], "inter.motion_estimator.kernels": [7, 5]})


def test_published_names_of_new_blocks_and_gains_find_their_place() -> None:
    intra = {
        "q_scale_dec": "decoder_gain.scale",
        "enc.enc_2.2.down.weight": "analysis_coarse.2.shrink.weight",
        "enc.enc_1.0.conv.2.bias": "analysis_fine.0.conv2.bias",
        "dec.dec_1.2.block.0.conv1.2.weight": "synthesis_coarse.2.0.depthwise.weight",
        "dec.dec_1.2.block.0.out_conv.weight": "synthesis_coarse.2.0.leave.weight",
        "refine.0.down2.weight": "refine.0.halve.1.weight",
        "y_spatial_prior_reduction.bias": "entropy_model.reduction.bias",
    }
    inter = {
        "mv_y_q_enc": "motion.encoder_gain.scale",
        "y_q_dec": "decoder_gain.scale",
        "optic_flow.me_2x.conv5.weight": "motion_estimator.levels.2.8.weight",
    }
    for part, expected in (("intra", intra), ("inter", inter)):
        assert {key: renamed(key, PUBLISHED[MODEL][part]) for key in expected} == expected
