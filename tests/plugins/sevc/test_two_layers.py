"""SEVC, narrow and untrained: what does not need the published weights."""

import pytest
import torch
from narrow_models import NARROW
from nvczoo.plugins.sevc.codec import Sevc
from nvczoo.plugins.sevc.memory import SevcMemory
from nvczoo.plugins.sevc.quarter import quarter, quarter_size
from torch import Tensor
from torch.nn import functional as F

import nvczoo
from nvczoo.codec.memory import ConditionalMemory
from nvczoo.codec.references import after_reset
from nvczoo.entropy.coders import NativeCoder
from nvczoo.entropy.streams import BitCounter, BitReader, BitWriter
from nvczoo.errors import NvczooError
from nvczoo.interfaces import Reference, Setting

MODEL = "sevc"
SIZE = (112, 176)
CODER_BITS = 32  # the end of a layer: more than 1 % of so small a picture


@pytest.fixture(scope="module")
def codec() -> Sevc:
    inter = nvczoo.create(MODEL, parts=NARROW[MODEL]).inter
    assert isinstance(inter, Sevc)
    return inter


def picture(number: int, size: tuple[int, int] = SIZE) -> Tensor:
    rows, columns = torch.arange(size[0]).view(-1, 1), torch.arange(size[1]).view(1, -1) + 2 * number
    channels = [torch.sin(rows * 0.07 * (one + 1)) * torch.cos(columns * 0.11) for one in range(3)]
    return (0.5 + 0.4 * torch.stack(channels)).unsqueeze(0)


def setting(*q: float, level: int = 0) -> Setting:
    return Setting(torch.tensor(q), SIZE, level)


@torch.inference_mode()
def test_streams_decode_to_the_same_frames_with_and_without_the_enhancement(codec: Sevc) -> None:
    whole = small = Reference(picture(0))
    written_bits = estimated_bits = 0.0
    coded_layers = 0
    for number in range(1, 5):
        writer, counter = BitWriter(NativeCoder()), BitCounter()
        written = codec.code(picture(number), (whole,), setting(40.0), writer)
        codec.code(picture(number), (whole,), setting(40.0), counter)
        layers = dict(writer.finish())
        assert set(layers) == {"", "enhancement"}
        reader = BitReader(NativeCoder(), layers)
        whole = codec.code(None, (whole,), setting(40.0), reader)
        reader.finish()
        assert torch.equal(whole.frame, written.frame)
        small = codec.code(None, (small,), setting(40.0), BitReader(NativeCoder(), {"": layers[""]}))
        assert torch.equal(codec.base_image(small), codec.base_image(whole))
        assert small.frame.shape[2:] == (32, 48)
        coded_layers += len(layers)
        written_bits += 8 * sum(len(data) for data in layers.values())
        estimated_bits += float(counter.total)
    assert written_bits - CODER_BITS * coded_layers == pytest.approx(estimated_bits, rel=0.01)


@torch.inference_mode()
def test_a_batch_codes_each_picture_as_if_alone(codec: Sevc) -> None:
    before, batch = (torch.cat([picture(number), picture(number + 15)]) for number in (0, 1))
    together, bits = BitCounter(), []
    found = codec.code(batch, (Reference(before),), setting(12.0, 50.0), together)
    for one, q in enumerate((12.0, 50.0)):
        alone, at = BitCounter(), slice(one, one + 1)
        expected = codec.code(batch[at], (Reference(before[at]),), setting(q), alone)
        torch.testing.assert_close(found.frame[at], expected.frame, atol=1e-4, rtol=0)
        bits.append(float(alone.total))
    assert together.total.tolist() == pytest.approx(bits, rel=1e-3)


@torch.inference_mode()
def test_three_latents_are_remembered_and_a_refresh_drops_the_features_alone(codec: Sevc) -> None:
    reference, counts = Reference(picture(0)), []
    for number in range(1, 6):
        reference = codec.code(picture(number), (reference,), setting(30.0), BitCounter())
        assert isinstance(reference.memory, SevcMemory)
        counts.append(len(reference.memory.latents))
    assert counts == [1, 2, 3, 3, 3]
    fresh = after_reset(reference).memory
    assert isinstance(fresh, SevcMemory)
    assert isinstance(fresh.base.memory, ConditionalMemory)
    assert fresh.feature is fresh.base.memory.feature is None
    assert len(fresh.latents) == 3
    assert fresh.base.memory.motion_latent is not None


def test_a_quarter_of_a_constant_is_that_constant_and_any_size_will_do() -> None:
    for size in ((4, 4), (1, 1), (37, 50), (16, 18)):
        found = quarter(torch.full((1, 3, *size), 0.7))
        assert found.shape[2:] == quarter_size(size)
        torch.testing.assert_close(found, torch.full_like(found, 0.7))


def test_the_quarter_follows_the_bicubic_of_image_libraries_away_from_borders() -> None:
    image = torch.rand(1, 3, 64, 80, generator=torch.Generator().manual_seed(1))
    expected = F.interpolate(image, scale_factor=0.25, mode="bicubic", antialias=True)
    torch.testing.assert_close(quarter(image)[..., 2:-2, 2:-2], expected[..., 2:-2, 2:-2], atol=1e-5, rtol=0)


def test_a_base_layer_that_sees_otherwise_is_refused() -> None:
    parts = NARROW[MODEL] | {"intra.layout": "yuv444", "inter.layout": "yuv444"}
    with pytest.raises(NvczooError, match="base layer must be a codec of P frames in yuv444"):
        nvczoo.create(MODEL, parts=parts)


def test_other_priors_take_the_place_of_the_enhancement_layers() -> None:
    narrow = {key: one for key, one in NARROW[MODEL].items() if not key.startswith("inter.entropy_model.")}
    prior = {"name": "checkerboard", "channels": 16, "context_channels": 32}
    model = nvczoo.create(MODEL, parts={**narrow, "inter.entropy_model": prior})
    video = (torch.rand(3, 3, 64, 80, generator=torch.Generator().manual_seed(0)) * 255).byte()
    assert model.estimate(video, q=20.0).frames.shape[1] == 3
