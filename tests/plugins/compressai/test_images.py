"""CompressAI's image models in our streams, against CompressAI itself: narrow, with random weights."""

import subprocess
import sys
import warnings

import pytest
import torch
from given import SIZE_SHARE, Given
from torch import Tensor, nn

import nvczoo
from nvczoo.codec.video import Video
from nvczoo.entropy.bottleneck import EntropyBottleneck
from nvczoo.entropy.coders import NativeCoder
from nvczoo.entropy.streams import BitCounter, BitReader, BitWriter
from nvczoo.errors import SettingError
from nvczoo.interfaces import IntraCodec, Setting
from nvczoo.published import translated

pytest.importorskip("compressai", reason="CompressAI is an extra of its own")

SIZE = (192, 256)
SETTING = Setting(torch.tensor([30.0]), SIZE)
DEVIATION = 6.0  # of latents, about that of a trained model at a high rate
NAMES = {
    "bmshj2018-factorized": [16, 24],
    "bmshj2018-hyperprior": [16, 24],
    "mbt2018-mean": [16, 24],
    "mbt2018": [16, 24],
    "cheng2020-anchor": [16],
    "cheng2020-attn": [16],
}
PARALLEL = ("bmshj2018-factorized", "bmshj2018-hyperprior", "mbt2018-mean")
CONTAINER = 300  # bytes of a stream around its symbols, of one frame at most
LARGE = (40, 48)  # (h, w) of a latent of some ten thousand bytes
ROUNDING = 5e-6  # of convolutions, which sum in another order where memory is laid out otherwise


def their_model(name: str) -> nn.Module:
    from nvczoo.plugins.compressai.library import image_model

    torch.manual_seed(1)
    model = image_model(name, 1, tuple(NAMES[name])).eval()
    fit_scales(model)
    density = model.entropy_bottleneck
    density.quantiles.data[:, 0, 1] = torch.linspace(-0.6, 0.6, len(density.quantiles))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.update(force=True)
    return model


@torch.no_grad()
def fit_scales(model: nn.Module) -> None:
    """Let the predicted scales be near those of the latents, as in a trained model."""
    convs = [layer for layer in model.g_a if isinstance(layer, nn.Conv2d)]
    gain = DEVIATION / model.g_a(texture()).std()
    convs[-1].weight *= gain
    convs[-1].bias *= gain
    deviation = model.g_a(texture()).std(dim=(0, 2, 3))
    predict(model, deviation, weight=0.1)


def predict(model: nn.Module, deviation: Tensor, weight: float) -> None:
    told = getattr(model, "entropy_parameters", None) or getattr(model, "h_s", None)
    if told is not None:
        last = [layer for layer in told.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)][-1]
        last.weight *= weight
        last.bias *= weight
        last.bias[: len(deviation)] = deviation


def texture() -> Tensor:
    """Return a picture [1, 3, H, W], smooth with noise."""
    generator = torch.Generator().manual_seed(3)
    coarse = torch.rand(1, 3, 12, 16, generator=generator)
    fine = torch.rand(1, 3, *SIZE, generator=generator)
    return 0.7 * nn.functional.interpolate(coarse, SIZE, mode="bicubic").clamp(0, 1) + 0.3 * fine


def our_codec(name: str, theirs: nn.Module) -> IntraCodec:
    intra = nvczoo.create(f"compressai-{name}", parts={"intra.transform_widths": NAMES[name]}).intra
    intra.load_state_dict(translated(theirs.state_dict(), intra.published, intra))
    return intra


@pytest.fixture(scope="module", params=NAMES)
def pair(request: pytest.FixtureRequest) -> tuple[str, nn.Module, IntraCodec]:
    theirs = their_model(request.param)
    return request.param, theirs, our_codec(request.param, theirs)


@pytest.fixture(scope="module")
def frame() -> Tensor:
    return texture()


def coded(ours: IntraCodec, frame: Tensor, setting: Setting) -> tuple[Tensor, int]:
    """Return the decoded frame, and the bytes it took."""
    writer = BitWriter(NativeCoder())
    encoded = ours.code(frame, (), setting, writer)
    layers = writer.finish()
    decoded = ours.code(None, (), setting, BitReader(NativeCoder(), dict(layers)))
    assert torch.equal(decoded.frame, encoded.frame)
    return decoded.frame, sum(len(data) for _, data in layers)


@torch.inference_mode()
def test_what_is_decoded_is_what_compressai_decodes(
    pair: tuple[str, nn.Module, IntraCodec], frame: Tensor
) -> None:
    _, theirs, ours = pair
    packed = theirs.compress(frame)
    expected = theirs.decompress(packed["strings"], packed["shape"])["x_hat"]
    found, _ = coded(ours, frame, SETTING)
    assert torch.allclose(found, expected, atol=ROUNDING)


