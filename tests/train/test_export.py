import json
from pathlib import Path

import pytest

import nvczoo
from nvczoo.cli.main import main
from nvczoo.train.run import train
from nvczoo.train.schedule import Budget
from nvczoo.train.stages import Recipe
from nvczoo.train.trainer import Options


def test_a_run_becomes_a_model_with_a_page_that_says_how_it_was_trained(
    recipe: Recipe,
    clips_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("nvczoo.train.validation.CLIPS", 4)
    monkeypatch.setattr("nvczoo.train.run.write_curves", lambda *_: True)
    run, out = tmp_path / "run", tmp_path / "out"
    train(recipe, [clips_folder], run, Budget(steps=4), options=Options(log_every=1))
    assert main(["export", str(run), "-o", str(out)]) == 0
    name = capsys.readouterr().out.strip()
    codec = nvczoo.load(name)
    trained = nvczoo.load(f"local-dir:{run}")
    assert {key: one.tolist() for key, one in codec.state_dict().items()} == {
        key: one.tolist() for key, one in trained.state_dict().items()
    }

    card = json.loads((out / "config.json").read_text())
    assert (card["training"]["steps"], card["training"]["finished"]) == (4, True)
    assert card["training"]["recipe_sha256"] == recipe.digest
    assert [point["stage"] for point in card["results"]["stages"]["points"]] == ["i", "p"]
    page = (out / "README.md").read_text()
    assert "## Training" in page
    assert "crops trained on" in page  # no clip could be kept out

    assert main(["export", str(run), "-o", str(out)]) == 1
    assert main(["export", str(run), "-o", str(out), "-y"]) == 0


def test_a_folder_that_is_no_run_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(tmp_path), "-o", str(tmp_path / "out")]) == 1
    assert "has no run.json" in capsys.readouterr().err
