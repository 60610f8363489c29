"""DCVC-DC, narrow and untrained: what does not need the published weights."""

from dataclasses import replace

import pytest
import torch
from narrow_models import NARROW
from torch import Tensor

import nvczoo
from nvczoo.codec.memory import ConditionalMemory
from nvczoo.codec.video_codec import VideoCodec
from nvczoo.entropy.coders import NativeCoder
from nvczoo.entropy.streams import BitCounter, BitReader, BitWriter
from nvczoo.interfaces import Reference, Setting

SIZE = (256, 192)
MODEL = "dcvc-dc"


@pytest.fixture(scope="module")
def codec() -> VideoCodec:
    return nvczoo.create(MODEL, parts=NARROW[MODEL])


def picture(number: int) -> Tensor:
    rows, columns = torch.arange(SIZE[0]).view(-1, 1), torch.arange(SIZE[1]).view(1, -1) + 2 * number
    channels = [torch.sin(rows * 0.07 * (one + 1)) * torch.cos(columns * 0.11) for one in range(3)]
    return (0.5 + 0.4 * torch.stack(channels)).unsqueeze(0)


@torch.inference_mode()
def test_streams_decode_to_the_same_frames_at_the_estimated_size(codec: VideoCodec) -> None:
    references: tuple[Reference, ...] = ()
    written_bits = estimated_bits = 0.0
    for number in range(2):
        (step,) = codec.gop.steps(number, 1)
        part, writer, counter = codec.codec_of(step), BitWriter(NativeCoder()), BitCounter()
        setting = Setting(torch.tensor([40.0]), SIZE, step.level)
        written = part.code(picture(number), references, setting, writer)
        part.code(picture(number), references, setting, counter)
        layers = dict(writer.finish())
        reader = BitReader(NativeCoder(), layers)
        read = part.code(None, references, setting, reader)
        reader.finish()
        assert torch.equal(read.frame, written.frame)
        references = (read,)
        written_bits += 8 * sum(len(data) for data in layers.values())
        estimated_bits += float(counter.total)
    assert written_bits == pytest.approx(estimated_bits, rel=0.01)


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
