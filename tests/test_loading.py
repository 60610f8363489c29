"""Loading with the smallest parts; the real models are tested where their plugins are."""

import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from small_parts import OtherMotion, SmallMotion, small_card

import nvczoo
from nvczoo import components, loading, overrides
from nvczoo.errors import (
    CardError,
    ComponentError,
    SettingError,
    UnknownComponent,
    UnsupportedStream,
    WeightsError,
)
from nvczoo.hub import sha256_of
from nvczoo.weights import save_weights, weights_of

LEARNED = "inter.motion_estimator.conv.weight"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_parts: None) -> Path:
    """Return a package of cards: ``small`` is trained, ``small-large`` is not."""
    package = tmp_path / "cards_of_tests"
    package.mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    offer = components.Offer("cards", "tests", "tests", "1", "cards_of_tests")
    own = tuple(one for one in components._installed() if one.kind != "cards")
    monkeypatch.setattr(components, "_installed", lambda: (*own, offer))
    small_card(package, name="small-large.toml")
    small_card(package)
    file = package / "weights.safetensors"
    save_weights(modules_of(nvczoo.create("small", seed=1)), file)
    weights = (
        f'weights = {{file = "{file.name}", sha256 = "{sha256_of(file)}", bytes = {file.stat().st_size}}}\n'
    )
    small_card(package, weights)
    return package


def modules_of(codec: nvczoo.VideoCodec) -> dict[str, torch.nn.Module]:
    return {name: getattr(codec, name) for name in overrides.WEIGHTED}


def learned(codec: nvczoo.VideoCodec) -> dict[str, torch.Tensor]:
    return weights_of(modules_of(codec))


@pytest.fixture(autouse=True)
def _no_warning_unasked():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_a_model_has_its_weights_its_name_and_its_parts() -> None:
    codec = nvczoo.load("small", q=20.5)
    expected = learned(nvczoo.create("small", seed=1))
    for name, tensor in learned(codec).items():
        assert torch.equal(tensor, expected[name].half().float())
    assert (codec.name, codec.default_q, codec.training) == ("small", 20.5, False)
    assert codec.parts["inter"]["motion_estimator"] == {"name": "small", "width": 3, "gain": 2}
    assert codec.gop.intra_period == 8


def test_loading_twice_gives_the_same_identity_and_another_part_another() -> None:
    assert nvczoo.load("small").identity == nvczoo.load("small").identity
    assert nvczoo.load("small", gop={"intra_period": 4}).identity == nvczoo.load("small").identity
    with pytest.warns(nvczoo.SwappedPartWarning):
        swapped = nvczoo.load("small", motion_estimator="other")
    assert swapped.identity != nvczoo.load("small").identity


def test_the_rate_sampler_is_shared_by_all() -> None:
    codec = nvczoo.create("small")
    assert codec.rate_sampler is codec.intra.rate_sampler is codec.inter.rate_sampler


def test_a_swapped_part_is_untrained_and_warned_about() -> None:
    message = (
        r"inter\.motion_estimator of 'small': 'other' replaces 'small'.*results in the card no longer apply"
    )
    with pytest.warns(nvczoo.SwappedPartWarning, match=message) as caught:
        codec = nvczoo.load("small", motion_estimator="other")
    assert caught[0].filename == __file__
    assert type(codec.inter.motion_estimator) is OtherMotion
    expected = learned(nvczoo.load("small"))
    for name, tensor in learned(codec).items():
        if not name.startswith("inter.motion_estimator."):
            assert torch.equal(tensor, expected[name])


def test_a_swapped_part_is_skipped_wherever_its_codec_keeps_it() -> None:
    with pytest.warns(nvczoo.SwappedPartWarning):
        codec = nvczoo.load("small", entropy_model="other")
    assert codec.inter.inner["model"].rate_sampler is codec.rate_sampler
    assert codec.inter.inner["model"].channels == 4


def test_what_follows_the_shape_of_a_swapped_part_is_named_in_the_warning() -> None:
    class Fine(components.find("rate_sampler", "small")):
        def __init__(self, anchors: int = 5) -> None:
            super().__init__(anchors)

    with pytest.warns(nvczoo.SwappedPartWarning, match=r"Also untrained.*: intra\.steps$"):
        codec = nvczoo.load("small", rate_sampler=Fine)
    assert codec.intra.steps.shape == (5, 3)
    assert codec.intra.rate_sampler is codec.rate_sampler


def test_an_object_is_taken_with_its_weights() -> None:
    part = SmallMotion()
    with pytest.warns(nvczoo.SwappedPartWarning):
        codec = nvczoo.load("small", motion_estimator=part)
    assert codec.inter.motion_estimator is part


def test_options_of_a_trained_part_may_change_if_its_weights_still_fit() -> None:
    codec = nvczoo.load("small", motion_estimator={"gain": 3})
    assert codec.inter.motion_estimator.gain == 3
    assert torch.equal(learned(codec)[LEARNED], learned(nvczoo.load("small"))[LEARNED])
    with pytest.raises(WeightsError, match=r"another shape for .*inter\.motion_estimator\.conv\.weight"):
        nvczoo.load("small", motion_estimator={"width": 4})


