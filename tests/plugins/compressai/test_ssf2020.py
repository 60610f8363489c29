"""ssf2020 in our streams, against CompressAI's own: with random weights, at full width."""

import copy
import warnings

import pytest
import torch
from given import SIZE_SHARE, Given
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
CHANNELS = 192  # of each latent
DEVIATIONS = torch.linspace(0.5, 8, CHANNELS)


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


@torch.no_grad()
def test_the_coded_size_is_that_of_its_own_coder(theirs: nn.Module, frames: list[Tensor]) -> None:
    model = copy.deepcopy(theirs)
    for name in ("img", "motion", "res"):
        prior = getattr(model, f"{name}_hyperprior")
        _tell(prior.hyper_decoder_mean, torch.zeros(CHANNELS))
        _tell(prior.hyper_decoder_scale, DEVIATIONS)
    codec = nvczoo.create("compressai-ssf2020")
    assert codec.inter is not None
    for part in (codec.intra, codec.inter):
        part.load_state_dict(translated(model.state_dict(), part.published, part))

    latents = given_latents()  # distributed as the model says
    model.img_encoder, model.motion_encoder, model.res_encoder = latents
    codec.intra.picture.analysis, codec.inter.motion.analysis, codec.inter.residual.analysis = latents  # pyright: ignore[reportAttributeAccessIssue]
    expected = coded_bytes(model.compress(frames[:2])[0])
    found, reference = size_of(codec.intra, frames[0], ())
    found += size_of(codec.inter, frames[1], (reference,))[0]
    assert expected > 10_000, "too few bytes to compare"
    assert abs(found - expected) <= SIZE_SHARE * expected, (found, expected)


def given_latents() -> list[nn.Module]:
    """Return three stand-ins for analyses, each with a latent of its own."""
    generator = torch.Generator().manual_seed(4)
    shape = (1, CHANNELS, SIZE[0] // 16, SIZE[1] // 16)
    return [Given(DEVIATIONS[:, None, None] * torch.randn(shape, generator=generator)) for _ in range(3)]


def size_of(codec: FrameCodec, frame: Tensor, references: tuple[Reference, ...]) -> tuple[int, Reference]:
    writer = BitWriter(NativeCoder())
    reference = codec.code(frame, references, SETTING, writer)
    return sum(len(data) for _, data in writer.finish()), reference


def coded_bytes(strings: object) -> int:
    """Return the bytes of all strings in nested lists and tables."""
    if isinstance(strings, bytes):
        return len(strings)
    assert isinstance(strings, list | tuple | dict), type(strings)
    return sum(map(coded_bytes, strings.values() if isinstance(strings, dict) else strings))


def _tell(network: nn.Module, values: Tensor) -> None:
    """Let a network return these values, by channel, whatever it is given."""
    last = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)][-1]
    last.weight.zero_()
    assert last.bias is not None
    last.bias.copy_(values)


def test_it_codes_a_video(ours: nvczoo.VideoCodec, tiny_video: Video) -> None:
    assert len(ours.decode(ours.encode(tiny_video))) == len(tiny_video)


def bits(likelihoods: object) -> float:
    """Return the bits of all likelihoods in nested tables."""
    if isinstance(likelihoods, Tensor):
        return float(-likelihoods.double().log2().sum())
    assert isinstance(likelihoods, dict)
    return sum(map(bits, likelihoods.values()))
