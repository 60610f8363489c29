"""Every registered part passes through here, those of third parties too."""

import pytest
import torch
from cases import (
    CHANNELS,
    CONTEXT_CHANNELS,
    FEATURE_CHANNELS,
    FUSER,
    IMAGE_CHANNELS,
    ONE_SCALE,
    ONE_SCALE_FUSERS,
    part,
    smallest_model,
)

import nvczoo
from nvczoo.errors import SettingError
from nvczoo.testing import contracts

WIDE = ("compressai/ssf2020",)  # cannot be made narrow


def codecs(kind: str) -> list:
    names = nvczoo.names(kind)
    return [pytest.param(name, marks=pytest.mark.slow) if name in WIDE else name for name in names]


@pytest.mark.parametrize("name", nvczoo.names("motion_estimator"))
def test_motion_estimator(name: str) -> None:
    contracts.check_motion_estimator(part("motion_estimator", name))


@pytest.mark.parametrize("name", nvczoo.names("context_fuser"))
def test_context_fuser(name: str) -> None:
    options = FUSER | ({"channels": ONE_SCALE} if name in ONE_SCALE_FUSERS else {})
    contracts.check_context_fuser(part("context_fuser", name, **options), IMAGE_CHANNELS, FEATURE_CHANNELS)


@pytest.mark.parametrize("name", nvczoo.names("rate_sampler"))
def test_rate_sampler(name: str) -> None:
    contracts.check_rate_sampler(part("rate_sampler", name))


@pytest.mark.parametrize("context_channels", [0, CONTEXT_CHANNELS])
@pytest.mark.parametrize("name", nvczoo.names("entropy_model"))
def test_entropy_model(name: str, context_channels: int) -> None:
    model = part("entropy_model", name, channels=CHANNELS, context_channels=context_channels)
    contracts.check_entropy_model(model, CHANNELS, context_channels)


@pytest.mark.parametrize("name", codecs("intra_codec"))
def test_intra_codec(name: str) -> None:
    contracts.check_frame_codec(smallest_model("intra", name).intra)


@pytest.mark.parametrize("name", codecs("inter_codec"))
def test_inter_codec(name: str) -> None:
    contracts.check_frame_codec(smallest_model("inter", name).inter)


@pytest.mark.parametrize("name", nvczoo.names("gop_structure"))
def test_gop_structure(name: str) -> None:
    contracts.check_gop_structure(part("gop_structure", name))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("low-delay", {"intra_period": -1}),
        ("low-delay", {"intra_period": 7, "long_term": 0, "refresh": 3, "pattern": [0, 2, 1]}),
        ("low-delay", {"intra_period": 1}),
        ("hierarchical", {"size": 8, "intra_period": 16}),
        ("hierarchical", {"size": 6, "intra_period": -1}),
        ("hierarchical", {"size": 1, "intra_period": 4}),
    ],
)
def test_gop_structure_with_options(name: str, options: dict) -> None:
    contracts.check_gop_structure(part("gop_structure", name, **options))


@pytest.mark.parametrize("name", nvczoo.names("entropy_coder"))
def test_entropy_coder(name: str) -> None:
    if name == "cuda" and not torch.cuda.is_available():
        with pytest.raises(SettingError, match="needs a GPU, and torch finds none; 'native'"):
            part("entropy_coder", name)
        return
    contracts.check_entropy_coder(part("entropy_coder", name))