def test_parts_reaches_what_keywords_do_not() -> None:
    codec = nvczoo.create(
        "small", parts={"intra.entropy_model": {"channels": 6}, "gop.long_term": 2}, widths=[5, 6]
    )
    assert codec.intra.entropy_model.channels == 6
    assert codec.gop.long_term == 2
    assert codec.inter.widths == (5, 6)


def test_the_codecs_themselves_can_be_swapped_and_then_their_parts() -> None:
    codec = nvczoo.create(
        "small", inter={"widths": [9, 9]}, motion_estimator="other", entropy_coder="reference"
    )
    assert codec.inter.widths == (9, 9)
    assert type(codec.inter.motion_estimator) is OtherMotion
    assert type(codec.coder).__name__ == "ReferenceCoder"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            {"motion_estimater": "other"},
            r"no part or option 'motion_estimater'\. Did you mean 'motion_estimator'",
        ),
        ({"motion_estimator": "othr"}, r"no motion_estimator 'othr'\. Did you mean 'other'"),
        ({"motion_estimator": {"name": "other", "gain": 2}}, "no option 'gain'"),
        ({"parts": {"intra.motion_estimator": "other"}}, "no part or option 'motion_estimator'"),
        ({"gop": "all-intr"}, "Did you mean 'all-intra'"),
    ],
)
def test_overrides_that_do_not_exist_are_told_with_those_that_do(overrides: dict, message: str) -> None:
    for function in (nvczoo.load, nvczoo.create):
        with pytest.raises(ComponentError, match=message):
            function("small", **overrides)


def test_a_model_without_weights_names_one_that_has_them() -> None:
    with pytest.raises(
        WeightsError, match=r"'small-large' has no trained weights\. Load 'small', which has them"
    ):
        nvczoo.load("small-large")
    assert nvczoo.create("small-large").name == "small-large"


def test_damaged_weights_are_refused(folder: Path) -> None:
    file = folder / "weights.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    with pytest.raises(WeightsError, match="SHA-256"):
        nvczoo.load("small")


def test_an_untrained_model_depends_on_the_seed_alone() -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = learned(nvczoo.create("small"))
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    second, other = learned(nvczoo.create("small")), learned(nvczoo.create("small", seed=1))
    assert torch.equal(first[LEARNED], second[LEARNED])
    assert not torch.equal(first[LEARNED], other[LEARNED])


def test_a_codec_of_single_pictures_has_no_inter_codec(folder: Path) -> None:
    (folder / "image.toml").write_text(
        'summary = "i"\nlicence = "MIT"\ngop = "all-intra"\nrate_sampler = "small"\n'
        'intra = {name = "small", entropy_model = {name = "small", channels = 4}}\n'
    )
    codec = nvczoo.create("image", entropy_model={"channels": 5})
    assert codec.inter is None
    assert codec.intra.entropy_model.channels == 5


def test_a_model_comes_from_a_folder(tmp_path: Path, folder: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    small_card(mine, name="card.toml")
    with pytest.raises(WeightsError, match="no trained weights"):
        nvczoo.load(f"local-dir:{mine}")
    (mine / "model.safetensors").write_bytes((folder / "weights.safetensors").read_bytes())
    codec = nvczoo.load(f"local-dir:{mine}")
    assert codec.name == "mine"
    assert torch.equal(learned(codec)[LEARNED], learned(nvczoo.load("small"))[LEARNED])


def test_a_folder_without_a_card_is_told(tmp_path: Path) -> None:
    with pytest.raises(CardError, match=r"no card\.toml and no config\.json in"):
        nvczoo.load(f"local-dir:{tmp_path}")


def test_a_device_that_is_not_there_is_told() -> None:
    with pytest.raises(SettingError, match="'abacus' cannot be used"):
        nvczoo.create("small", device="abacus")


def test_q_outside_its_range_is_refused() -> None:
    with pytest.raises(SettingError):
        nvczoo.create("small", q=64)


@pytest.mark.parametrize("name", ["hf-hub:o/n@v1", "local-dir:/tmp", "no-such-model", "small-large"])
def test_a_stream_cannot_make_us_load_what_is_not_installed(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda *_, **__: pytest.fail("downloaded"))
    with pytest.raises(UnsupportedStream, match=name):
        loading.load_for_stream(name)


def test_decode_loads_the_model_that_the_header_names(monkeypatch: pytest.MonkeyPatch) -> None:
    header = SimpleNamespace(header=SimpleNamespace(model="small"))
    monkeypatch.setattr(loading, "StreamReader", lambda file: header)
    monkeypatch.setattr(nvczoo.VideoCodec, "decode", lambda self, data, options: (self.name, data))
    assert nvczoo.decode(b"stream") == ("small", b"stream")


def test_what_is_no_stream_is_a_stream_error() -> None:
    with pytest.raises(nvczoo.NvczooError):
        nvczoo.decode(b"this is no stream")


def test_parts_are_listed_by_kind_or_all() -> None:
    assert {one.name for one in nvczoo.parts("motion_estimator")} >= {"small", "other", "spynet"}
    assert {one.kind for one in nvczoo.parts()} == set(components.KINDS)
    with pytest.raises(UnknownComponent):
        nvczoo.parts("motion")
