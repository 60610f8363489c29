"""Other families than EV-NVC, narrow and untrained, on integers: their streams decode alike in every way.

Weights are random, so this shows that every operator has a form and a proof, and not what it costs.
"""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest
import torch
from narrow_models import NARROW
from orders import threads
from portable_model import clip, pictures
from torch import Tensor

import nvczoo
from nvczoo.codec import arithmetic
from nvczoo.codec.arithmetic import PORTABLE
from nvczoo.codec.files import EncodeOptions
from nvczoo.layers import strips
from nvczoo.model import Model
from nvczoo.portable import portable_modules
from nvczoo.portable.readiness import keep_to_the_reference
from nvczoo.quantizing import QuantizeOptions, quantize

pytestmark = pytest.mark.slow

FAMILIES = ("dcvc-dc", "dcvc-fm")
FRAMES = 6  # intra, without memory, and with it at more than one level
SIDE = 64
LEAST_DECIBELS = 40.0  # of the portable reconstruction above its distance to the float one


def a_float_model(name: str) -> Model:
    return nvczoo.create(name, parts=NARROW[name], seed=3).requires_grad_(False)


def a_clip(codec: Model) -> Tensor:
    return clip(FRAMES, 2 * SIDE)[:, :, : 6 if codec.layout == "packed420" else 3]


@lru_cache(maxsize=1)
def quantized_model(name: str) -> Model:
    codec = a_float_model(name)
    return quantize(codec, [a_clip(codec)], QuantizeOptions(frames=FRAMES, qualities=(63.0,)))


@pytest.fixture(params=FAMILIES, scope="module")
def codec(request: pytest.FixtureRequest) -> Model:
    return quantized_model(request.param)


@pytest.fixture(scope="module")
def stream(codec: Model) -> bytes:
    return codec.encode(pictures(FRAMES, SIDE), 40, EncodeOptions(picture_checksums=True))


@pytest.fixture
def one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(arithmetic, "LEAST_THREADS", 1)
    with threads(1):
        yield


def shown(codec: Model, stream: bytes) -> Tensor:
    return codec.decode(stream).to_rgb()


def test_it_shows_nearly_what_the_float_codec_does(codec: Model) -> None:
    floats = a_float_model(codec.name.removesuffix("-portable"))
    found, expected = (one.estimate(a_clip(floats), 50).frames for one in (codec, floats))
    assert -10 * (found - expected).square().mean().log10() > LEAST_DECIBELS


def test_a_saved_model_decodes_by_the_reference_what_was_encoded_by_quick_paths(
    codec: Model, stream: bytes, tmp_path: Path
) -> None:
    assert any(getattr(one, "parts", None) for _, one in portable_modules(codec))
    loaded = nvczoo.load(codec.save_pretrained(tmp_path / "model"))
    assert (loaded.identity, loaded.profile) == (codec.identity, PORTABLE)
    expected = shown(codec, stream)
    keep_to_the_reference(loaded)
    assert torch.equal(shown(loaded, stream), expected)


@pytest.mark.usefixtures("one_thread")
def test_one_thread_decodes_what_two_encoded(codec: Model, stream: bytes) -> None:
    assert len(codec.decode(stream)) == FRAMES


def test_strips_of_rows_decode_what_whole_pictures_encoded(
    codec: Model, stream: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = shown(codec, stream)
    monkeypatch.setattr(strips, "STRIP_PIXELS", 8 * SIDE)
    assert torch.equal(shown(codec, stream), expected)
