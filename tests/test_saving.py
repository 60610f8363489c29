"""A model in a folder: complete, honest, and never half there."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors
import torch
from small_parts import OtherMotion, small_card

import nvczoo
from nvczoo import components
from nvczoo.cards import ModelCard
from nvczoo.errors import NewerFormat, SettingError, WeightsError
from nvczoo.weight_files import read_weight_files

RESULTS = {
    "hevc-d": {
        "conditions": {"frames": 96, "intra_period": 32},
        "points": [{"q": 20, "bpp": 0.1, "psnr_611": 33}],
    }
}


@pytest.fixture
def model(tmp_path: Path, small_parts: None) -> nvczoo.Model:
    folder = tmp_path / "small"
    folder.mkdir()
    small_card(folder, name="card.toml")
    return nvczoo.create(f"local-dir:{folder}", seed=3)


def card_in(folder: Path) -> ModelCard:
    return ModelCard.read(folder / "config.json")


def with_results(model: nvczoo.Model, folder: Path) -> nvczoo.Model:
    card = replace(model.card, results=RESULTS)
    return nvczoo.load(model.save_pretrained(folder, card))


def test_a_folder_holds_card_weights_and_page_and_loads(model: nvczoo.Model, tmp_path: Path) -> None:
    folder = model.save_pretrained(tmp_path / "saved")
    assert sorted(os.listdir(folder)) == ["README.md", "config.json", "model.safetensors"]
    for again in (nvczoo.load(f"local-dir:{folder}"), nvczoo.from_pretrained(folder), nvczoo.load(folder)):
        assert again.identity == model.identity


def test_the_card_has_format_version_hash_and_requirements(model: nvczoo.Model, tmp_path: Path) -> None:
    table = json.loads((model.save_pretrained(tmp_path / "saved") / "config.json").read_text())
    assert table["format_version"] == 1
    assert len(table["weights"]["sha256"]) == 64
    assert table["requires"] == {"nvczoo": nvczoo.__version__}  # of low-delay; "small" is registered


def test_the_header_says_what_the_weights_are_for(model: nvczoo.Model, tmp_path: Path) -> None:
    file = model.save_pretrained(tmp_path / "saved") / "model.safetensors"
    with safetensors.safe_open(file, "pt") as opened:
        assert opened.metadata() == {
            "format": "pt",
            "format_version": "1",
            "architecture": "small, small",
            "config_sha256": model.card.config_sha256,
            "licence": "BSD-3-Clause",
        }


def test_overrides_are_saved_with_the_model(model: nvczoo.Model, tmp_path: Path) -> None:
    folder = model.save_pretrained(tmp_path / "saved")
    with pytest.warns(nvczoo.SwappedPartWarning):
        swapped = nvczoo.load(folder, motion_estimator="other", gop={"intra_period": 4})
    again = nvczoo.load(swapped.save_pretrained(tmp_path / "swapped"))
    assert again.identity == swapped.identity
    assert (type(again.inter.motion_estimator), again.gop.intra_period) == (OtherMotion, 4)


def test_large_weights_become_shards_with_an_index(
    model: nvczoo.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nvczoo.saving.MAX_SHARD_BYTES", 60)
    folder = model.save_pretrained(tmp_path / "saved")
    shards = sorted(folder.glob("model-*-of-*.safetensors"))
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    assert len(shards) > 1
    assert set(index["weight_map"].values()) == {path.name for path in shards}
    assert nvczoo.load(folder).identity == model.identity
    shards[1].unlink()
    with pytest.raises(WeightsError, match=f"no weights at .*{shards[1].name}"):
        nvczoo.load(folder)


def test_a_shard_limit_is_two_gigabytes() -> None:
    from nvczoo import saving

    assert saving.MAX_SHARD_BYTES == 2_000_000_000


def test_weights_of_another_configuration_are_refused(model: nvczoo.Model, tmp_path: Path) -> None:
    folder = model.save_pretrained(tmp_path / "saved")
    table = json.loads((folder / "config.json").read_text())
    table["inter"]["motion_estimator"]["gain"] = 5  # fits in every shape
    (folder / "config.json").write_text(json.dumps(table))
    with pytest.raises(WeightsError, match="belongs to a model of other parts or options"):
        nvczoo.load(folder)


def test_weights_of_a_future_format_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.safetensors"
    safetensors.torch.save_file({"x": torch.ones(1)}, file, {"format_version": "2"})
    with pytest.raises(NewerFormat, match="format version '2', and this nvczoo knows 1"):
        read_weight_files([file])


@pytest.mark.parametrize(
    "content", [b"", b"\x00" * 20, b"\xff" * 8 + b"{}", b'\x10\x00\x00\x00\x00\x00\x00\x00{"x":']
)
def test_what_is_no_safetensors_is_told(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "x.safetensors"
    file.write_bytes(content)
    with pytest.raises(WeightsError, match="cannot be read as safetensors"):
        read_weight_files([file])


def test_two_files_with_the_same_tensor_are_refused(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a.safetensors", "b.safetensors")]
    for file in files:
        safetensors.torch.save_file({"x": torch.ones(1)}, file)
    with pytest.raises(WeightsError, match="has 'x', which another file"):
        read_weight_files(files)


def test_the_page_has_the_hub_s_data_and_every_figure_its_conditions(
    model: nvczoo.Model, tmp_path: Path
) -> None:
    card = replace(
        model.card, results=RESULTS | {"hearsay": {"psnr": 99}}, training={"datasets": ["o/vimeo"]}
    )
    text = (model.save_pretrained(tmp_path / "saved", card) / "README.md").read_text()
    head = text.split("---\n")[1]
    for line in ("library_name: nvczoo", "license: bsd-3-clause", "- o/vimeo", "- psnr", "- bpp"):
        assert line in head
    assert "| q | bpp | psnr_611 |" in text
    assert "- frames: 96\n- intra_period: 32" in text
    assert "99" not in text
    assert "figures without the conditions of their measurement" in text


def test_a_licence_that_the_hub_does_not_know_is_named(model: nvczoo.Model, tmp_path: Path) -> None:
    card = replace(model.card, licence="Research-Only-1")
    text = (model.save_pretrained(tmp_path / "saved", card) / "README.md").read_text()
    assert "license: other\nlicense_name: research-only-1" in text


def test_results_stay_with_the_weights_they_were_measured_with(model: nvczoo.Model, tmp_path: Path) -> None:
    measured = with_results(model, tmp_path / "measured")
    assert card_in(measured.save_pretrained(tmp_path / "a")).results == RESULTS
    with torch.no_grad():
        next(measured.parameters()).add_(1)
    assert ModelCard.read(measured.save_pretrained(tmp_path / "b") / "config.json").results == {}
    assert (
        ModelCard.read(measured.save_pretrained(tmp_path / "c", measured.card) / "config.json").results
        == RESULTS
    )


def test_classes_and_objects_cannot_be_saved(model: nvczoo.Model, tmp_path: Path) -> None:
    folder = model.save_pretrained(tmp_path / "saved")
    with pytest.warns(nvczoo.SwappedPartWarning):
        swapped = nvczoo.load(folder, motion_estimator=OtherMotion)
    with pytest.raises(SettingError, match="give parts by the names"):
        swapped.save_pretrained(tmp_path / "swapped")
    assert not (tmp_path / "swapped").exists()


def test_what_fails_on_the_way_leaves_nothing(
    model: nvczoo.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("nvczoo.weight_files.save_file", full)
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(WeightsError, match="No space left on device"):
        model.save_pretrained(tmp_path / "saved")
    assert sorted(os.listdir(tmp_path)) == before


def test_a_folder_is_replaced_only_when_asked_and_only_one_of_ours(
    model: nvczoo.Model, tmp_path: Path
) -> None:
    folder = model.save_pretrained(tmp_path / "saved")
    with pytest.raises(WeightsError, match="exists already"):
        model.save_pretrained(folder)
    model.save_pretrained(folder, overwrite=True)
    (folder / "thesis.tex").touch()
    with pytest.raises(WeightsError, match="no folder of a saved model"):
        model.save_pretrained(folder, overwrite=True)


def test_a_registered_part_is_no_requirement(model: nvczoo.Model, tmp_path: Path) -> None:
    assert (
        components.REGISTERED
        not in model.save_pretrained(tmp_path / "saved").joinpath("config.json").read_text()
    )
