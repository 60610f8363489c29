import json
import math
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from narrow_models import NARROW

import nvczoo
from nvczoo.cli.main import main
from nvczoo.errors import TrainingError
from nvczoo.train import run as running
from nvczoo.train.checkpoints import GOOD, LATEST, Checkpoint, Place
from nvczoo.train.processes import Processes
from nvczoo.train.records import EVENTS, LOG, STAGES, read_rows
from nvczoo.train.run import train
from nvczoo.train.sampling import Sample
from nvczoo.train.schedule import Budget
from nvczoo.train.stages import Recipe, recipe_path
from nvczoo.train.steps import Stretch, gradients, seed_of
from nvczoo.train.trainer import Options, Trainer
from nvczoo.video.png import png

OPTIONS = Options(log_every=1)
SAVING = Options(log_every=1, save_every=0.0)  # after every step
STEPS = Budget(steps=9)


@pytest.fixture(autouse=True)
def _few_looks(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Spare time: curves and TensorBoard take more of it than the steps of the small codec."""
    monkeypatch.setattr("nvczoo.train.validation.CLIPS", 4)
    if "whole_folder" not in request.fixturenames:
        monkeypatch.setattr("nvczoo.train.run.write_curves", lambda *_: True)
        monkeypatch.setattr("nvczoo.train.records._board", lambda *_: None)


@pytest.fixture
def whole_folder(tmp_path: Path) -> Path:
    """Return the folder of a run that leaves all it can."""
    return tmp_path / "run"


def log_of(folder: Path) -> list[dict[str, str]]:
    return read_rows(folder / LOG)


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    return Checkpoint.read(folder / LATEST).weights


def test_a_run_leaves_a_model_that_loads_and_says_how_it_came_about(
    recipe: Recipe, clips_folder: Path, whole_folder: Path, tiny_clip: Path
) -> None:
    out = whole_folder
    assert train(recipe, [clips_folder], out, STEPS, options=OPTIONS) == out / "model.safetensors"
    codec = nvczoo.load(f"local-dir:{out}")
    assert len(codec.decode(codec.encode(tiny_clip)).pictures) == 4

    rows = log_of(out)
    assert [row["stage"] for row in rows] == ["i"] * 3 + ["p"] * 6
    assert all(float(row["loss"]) > 0 for row in rows)
    assert [row["stage"] for row in read_rows(out / STAGES)] == ["i", "p"]
    about = json.loads((out / "run.json").read_text())
    assert (about["seed"], about["budget"], about["clips"]) == (0, "9 steps", 2)
    assert about["data_sha256"] == json.loads((out / "data.json").read_text())["sha256"]
    assert (out / "samples" / "02-p.png").read_bytes().startswith(b"\x89PNG")
    assert (out / "curves.png").stat().st_size > 1000
    assert list((out / "tensorboard").glob("events*"))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("ev-nvc-18", marks=pytest.mark.slow),
        "ev-nvc-s",
        pytest.param("ev-nvc-ablation", marks=pytest.mark.slow),
        "intra",
        "quick",
    ],
)
def test_a_recipe_that_ships_runs_to_its_end(
    name: str, recipe: Recipe, clips_folder: Path, tmp_path: Path
) -> None:
    """One step of each stage, with a small codec and small crops."""
    shipped = Recipe.read(recipe_path(name))
    parts, side = (recipe.parts, 32) if shipped.model == recipe.model else (NARROW[shipped.model], 64)
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "still.png").write_bytes(png(torch.full((3, 64, 64), 99).byte()))
    stages = tuple(replace(stage, side=side, batch=1) for stage in shipped.stages)
    small = replace(shipped, stages=stages, parts=parts)
    steps = Budget(steps=len(stages))
    folders = [clips_folder, tmp_path / "more"]
    train(small, folders, tmp_path / "run", steps, tmp_path / "cache", options=OPTIONS)
    assert [row["stage"] for row in log_of(tmp_path / "run")] == [stage.name for stage in stages]
    assert all(math.isfinite(float(row["loss"])) for row in log_of(tmp_path / "run"))
    assert nvczoo.load(f"local-dir:{tmp_path / 'run'}").name == "run"


def test_two_runs_with_one_seed_are_equal_and_another_seed_is_another_run(
    recipe: Recipe, clips_folder: Path, tmp_path: Path
) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        torch.manual_seed(len(name))  # what was drawn before does not matter
        train(
            replace(recipe, seed=seed),
            [clips_folder],
            tmp_path / name,
            Budget(steps=4),
            tmp_path,
            options=OPTIONS,
        )
    assert log_of(tmp_path / "a") == log_of(tmp_path / "b") != log_of(tmp_path / "c")


class _Killed(Exception):
    pass


@pytest.mark.parametrize("at", [1, 6])
def test_a_run_that_was_killed_goes_on_as_if_it_had_not_been(
    at: int, recipe: Recipe, clips_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the last steps were logged but not saved yet."""
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    train(recipe, [clips_folder], whole, STEPS, tmp_path / "cache", options=OPTIONS)

    step, save = Trainer._step, Trainer.save

    def killed(self: Trainer, *rest: object) -> object:
        if self.place.step == at + 2:
            raise _Killed
        return step(self, *rest)  # pyright: ignore

    def saved_until(self: Trainer, *rest: object) -> None:
        if self.place.step == at:
            save(self, *rest)  # pyright: ignore

    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "_step", killed)
        patched.setattr(Trainer, "save", saved_until)
        with pytest.raises(_Killed):
            train(recipe, [clips_folder], cut, STEPS, tmp_path / "cache", options=SAVING)
    assert Checkpoint.read(cut / LATEST).place.step == at
    train(recipe, [clips_folder], cut, STEPS, tmp_path / "cache", options=OPTIONS)
    assert log_of(cut) == log_of(whole)
    mine, wanted = weights_of(cut), weights_of(whole)
    assert all(torch.equal(one, wanted[name]) for name, one in mine.items())
    assert (cut / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert (cut / STAGES).read_text() == (whole / STAGES).read_text()


@pytest.mark.parametrize(
    ("number", "ending"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)]
)
def test_a_run_that_is_asked_to_stop_loses_no_step(
    number: signal.Signals,
    ending: type[BaseException],
    recipe: Recipe,
    clips_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before, step = signal.getsignal(number), Trainer._step
    train(recipe, [clips_folder], tmp_path / "whole", STEPS, tmp_path, options=OPTIONS)

    def asked(self: Trainer, *rest: object) -> object:
        if self.place.step == 3:
            os.kill(os.getpid(), number)
        return step(self, *rest)  # pyright: ignore

    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "_step", asked)
        with pytest.raises(ending):
            train(recipe, [clips_folder], tmp_path / "cut", STEPS, tmp_path, options=OPTIONS)
    assert signal.getsignal(number) is before
    assert Checkpoint.read(tmp_path / "cut" / LATEST).place.step == 4
    assert "step 4: asked to stop" in (tmp_path / "cut" / EVENTS).read_text()
    assert nvczoo.load(f"local-dir:{tmp_path / 'cut'}").name
    train(recipe, [clips_folder], tmp_path / "cut", STEPS, tmp_path, options=OPTIONS)
    assert log_of(tmp_path / "cut") == log_of(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile makes C++ here, and there is no g++")
def test_a_compiled_run_has_the_same_losses(recipe_file: Path, clips_folder: Path, tmp_path: Path) -> None:
    """In processes of their own: what makes the kernels warns, and here warnings are errors."""
    command = [sys.executable, "-m", "nvczoo", "train", str(recipe_file), "--steps", "6", "--log-every", "1"]
    command += ["--data", str(clips_folder), "--cache", str(tmp_path / "cache"), "--out"]
    subprocess.run([*command, str(tmp_path / "plain")], check=True, capture_output=True)
    own = os.environ | {
        "TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "kernels")
    }  # a killed run leaves half kernels
    compiled = [*command, str(tmp_path / "compiled"), "--compile"]
    subprocess.run(compiled, check=True, env=own)
    plain, compiled = (log_of(tmp_path / one) for one in ("plain", "compiled"))
    assert [row["stage"] for row in compiled] == [row["stage"] for row in plain] == ["i", "i", *"pppp"]
    # Adam's first step is as long for gradients that are mere rounding as for others; and the search for
    # motion takes another rounding of a flow for another flow, and finds another field.
    closeness = [1e-5, 0.01, 0.1, 0.1, 0.1, 0.1]
    for one, other, close in zip(plain, compiled, closeness, strict=True):
        assert float(other["loss"]) == pytest.approx(float(one["loss"]), rel=close)


@pytest.mark.slow
def test_a_process_killed_at_a_random_moment_is_gone_on_with(
    recipe_file: Path, clips_folder: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "nvczoo", "train", str(recipe_file), "--steps", "60", "--log-every", "1"]
    command += ["--data", str(clips_folder), "--cache", str(tmp_path / "cache"), "--out"]
    subprocess.run([*command, str(tmp_path / "whole")], check=True, capture_output=True)
    cut = tmp_path / "cut"
    process = subprocess.Popen([*command, str(cut)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wanted = random.Random().randint(2, 50)
    while len(log_of(cut)) < wanted and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    subprocess.run([*command, str(cut)], check=True, capture_output=True)
    assert log_of(cut) == log_of(tmp_path / "whole"), wanted


def test_a_loss_that_runs_away_sends_the_run_back_to_go_slower(
    recipe: Recipe, clips_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nvczoo.train.guard.ASTRAY", 2)
    wrong: set[int] = set()  # seeds of the steps whose loss is made to be no number

    def noting(recipe_seed: int, place: Place) -> int:
        seed = seed_of(recipe_seed, place)
        if place.step in (5, 6) and place.guard.returns == 0:
            wrong.add(seed)
        return seed

    def poisoned(stretch: Stretch, sample: Sample, processes: Processes, seed: int) -> torch.Tensor:
        values = gradients(stretch, sample, processes, seed)
        values[0] = torch.nan if seed in wrong else values[0]
        return values

    monkeypatch.setattr("nvczoo.train.trainer.seed_of", noting)
    monkeypatch.setattr("nvczoo.train.trainer.gradients", poisoned)
    train(recipe, [clips_folder], tmp_path / "run", STEPS, tmp_path, options=SAVING)
    rows = log_of(tmp_path / "run")
    assert [int(row["step"]) for row in rows] == list(range(1, 10))
    assert (rows[-1]["returns"], rows[-1]["skipped"]) == ("1", "2")
    assert rows[2]["returns"] == "0"
    assert "back to step 5" in (tmp_path / "run" / EVENTS).read_text()
    assert all(one.isfinite().all() for one in weights_of(tmp_path / "run").values())


def test_a_run_goes_on_from_weights_or_from_a_model(
    recipe: Recipe, recipe_file: Path, clips_folder: Path, tmp_path: Path
) -> None:
    weights = train(recipe, [clips_folder], tmp_path / "a", Budget(steps=2), tmp_path, options=OPTIONS)
    for name in (str(weights), f"local-dir:{tmp_path / 'a'}"):
        begun = running.starting_codec(replace(recipe, parts={}) if "local" in name else recipe, name)
        trained = nvczoo.load(f"local-dir:{tmp_path / 'a'}")
        pairs = zip(begun.state_dict().values(), trained.state_dict().values(), strict=True)
        assert all(torch.equal(one, other) for one, other in pairs)


def test_another_recipe_or_other_data_are_another_run(
    recipe: Recipe, clips_folder: Path, tmp_path: Path
) -> None:
    train(recipe, [clips_folder], tmp_path / "run", Budget(steps=2), tmp_path, options=OPTIONS)
    with pytest.raises(TrainingError, match="another recipe"):
        train(replace(recipe, seed=9), [clips_folder], tmp_path / "run", Budget(steps=2), tmp_path)
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "other.mp4").write_bytes((clips_folder / "clip.mp4").read_bytes())
    with pytest.raises(TrainingError, match="another data"):
        train(recipe, [tmp_path / "more"], tmp_path / "run", Budget(steps=2), tmp_path)


def test_a_damaged_checkpoint_is_told(recipe: Recipe, clips_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / LATEST).write_bytes(b"nothing")
    with pytest.raises(TrainingError, match="no checkpoint to go on from"):
        train(recipe, [clips_folder], tmp_path / "run", STEPS, tmp_path)


def test_time_ends_a_run_too(recipe: Recipe, clips_folder: Path, tmp_path: Path) -> None:
    train(recipe, [clips_folder], tmp_path / "run", Budget(seconds=0.5), tmp_path, options=OPTIONS)
    assert {row["stage"] for row in log_of(tmp_path / "run")} == {"i", "p"}
    assert Checkpoint.read(tmp_path / "run" / GOOD).place.stage == 2


def test_the_verb_plans_and_trains(
    recipe_file: Path, clips_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", str(recipe_file), "--steps", "6", "--dry-run"]) == 0
    table = capsys.readouterr().out
    assert [line.split()[0] for line in table.splitlines()] == ["stage", "i", "p", "together"]
    out = tmp_path / "run"
    arguments = ["train", str(recipe_file), "--steps", "2", "--data", str(clips_folder), "--out", str(out)]
    assert main(arguments) == 0
    assert Path(capsys.readouterr().out.strip()) == out / "model.safetensors"
    assert main(["train", str(recipe_file), "--steps", "6"]) == 1
    assert "--data" in capsys.readouterr().err
