"""Importing the authors' checkpoints: narrow models under published names; full ones are slow."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from narrow_models import NARROW
from published_files import Files, full_files, narrow_files, wrapped

import nvczoo
from nvczoo import cards
from nvczoo.codec import Video
from nvczoo.errors import SettingError, WeightsError
from nvczoo.importing import import_published, importable
from nvczoo.published import read_published
from nvczoo.weights import weights_of

MODEL = "dcvc-hem"  # the quickest
MODELS = [name for name in importable() if name in NARROW]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return narrow_files(MODEL, NARROW[MODEL], tmp_path_factory.mktemp("published"))


def imported(out: Path, files: Files, **options: Any) -> Path:
    return import_published(MODEL, out, **files, parts=NARROW[MODEL], **options)


def changed(
    files: Files, folder: Path, place: str, change: dict[str, object], dropped: tuple[str, ...] = ()
) -> Files:
    """Return the files with one that has other tensors."""
    tensors = {key: one for key, one in read_published(files[place]).items() if key not in dropped}
    path = folder / f"changed_{place}.pth"
    torch.save(tensors | change, path)
    return files | {place: path}


@pytest.mark.parametrize("model", MODELS)
def test_every_published_tensor_reaches_its_place(model: str, tmp_path: Path) -> None:
    files = narrow_files(model, NARROW[model], tmp_path, seed=7)
    out = nvczoo.import_published(model, tmp_path / "model", **files, parts=NARROW[model])
    codec, expected = nvczoo.load(out, q=21.5), nvczoo.create(model, parts=NARROW[model], seed=7)
    found = weights_of({"codec": codec})
    for name, tensor in weights_of({"codec": expected}).items():
        assert torch.equal(found[name], tensor), name
    assert (codec.name, codec.default_q, codec.gop) == ("model", 21.5, expected.gop)
    assert codec.parts == expected.parts


def test_the_card_tells_what_was_read_and_by_whom(files: Files, tmp_path: Path) -> None:
    card = json.loads((imported(tmp_path / "model", files) / "config.json").read_text())
    assert card["training"]["intra"]["file"] == files["intra"].name
    assert card["training"]["inter"]["tensors"] == len(read_published(files["inter"]))
    assert card["training"]["imported_by"] == f"nvczoo {nvczoo.__version__}"
    assert card["published"]["licence"] == "MIT"
    assert sorted(os.listdir(tmp_path / "model")) == ["README.md", "config.json", "model.safetensors"]


def test_an_imported_model_codes_a_video(files: Files, tiny_video: Video, tmp_path: Path) -> None:
    out = imported(tmp_path / "model", files)
    stream = nvczoo.load(str(out), q=40).encode(tiny_video)
    decoded = nvczoo.load(f"local-dir:{out}").decode(stream)
    assert len(list(decoded)) == len(list(tiny_video))
    with pytest.raises(nvczoo.NvczooError, match=r"made with the model 'model'.*nvczoo.load"):
        nvczoo.decode(stream)


def test_a_stream_does_not_choose_a_folder_to_read(
    files: Files, tiny_video: Video, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    imported(tmp_path / "model", files)
    stream = nvczoo.load("model").encode(tiny_video)
    with pytest.raises(nvczoo.NvczooError, match="There is no model 'model'"):
        nvczoo.decode(stream)


def test_the_name_of_a_model_goes_before_that_of_a_folder(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    imported(Path(MODEL), files)
    with pytest.raises(WeightsError, match=f"The folder of that name here is loaded as 'local-dir:{MODEL}'"):
        nvczoo.load(MODEL)
    assert nvczoo.load(f"local-dir:{MODEL}").name == MODEL


def test_a_model_without_weights_tells_how_to_import_them() -> None:
    with pytest.raises(WeightsError, match=r"import dcvc-dc --intra cvpr2023_image_psnr\.pth\.tar --inter"):
        nvczoo.load("dcvc-dc")


@pytest.mark.parametrize(
    ("change", "dropped", "message"),
    [
        ({"extra.weight": torch.ones(1)}, (), r"changed_inter.*unknown keys extra\.weight"),
        ({}, ("mv_y_q_basic",), r"has none for motion\.quality_step\.basic"),
        ({"mv_y_q_basic": torch.ones(1, 9, 1, 1)}, (), r"mv_y_q_basic \[1, 9, 1, 1\], not \[1, 8, 1, 1\]"),
        ({"mv_y_q_basic": torch.full((1, 8, 1, 1), torch.nan)}, (), "no finite numbers.*mv_y_q_basic"),
        ({"mv_y_q_basic": torch.ones(1, 8, 1, 1, dtype=torch.int64)}, (), "kind wanted.*mv_y_q_basic"),
        ({"mv_y_q_basic": torch.ones(1, 8, 1, 1).to_sparse()}, (), "kind wanted.*mv_y_q_basic"),
        ({"module.mv_y_q_basic": torch.ones(1, 8, 1, 1)}, (), "'mv_y_q_basic' twice"),
        ({"epoch": 3}, (), "no tensor: epoch"),
    ],
)
def test_files_that_do_not_fit_are_named_and_nothing_is_left(
    files: Files,
    tmp_path: Path,
    change: dict[str, object],
    dropped: tuple[str, ...],
    message: str,
) -> None:
    wrong = changed(files, tmp_path, "inter", change, dropped)
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(WeightsError, match=message):
        imported(tmp_path / "model", wrong)
    assert sorted(os.listdir(tmp_path)) == before


def test_intra_and_inter_must_not_be_exchanged(files: Files, tmp_path: Path) -> None:
    with pytest.raises(
        WeightsError, match="Check that the file belongs to this model, and that it is the intra"
    ):
        imported(tmp_path / "model", {"intra": files["inter"], "inter": files["intra"]})


@pytest.mark.parametrize(("given", "named"), [((), "neither"), (("intra",), "intra")])
def test_a_missing_file_is_asked_for_by_its_published_name(
    files: Files, tmp_path: Path, given: tuple[str, ...], named: str
) -> None:
    some = {place: files[place] for place in given}
    with pytest.raises(SettingError, match=f"given for {named}.*acmmm2022_video_psnr.pth.tar"):
        imported(tmp_path / "model", some)


def test_a_model_that_nobody_published_names_those_that_are(files: Files, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"'ev-nvc-s' has no published checkpoint.*dcvc-dc"):
        import_published("ev-nvc-s", tmp_path / "model", **files)


def test_classes_cannot_be_written_to_a_card(files: Files, tmp_path: Path) -> None:
    motion = type(nvczoo.create(MODEL, parts=NARROW[MODEL]).inter.motion_estimator)
    parts = NARROW[MODEL] | {"inter.motion_estimator": motion}
    with pytest.raises(SettingError, match="no classes and objects"):
        import_published(MODEL, tmp_path / "model", **files, parts=parts)
    assert os.listdir(tmp_path) == []


class Harmful:
    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("never",))


def test_a_checkpoint_that_wants_to_run_code_is_refused_without_advice_to_let_it(
    files: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    harmful = tmp_path / "harmful.pth"
    torch.save(wrapped(read_published(files["inter"])) | {"optimizer": Harmful()}, harmful)
    with pytest.raises(WeightsError, match=r"tensors alone: it wants \S*print\. Only") as caught:
        imported(tmp_path / "model", files | {"inter": harmful})
    assert "weights_only" not in str(caught.value)
    assert "never" not in capsys.readouterr().out
    assert os.listdir(tmp_path) == ["harmful.pth"]


def damaged(data: bytes) -> list[bytes]:
    generator = torch.Generator().manual_seed(3)
    cut = [data[: len(data) * tenth // 10] for tenth in range(10)]
    flipped = []
    for _ in range(60):
        position = int(torch.randint(len(data), (1,), generator=generator))
        flipped.append(data[:position] + bytes([data[position] ^ 0xFF]) + data[position + 1 :])
    return cut + flipped


@pytest.mark.parametrize("zipped", [True, False])
def test_damaged_checkpoints_raise_nothing_but_our_error(tmp_path: Path, zipped: bool) -> None:
    file = tmp_path / "a.pth"
    torch.save(
        wrapped({"a": torch.ones(3), "b": torch.ones(2, 2)}), file, _use_new_zipfile_serialization=zipped
    )
    for data in damaged(file.read_bytes()):
        file.write_bytes(data)
        try:
            found = read_published(file)
        except WeightsError:
            continue
        assert all(isinstance(one, torch.Tensor) for one in found.values())


def test_a_folder_is_replaced_only_if_an_import_made_it(files: Files, tmp_path: Path) -> None:
    out = imported(tmp_path / "model", files)
    with pytest.raises(WeightsError, match="exists already; pass overwrite"):
        imported(out, files)
    (out / "config.json").write_text("{}")
    assert nvczoo.load(imported(out, files, overwrite=True)).name == "model"
    (out / "mine.txt").touch()
    with pytest.raises(WeightsError, match="no folder of a saved model"):
        imported(out, files, overwrite=True)
    with pytest.raises(WeightsError, match="make it first"):
        imported(tmp_path / "none" / "model", files)
    assert sorted(os.listdir(tmp_path)) == ["model"]


def test_an_interrupted_import_leaves_what_was_there(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = imported(tmp_path / "model", files)
    before = (out / "model.safetensors").read_bytes()

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("nvczoo.importing.write_model", interrupted)
    with pytest.raises(KeyboardInterrupt):
        imported(out, files, overwrite=True)
    assert (out / "model.safetensors").read_bytes() == before
    assert os.listdir(tmp_path) == ["model"]


def run(*arguments: object) -> None:
    subprocess.run([sys.executable, "-m", "nvczoo", *map(str, arguments)], check=True, timeout=300)


@pytest.mark.slow
@pytest.mark.parametrize("model", importable())
def test_full_checkpoints_import_and_code_in_fresh_processes(
    model: str, tiny_video: Video, tmp_path: Path
) -> None:
    files = full_files(model, tmp_path)
    out, stream, decoded = tmp_path / "model", tmp_path / "clip.nvc", tmp_path / "clip.y4m"
    tiny_video.save(tmp_path / "in.y4m")
    places = [text for place, path in files.items() for text in (f"--{place}", path)]
    run("import", model, *places, "-o", out)
    run("encode", "-i", tmp_path / "in.y4m", "-o", stream, "-m", out, "-q", 40, "--picture-checksums")
    run("verify", stream, "-m", out)
    run("decode", "-i", stream, "-o", decoded, "-m", out)
    assert decoded.stat().st_size == (tmp_path / "in.y4m").stat().st_size
    card = cards.find(model)
    codec = nvczoo.load(out)
    assert codec.parts == json.loads(card.canonical)
    assert codec.gop == nvczoo.create(model, parts=NARROW.get(model)).gop