@torch.no_grad()
@pytest.mark.parametrize(
    "name", [name if name in PARALLEL else pytest.param(name, marks=pytest.mark.slow) for name in NAMES]
)
def test_the_coded_size_is_that_of_its_own_coder(name: str) -> None:
    theirs = their_model(name)
    deviations = torch.linspace(0.5, 8, NAMES[name][-1])
    predict(theirs, deviations, weight=0.0)
    noise = torch.randn(1, len(deviations), *LARGE, generator=torch.Generator().manual_seed(4))
    theirs.g_a = Given(deviations[:, None, None] * noise)
    if name == "bmshj2018-factorized":
        theirs.g_a = Given(3 * noise)
    size = (16 * LARGE[0], 16 * LARGE[1])
    frame = torch.zeros(1, 3, *size)
    packed = theirs.compress(frame)
    expected = sum(len(string) for strings in packed["strings"] for string in strings)

    ours = nvczoo.create(f"compressai-{name}", parts={"intra.transform_widths": NAMES[name]}).intra
    state = {key: value for key, value in theirs.state_dict().items() if not key.startswith("g_a.")}
    state |= {key: value for key, value in their_model(name).state_dict().items() if key.startswith("g_a.")}
    ours.load_state_dict(translated(state, ours.published, ours))
    ours.analysis = theirs.g_a
    _, found = coded(ours, frame, Setting(SETTING.q, size))
    assert expected > 10_000, "too few bytes to compare"
    assert abs(found - expected) <= SIZE_SHARE * expected, (found, expected)


GRADIENTS = """
import nvczoo, sys, torch
from nvczoo.entropy.streams import BitCounter
from nvczoo.interfaces import Setting

def gradients(intra, fast):
    counter = BitCounter()
    setting = Setting(torch.tensor([30.0]), (64, 64))
    with torch.backends.mkldnn.flags(enabled=fast):
        made = intra.code(torch.linspace(0, 1, 64).expand(1, 3, 64, 64), (), setting, counter)
        (made.frame.square().mean() + counter.total.sum() / 1e4).backward()
    found = {name: one.grad for name, one in intra.named_parameters() if one.grad is not None}
    intra.zero_grad()
    return found

for name, widths in eval(sys.argv[1]).items():
    torch.manual_seed(0)
    intra = nvczoo.create(f"compressai-{name}", parts={"intra.transform_widths": widths}).intra
    fast, plain = gradients(intra, True), gradients(intra, False)
    for key in plain:
        if not key.endswith("quantiles"):  # theirs cancels out to noise
            near = torch.allclose(fast[key], plain[key], rtol=1e-3, atol=1e-4 * float(plain[key].abs().max()))
            assert near, (name, key, fast[key], plain[key])
"""


@pytest.mark.slow
def test_gradients_stay_within_their_memory() -> None:
    command = [sys.executable, "-c", GRADIENTS, repr(NAMES)]  # a process of its own: it was one that crashed
    subprocess.run(command, check=True)


@torch.inference_mode()
def test_estimates_are_its_likelihoods(pair: tuple[str, nn.Module, IntraCodec], frame: Tensor) -> None:
    name, theirs, ours = pair
    if name not in PARALLEL:
        pytest.skip("its estimate of a serial model is not what a decoder can do")
    found = theirs(frame)
    counter = BitCounter()
    decoded = ours.code(frame, (), SETTING, counter)
    bits = sum(-one.double().log2().sum() for one in found["likelihoods"].values())
    assert torch.allclose(decoded.frame, found["x_hat"].clamp(0, 1), atol=ROUNDING)
    assert float(counter.total.sum()) == pytest.approx(float(bits), rel=1e-5)


def test_one_stands_in_for_the_intra_codec_of_a_video_codec(tiny_video: Video) -> None:
    with pytest.warns(nvczoo.SwappedPartWarning, match="'compressai/mbt2018-mean' replaces 'ev-nvc-intra'"):
        codec = nvczoo.load("ev-nvc-s", intra="compressai/mbt2018-mean")
    assert codec.layout == "packed420"
    assert len(codec.decode(codec.encode(tiny_video, q=20))) == len(tiny_video)


def test_a_quality_it_does_not_have_is_told() -> None:
    with pytest.raises(SettingError, match="quality=9: mbt2018 has 1 to 8"):
        nvczoo.create("compressai-mbt2018", parts={"intra.quality": 9})


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_quality_has_its_widths(name: str) -> None:
    from nvczoo.plugins.compressai.library import image_model, zoo

    for quality in zoo.cfgs[name]:
        theirs = image_model(name, quality)
        ours = nvczoo.create(f"compressai-{name}", parts={"intra.quality": quality}).intra
        ours.load_state_dict(translated(theirs.state_dict(), ours.published, ours))


def test_more_channels_than_a_table_has_rows_are_coded_in_groups(tiny_video: Video) -> None:
    density = EntropyBottleneck(300)
    assert [(one.start, one.stop) for one in density.groups] == [(0, 256), (256, 300)]
    codec = nvczoo.create("compressai-bmshj2018-factorized", parts={"intra.quality": 8})  # 320 channels
    video = Video(tiny_video.info, tiny_video.pictures[:1])
    with torch.inference_mode():
        estimate = sum(float(one.sum()) for one in codec.estimate(video).bits.values())
    data = codec.encode(video)
    assert len(codec.decode(data)) == 1  # and its symbols have the checksum of the encoder's
    assert 0 <= len(data) - estimate / 8 < CONTAINER
