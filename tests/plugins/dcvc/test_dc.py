"""DCVC-DC, narrow and untrained: what does not need the published weights."""

from dataclasses import replace

import pytest
import torch
from coded_frames import excess, picture
from narrow_models import NARROW

import nvczoo
from nvczoo.codec.memory import ConditionalMemory
from nvczoo.codec.video_codec import VideoCodec
from nvczoo.interfaces import Reference

MODEL = "dcvc-dc"


@pytest.fixture(scope="module")
def codec() -> VideoCodec:
    return nvczoo.create(MODEL, parts=NARROW[MODEL])


def test_streams_decode_to_the_same_frames_at_the_estimated_size(codec: VideoCodec) -> None:
    assert abs(excess(codec, 40.0, 2)) < 0.01


@torch.inference_mode()
def test_the_level_picks_how_the_feature_is_read(codec: VideoCodec) -> None:
    fuser = codec.inter.context_fuser
    frame, flow = picture(0)[..., :64, :64], torch.zeros(1, 2, 64, 64)
    remembered = Reference(frame, ConditionalMemory(feature=torch.randn(1, 16, 64, 64)))
    contexts = [fuser((remembered,), (flow,), level)[0] for level in range(4)]
    assert not torch.equal(contexts[0], contexts[1])
    assert not torch.equal(contexts[1], contexts[2])
    assert torch.equal(contexts[2], contexts[3])  # no more than three are learned
    forgotten = replace(remembered, memory=None)
    assert torch.equal(fuser((forgotten,), (flow,), 0)[0], fuser((forgotten,), (flow,), 1)[0])


def narrow_but(*places: str) -> dict[str, object]:
    return {key: one for key, one in NARROW[MODEL].items() if not key.startswith(places)}


DIVERSE = {"name": "diverse-contexts", "channels": [16, 32, 64], "image_channels": 6, "feature_channels": 16}
CHECKERBOARD = {"name": "checkerboard", "channels": 16, "context_channels": 32}
CROSSINGS = {
    "EV-NVC with diverse contexts": ("ev-nvc-s", {"inter.context_fuser": DIVERSE}),
    "DCVC-DC at five knots": (MODEL, {"rate_sampler": "piecewise-linear", **NARROW[MODEL]}),
    "DCVC-DC with a checkerboard prior": (
        MODEL,
        {"inter.entropy_model": CHECKERBOARD, **narrow_but("inter.entropy_model.")},
    ),
}


@pytest.mark.parametrize("crossing", CROSSINGS)
def test_parts_cross_between_families(crossing: str) -> None:
    name, parts = CROSSINGS[crossing]
    model = nvczoo.create(name, parts=parts)
    video = (torch.rand(3, 3, 64, 80, generator=torch.Generator().manual_seed(0)) * 255).byte()
    assert len(list(model.decode(model.encode(video, q=20.0)))) == 3
