"""DCVC, narrow and untrained: what does not need the published weights."""

import pytest
import torch
from coded_frames import SIZE, excess, picture
from narrow_models import NARROW
from nvczoo.plugins.dcvc.dcvc_contexts import DcvcContexts
from nvczoo.plugins.dcvc.published_keys import PUBLISHED
from nvczoo.plugins.dcvc.serial_prior import SerialPrior, parallel_estimates

import nvczoo
from nvczoo.codec.memory import ConditionalMemory
from nvczoo.codec.video_codec import VideoCodec
from nvczoo.entropy.streams import BitCounter
from nvczoo.errors import SettingError
from nvczoo.interfaces import Reference, Setting
from nvczoo.published import renamed

MODEL = "dcvc"


@pytest.fixture(scope="module")
def codec() -> VideoCodec:
    return nvczoo.create(MODEL, parts=NARROW[MODEL])


def test_streams_decode_to_the_same_frames_at_the_estimated_size(codec: VideoCodec) -> None:
    assert abs(excess(codec, 40.0, 2)) < 0.01


@torch.inference_mode()
def test_the_parallel_estimate_is_near_the_serial_one(codec: VideoCodec) -> None:
    clip = torch.stack([picture(number, SIZE) for number in range(2)], dim=1)
    serial = codec.estimate(clip)
    with parallel_estimates(codec):
        parallel = codec.estimate(clip)
    assert parallel.bits.keys() == serial.bits.keys()
    assert float(parallel.total.sum()) == pytest.approx(float(serial.total.sum()), rel=0.05)
    assert not torch.equal(parallel.frames, serial.frames)


def test_a_parallel_estimate_cannot_be_written_and_ends_with_its_block(codec: VideoCodec) -> None:
    video = (torch.rand(2, 3, 64, 80, generator=torch.Generator().manual_seed(0)) * 255).byte()
    stream = codec.encode(video)
    with parallel_estimates(codec):
        with pytest.raises(SettingError, match="cannot be written or read"):
            codec.encode(video)
        with pytest.raises(SettingError, match="cannot be written or read"):
            codec.inter.entropy_model.code(BitCounter(), None, (4, 4))
    assert isinstance(codec.inter.motion.entropy_model, SerialPrior)
    assert codec.encode(video) == stream


@torch.inference_mode()
def test_of_a_frame_the_picture_alone_is_used(codec: VideoCodec) -> None:
    setting, size = Setting(torch.tensor([20.0]), (64, 64)), (64, 64)
    remembered = ConditionalMemory(feature=torch.rand(1, 8, 64, 64), latent=torch.rand(1, 16, 4, 4))
    found = [
        codec.inter.code(picture(1, size), (Reference(picture(0, size), memory),), setting, BitCounter())
        for memory in (None, remembered)
    ]
    assert torch.equal(found[0].frame, found[1].frame)


def test_the_context_has_one_scale() -> None:
    with pytest.raises(SettingError, match="one scale; give one width"):
        DcvcContexts(channels=(8, 8, 8))


def test_published_names_find_their_place() -> None:
    intra = {
        "g_a.0.skip.weight": "analysis.0.shortcut.weight",
        "entropy_bottleneck._matrix3": "entropy_model.hyper.density.matrices.3",
        "entropy_bottleneck.biases.0": "entropy_model.hyper.density.biases.0",
        "context_prediction.weight": "entropy_model.guess.spatial.weight",
        "context_prediction.mask": "",
    }
    inter = {
        "opticFlow.moduleBasic.1.conv3.bias": "motion_estimator.levels.1.4.bias",
        "mvDecoder_part2.12.weight": "motion.refine.12.weight",
        "mvpriorDecoder.2.bias": "motion.entropy_model.hyper.synthesis.2.bias",
        "bitEstimator_z_mv.f4.b": "motion.entropy_model.hyper.density.offsets.3",
        "auto_regressive_mv.weight": "motion.entropy_model.guess.spatial.weight",
        "auto_regressive.mask": "",
        "entropy_parameters.4.bias": "entropy_model.guess.fusion.4.bias",
        "contextualEncoder.5.conv.2.bias": "analysis.5.conv2.bias",
        "contextualDecoder_part1.8.0.weight": "synthesis.8.0.weight",
        "context_refine.0.conv1.weight": "context_fuser.mend.0.conv1.weight",
    }
    for part, expected in (("intra", intra), ("inter", inter)):
        assert {key: renamed(key, PUBLISHED[MODEL][part]) for key in expected} == expected


NARROW_BUT = {
    place: {key: one for key, one in NARROW[MODEL].items() if not key.startswith(f"{place}.")}
    for place in ("inter.context_fuser", "inter.entropy_model")
}
CROSSINGS = {
    "DCVC with the contexts of DCVC-TCM": (
        MODEL,
        {
            **NARROW_BUT["inter.context_fuser"],
            "inter.context_fuser": {
                "name": "hem-contexts",
                "channels": [8, 8, 8],
                "image_channels": 3,
                "feature_channels": 8,
            },
        },
    ),
    "DCVC with a four-part prior": (
        MODEL,
        {
            **NARROW_BUT["inter.entropy_model"],
            "inter.entropy_model": {"name": "four-part", "channels": 16, "context_channels": 16},
        },
    ),
    "EV-NVC with DCVC's serial prior for pictures": (
        "ev-nvc-s",
        {"intra.entropy_model": {"name": "cheng2020-serial"}},
    ),
}


@pytest.mark.parametrize("crossing", CROSSINGS)
def test_parts_cross_between_families(crossing: str) -> None:
    name, parts = CROSSINGS[crossing]
    model = nvczoo.create(name, parts=parts)
    video = (torch.rand(3, 3, 64, 80, generator=torch.Generator().manual_seed(0)) * 255).byte()
    assert len(list(model.decode(model.encode(video, q=20.0)))) == 3
