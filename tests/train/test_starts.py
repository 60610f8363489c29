"""What a run begins with and what it leaves after each stage."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

import nvczoo
from nvczoo.errors import SettingError
from nvczoo.train.networks import Networks, take_over
from nvczoo.train.records import EVENTS
from nvczoo.train.run import starting_codec, train
from nvczoo.train.schedule import Budget
from nvczoo.train.stages import Recipe, Start
from nvczoo.train.trainer import Options

MOTION = "inter.motion_estimator"


@pytest.fixture
def other(recipe: Recipe) -> Networks:
    """Return the small codec from another seed, with another rate sampler, so with fewer step sizes."""
    parts = recipe.parts | {"rate_sampler": "log-uniform"}
    return Networks.of(starting_codec(replace(recipe, seed=1, parts=parts)))


def tensors(networks: Networks, path: str) -> dict[str, Tensor]:
    return dict(networks.modules().get_submodule(path).state_dict())


def events(run: Path) -> str:
    return (run / EVENTS).read_text() if (run / EVENTS).exists() else ""


def test_modules_are_taken_over_where_their_shapes_agree(networks: Networks, other: Networks) -> None:
    before = {name: one.clone() for name, one in tensors(networks, "inter.synthesis").items()}
    left = take_over(networks, other, (MOTION, "inter.encoder_steps", "inter.decoder_steps"))
    assert left
    assert all("steps" in name or "gain" in name for name in left)
    for name, one in tensors(other, MOTION).items():
        assert torch.equal(one, tensors(networks, MOTION)[name])
    assert all(torch.equal(one, before[name]) for name, one in tensors(networks, "inter.synthesis").items())


def test_a_module_that_one_of_the_models_lacks_is_told(networks: Networks, other: Networks) -> None:
    with pytest.raises(SettingError, match=r"\[start\]: no 'inter.motion'.*motion_field"):
        take_over(networks, other, ("inter.motion",))


def test_a_run_starts_from_a_model_and_says_what_it_could_not_take(
    recipe: Recipe, clips_folder: Path, tmp_path: Path
) -> None:
    options = Options(keep_stages=True)
    train(recipe, [clips_folder], tmp_path / "first", Budget(steps=3), tmp_path / "cache", options=options)
    kept = tmp_path / "first" / "stages"
    assert [one.name for one in sorted(kept.iterdir())] == ["01-i", "02-p"]
    assert nvczoo.load(f"local-dir:{kept / '01-i'}").name == "01-i"

    start = Start(f"local-dir:{tmp_path / 'first'}", ("intra", MOTION))
    stages = tuple(replace(one, learning_rate=1e-12) for one in recipe.stages)
    second = replace(recipe, seed=1, start=start, stages=stages)
    train(second, [clips_folder], tmp_path / "second", Budget(steps=3), tmp_path / "cache")
    assert "begun anew" not in events(tmp_path / "second")
    first, after = (Networks.of(nvczoo.load(f"local-dir:{tmp_path / name}")) for name in ("first", "second"))
    for path in start.modules:
        assert all(torch.equal(one, tensors(after, path)[name]) for name, one in tensors(first, path).items())
    assert not torch.equal(first.modules()["inter"].exit.weight, after.modules()["inter"].exit.weight)  # pyright: ignore

    third = replace(second, parts=recipe.parts | {"rate_sampler": "log-uniform"})
    train(third, [clips_folder], tmp_path / "third", Budget(steps=3), tmp_path / "cache")
    assert "begun anew" in events(tmp_path / "third")


def test_a_start_has_a_model_and_modules(recipe_file: Path) -> None:
    text = recipe_file.read_text()
    for table, message in (
        ('model = "ev-nvc-s"', "has model and modules"),
        ("mode = 1", "unknown key 'mode'"),
    ):
        recipe_file.write_text(f"{text}\n[start]\n{table}\n")
        with pytest.raises(SettingError, match=message):
            Recipe.read(recipe_file)
    recipe_file.write_text(f'{text}\n[start]\nmodel = "ev-nvc-s"\nmodules = ["intra"]\n')
    assert Recipe.read(recipe_file).start == Start("ev-nvc-s", ("intra",))
