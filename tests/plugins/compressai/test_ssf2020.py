"""ssf2020 in our streams, against CompressAI's own: with random weights, at full width."""

import warnings

import pytest
import torch
from torch import Tensor, nn

import nvczoo
from nvczoo.codec.video import Video
from nvczoo.entropy.coders import NativeCoder
from nvczoo.entropy.streams import BitCounter, BitReader, BitWriter
from nvczoo.interfaces import FrameCodec, Reference, Setting
from nvczoo.published import translated

pytest.importorskip("compressai", reason="CompressAI is an extra of its own")
pytestmark = pytest.mark.slow  # 34 million parameters, which cannot be made fewer

SIZE = (128, 256)
SETTING = Setting(torch.tensor([30.0]), SIZE)
ROUNDING = 2e-5


@pytest.fixture(scope="module")
def theirs() -> nn.Module:
    from nvczoo.plugins.compressai.library import ScaleSpaceFlow

    torch.manual_seed(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = ScaleSpaceFlow().eval()
        for name, parameter in model.named_parameters():
            if "encoder.6.weight" in name:
                parameter.data *= 40  # lets latents leave zero
        model.update(force=True)
    return model


@pytest.fixture(scope="module")
def ours(theirs: nn.Module) -> nvczoo.VideoCodec:
    codec = nvczoo.create("compressai-ssf2020")
    for part in (codec.intra, codec.inter):
        part.load_state_dict(translated(theirs.state_dict(), part.published, part))
    return codec


@pytest.fixture(scope="module")
def frames() -> list[Tensor]:
    generator = torch.Generator().manual_seed(3)
    coarse = torch.rand(1, 3, 9, 18, generator=generator)
    wide = nn.functional.interpolate(coarse, (144, 288), mode="bicubic").clamp(0, 1)
    return [wide[:, :, at : at + SIZE[0], at : at + SIZE[1]] for at in (0, 3, 6)]


def coded(codec: FrameCodec, frame: Tensor, references: tuple[Reference, ...]) -> Reference:
    writer = BitWriter(NativeCoder())
    encoded = codec.code(frame, references, SETTING, writer)
    decoded = codec.code(None, references, SETTING, BitReader(NativeCoder(), dict(writer.finish())))
    assert torch.equal(encoded.frame, decoded.frame)
    return decoded


@torch.inference_mode()
def test_what_is_decoded_is_what_compressai_decodes(
    theirs: nn.Module, ours: nvczoo.VideoCodec, frames: list[Tensor]
) -> None:
    expected = theirs.decompress(*theirs.compress(frames))
    reference = coded(ours.intra, frames[0], ())
    assert torch.allclose(reference.frame, expected[0].clamp(0, 1), atol=ROUNDING)
    for frame, wanted in zip(frames[1:], expected[1:], strict=True):
        reference = coded(ours.inter, frame, (reference,))
        assert torch.allclose(reference.frame, wanted.clamp(0, 1), atol=ROUNDING)


@torch.inference_mode()
def test_estimates_are_its_likelihoods(
    theirs: nn.Module, ours: nvczoo.VideoCodec, frames: list[Tensor]
) -> None:
    found = theirs(frames[:2])["likelihoods"]
    counter = BitCounter()
    reference = ours.intra.code(frames[0], (), SETTING, counter)
    assert float(counter.total) == pytest.approx(bits(found[0]), rel=1e-4)
    counter = BitCounter()
    ours.inter.code(frames[1], (reference,), SETTING, counter)
    assert float(counter.total) == pytest.approx(bits(found[1]), rel=1e-4)


def test_it_codes_a_video(ours: nvczoo.VideoCodec, tiny_video: Video) -> None:
    assert len(ours.decode(ours.encode(tiny_video))) == len(tiny_video)


def bits(likelihoods: object) -> float:
    """Return the bits of all likelihoods in nested tables."""
    if isinstance(likelihoods, Tensor):
        return float(-likelihoods.double().log2().sum())
    assert isinstance(likelihoods, dict)
    return sum(map(bits, likelihoods.values()))
