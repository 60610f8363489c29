"""CompressAI's image models of all rates, against CompressAI itself: narrow, with random weights."""

import copy
import warnings

import pytest
import torch
from given import SIZE_SHARE, Given
from test_images import LARGE, ROUNDING, SETTING, coded, fit_scales, predict, texture
from torch import Tensor, nn

import nvczoo
from nvczoo.codec.video import Video
from nvczoo.entropy.streams import BitCounter
from nvczoo.interfaces import IntraCodec, Setting
from nvczoo.published import translated

pytest.importorskip("compressai", reason="CompressAI is an extra of its own")

NAMES = ("bmshj2018-hyperprior-vbr", "mbt2018-mean-vbr")
WIDTHS = (16, 24)
RATES = (0, 4, 7)  # CompressAI's s
Q_PER_RATE = 9


@pytest.fixture(scope="module", params=NAMES)
def pair(request: pytest.FixtureRequest) -> tuple[nn.Module, IntraCodec]:
    from nvczoo.plugins.compressai.library import variable_model

    torch.manual_seed(1)
    theirs = variable_model(request.param, WIDTHS).eval()
    fit_scales(theirs)
    with torch.no_grad():
        theirs.QuantABCD[4].weight *= 3  # offsets that differ from place to place
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs.update(force=True)
    codec = nvczoo.create(f"compressai-{request.param}", parts={"intra.transform_widths": WIDTHS})
    codec.intra.load_state_dict(translated(theirs.state_dict(), codec.intra.published, codec.intra))
    return theirs, codec.intra


@pytest.fixture(scope="module")
def frame() -> Tensor:
    return texture()


def setting(rate: int) -> Setting:
    return Setting(torch.tensor([float(Q_PER_RATE * rate)]), SETTING.size)


@torch.inference_mode()
@pytest.mark.parametrize("rate", RATES)
def test_what_is_decoded_is_what_compressai_decodes(
    pair: tuple[nn.Module, IntraCodec], frame: Tensor, rate: int
) -> None:
    theirs, ours = pair
    packed = theirs.compress(frame, s=rate)
    expected = theirs.decompress(packed["strings"], packed["shape"], s=rate)["x_hat"]
    found, _ = coded(ours, frame, setting(rate))
    assert torch.allclose(found, expected, atol=ROUNDING)


@torch.no_grad()
def test_the_coded_size_is_that_of_its_own_coder(pair: tuple[nn.Module, IntraCodec]) -> None:
    theirs, ours = (copy.deepcopy(one) for one in pair)
    deviations = torch.linspace(0.5, 8, WIDTHS[-1])
    noise = torch.randn(1, len(deviations), *LARGE, generator=torch.Generator().manual_seed(4))
    predict(theirs, deviations, weight=0.0)
    ours.load_state_dict(translated(theirs.state_dict(), ours.published, ours))
    theirs.g_a = ours.analysis = Given(deviations[:, None, None] * noise)  # distributed as the model says
    size = (16 * LARGE[0], 16 * LARGE[1])
    packed = theirs.compress(torch.zeros(1, 3, *size), s=RATES[-1])
    expected = sum(len(string) for strings in packed["strings"] for string in strings)
    _, found = coded(ours, torch.zeros(1, 3, *size), Setting(setting(RATES[-1]).q, size))
    assert expected > 10_000, "too few bytes to compare"
    assert abs(found - expected) <= SIZE_SHARE * expected, (found, expected)


@torch.inference_mode()
@pytest.mark.parametrize("rate", RATES)
def test_estimates_are_its_likelihoods(pair: tuple[nn.Module, IntraCodec], frame: Tensor, rate: int) -> None:
    theirs, ours = pair
    expected = theirs(frame, s=rate)
    counter = BitCounter()
    decoded = ours.code(frame, (), setting(rate), counter)
    bits = sum(-one.double().log2().sum() for one in expected["likelihoods"].values())
    assert torch.allclose(decoded.frame, expected["x_hat"].clamp(0, 1), atol=ROUNDING)
    assert float(counter.total.sum()) == pytest.approx(float(bits), rel=1e-5)


@torch.inference_mode()
def test_a_better_quality_takes_more_bytes(pair: tuple[nn.Module, IntraCodec], frame: Tensor) -> None:
    _, ours = pair
    sizes = [coded(ours, frame, Setting(torch.tensor([q]), SETTING.size))[1] for q in (0.0, 20.5, 40.0, 63.0)]
    assert sizes == sorted(set(sizes))


def test_one_stands_in_for_the_intra_codec_of_a_video_codec(tiny_video: Video) -> None:
    with pytest.warns(nvczoo.SwappedPartWarning, match="'compressai/mbt2018-mean-vbr' replaces"):
        codec = nvczoo.load("ev-nvc-s", intra="compressai/mbt2018-mean-vbr")
    assert len(codec.decode(codec.encode(tiny_video, q=20))) == len(tiny_video)
