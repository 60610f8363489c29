import dataclasses
import json
from pathlib import Path

import pytest
import torch
from nvczoo.plugins.ev_nvc.motion_field import MotionField
from nvczoo.plugins.ev_nvc.windows import Pair
from portable_model import QUICK, a_float_model, a_quantized_model, clip, pictures
from safetensors.torch import load_file, save_file
from torch import Tensor

import nvczoo
from nvczoo.codec.arithmetic import PORTABLE
from nvczoo.codec.files import EncodeOptions
from nvczoo.errors import ArithmeticMismatch, ComponentError, SettingError, WeightsError
from nvczoo.model import Model
from nvczoo.portable import Grid, PortableConv2d, kernels, portable_modules
from nvczoo.quantizing import QuantizeOptions, quantize
from nvczoo.sources import HUB_CARD, WEIGHTS_FILE

CHECKED = EncodeOptions(picture_checksums=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_quantized_model().codec.save_pretrained(tmp_path_factory.mktemp("models") / "integers")


@pytest.fixture
def codec(folder: Path) -> Model:
    return nvczoo.load(folder)


@pytest.fixture(scope="module")
def stream() -> bytes:
    return a_quantized_model().codec.encode(pictures(), 40, CHECKED)


def test_the_portable_codec_costs_and_shows_nearly_what_the_float_one_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def still(_self: MotionField, _flow: Tensor, pair: Pair, *_: object) -> Tensor:
        return pair.frame.new_zeros(1, 2, pair.frame.shape[2] // 8, pair.frame.shape[3] // 8)

    # In what untrained networks decode, a search finds other motion for the least difference.
    monkeypatch.setattr(MotionField, "find", still)
    found, expected = (one.estimate(clip(), 50) for one in (a_quantized_model().codec, a_float_model()))
    assert (found.frames - expected.frames).square().mean().sqrt() < 0.005
    assert found.total.sum() == pytest.approx(float(expected.total.sum()), rel=0.02)


def test_nothing_that_decodes_is_left_in_floating_point() -> None:
    converted = {name for name, _ in portable_modules(a_quantized_model().codec)}
    left = {name for name, _ in a_quantized_model().codec.named_parameters()}
    assert "inter.compensate.luma" in converted
    assert "inter.synthesis.grow.0.0" in converted
    parts = ("analysis", "intra.encoder_steps", "motion_estimator", "centre", "position")
    assert all(any(part in name for part in parts) for name in left)


def test_a_saved_model_is_the_same_and_its_stream_says_that_it_is_portable(folder: Path) -> None:
    codec, loaded = a_quantized_model().codec, nvczoo.load(folder)
    assert loaded.identity == codec.identity
    assert loaded.profile == PORTABLE
    assert loaded.known_answer == codec.known_answer
    assert loaded.card.portable["layers"]["inter.exit"]["decibels"] > 40


def test_what_was_encoded_is_decoded_to_the_checksum(codec: Model, stream: bytes) -> None:
    assert len(codec.decode(stream)) == 3


def test_encoder_and_decoder_have_the_same_pictures_by_the_reference_and_by_quick_paths(
    codec: Model, stream: bytes
) -> None:
    convs = [one for _, one in portable_modules(codec) if isinstance(one, PortableConv2d)]
    assert any(conv.parts for conv in convs)
    expected = codec.decode(stream).to_rgb()
    for conv in convs:
        conv.keep_to_the_reference()
    assert torch.equal(codec.decode(stream).to_rgb(), expected)


def test_a_quick_path_that_is_wrong_here_gives_way_to_the_reference(codec: Model, stream: bytes) -> None:
    conv = codec.get_submodule("intra.synthesis.grow.1.0")
    assert isinstance(conv, PortableConv2d)
    assert conv.parts is not None
    conv.factors = conv.factors + 1
    assert len(codec.decode(stream)) == 3
    assert conv.parts is None
    assert not conv.quick


def test_a_machine_without_the_known_answer_refuses_before_the_first_frame(
    codec: Model, stream: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(self: Grid, x: torch.Tensor) -> torch.Tensor:
        return (x * 2.0**self.fraction + 0.01).round().clamp(self.least, self.most)

    monkeypatch.setattr(kernels, "apply", lambda *tensors: False)
    monkeypatch.setattr(Grid, "units", wrong)
    with pytest.raises(ArithmeticMismatch, match="not summed up exactly here"):
        codec.decode(stream)
    with pytest.raises(ArithmeticMismatch, match="knows"):
        codec.encode(pictures(1))


def test_a_float_stream_is_not_decoded_by_integers_nor_the_other_way_round(stream: bytes) -> None:
    floats, integers = a_float_model(), a_quantized_model().codec
    for data, codec in ((stream, floats), (floats.encode(pictures(1)), integers)):
        with pytest.raises(nvczoo.NvczooError, match="Load the model that made the stream"):
            codec.decode(data)


@pytest.mark.parametrize("bits", [2, 3])
def test_a_layer_that_loses_too_much_is_named(bits: int) -> None:
    with pytest.raises(SettingError, match=r"'in.*' loses too much"):
        quantize(a_float_model(), [clip()], dataclasses.replace(QUICK, weight_bits=bits))


def test_without_clips_there_is_nothing_to_see() -> None:
    with pytest.raises(SettingError, match="no clips"):
        quantize(a_float_model(), [])


def test_a_portable_model_is_not_made_portable_again() -> None:
    with pytest.raises(SettingError, match="portable already"):
        quantize(a_quantized_model().codec, [clip()])


def test_a_portable_model_has_no_other_precision(folder: Path) -> None:
    with pytest.raises(SettingError, match="leave it out"):
        nvczoo.load(folder, precision="bfloat16")


def test_the_motion_estimator_of_a_portable_model_can_be_swapped_for_it_only_encodes(
    folder: Path, codec: Model
) -> None:
    with pytest.warns(nvczoo.SwappedPartWarning, match="motion_estimator"):
        other = nvczoo.load(folder, motion_estimator="block-matching")
    assert other.known_answer == codec.known_answer
    assert len(other.decode(other.encode(pictures(2), 40, CHECKED))) == 2


def test_a_part_of_the_portable_decoder_cannot_be_swapped(folder: Path) -> None:
    with pytest.raises(ComponentError, match="swap it in the float model"):
        nvczoo.load(folder, context_fuser="context-mining")


@pytest.mark.parametrize(
    ("ending", "value", "reason"),
    [
        (".grids", [[99, 16], [0, 16]], "fraction within"),
        (".grids", [[3, 16]], r"int32 \[2, 2\]"),
        (".unit", None, "no power of two"),
        (".bias", None, "fewer bits"),
    ],
)
def test_damaged_numbers_are_refused_with_their_place(
    folder: Path, tmp_path: Path, ending: str, value: list[list[int]] | None, reason: str
) -> None:
    tensors = load_file(folder / WEIGHTS_FILE)
    name = f"inter.exit{ending}"
    broken = 3 * tensors[name] + (1 << 60 if ending == ".bias" else 0)
    tensors[name] = broken if value is None else torch.tensor(value, dtype=torch.int32)
    save_file(tensors, tmp_path / WEIGHTS_FILE)
    card = json.loads((folder / HUB_CARD).read_text())
    (tmp_path / HUB_CARD).write_text(json.dumps({key: one for key, one in card.items() if key != "weights"}))
    with pytest.raises(WeightsError, match=f"inter.exit.*{reason}"):
        nvczoo.load(tmp_path)


def test_defaults_are_for_real_clips() -> None:
    assert QuantizeOptions().weight_bits is None
    assert len(QuantizeOptions().qualities) > 2
