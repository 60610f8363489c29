from pathlib import Path

import pytest

import nvczoo
from nvczoo.errors import SettingError
from nvczoo.train.networks import Networks, choose
from nvczoo.train.stages import Recipe, Stage, Terms, recipe_path

SHIPPED = ["ev-nvc-18", "ev-nvc-ablation", "ev-nvc-s", "intra", "quick"]


def test_all_recipes_that_ship_are_known() -> None:
    assert sorted(path.stem for path in recipe_path("quick").parent.glob("*.toml")) == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_a_recipe_that_ships_names_modules_of_its_model(name: str) -> None:
    recipe = Recipe.read(recipe_path(name))
    networks = Networks.of(nvczoo.create(recipe.model, parts=recipe.parts))
    assert all(choose(networks, stage) for stage in recipe.stages)
    assert "flutter_butterfly" in recipe.exclude  # the clip of the demo


def test_ev_nvc_has_eighteen_stages_after_those_of_the_intra_codec() -> None:
    names = [stage.name for stage in Recipe.read(recipe_path("ev-nvc-18")).stages]
    assert [int(name[:2]) for name in names] == [0, 0, *range(1, 19)]


def test_a_digest_changes_with_whatever_the_recipe_says(recipe: Recipe, recipe_file: Path) -> None:
    recipe_file.write_text(recipe_file.read_text().replace("share = 2", "share = 3"))
    assert Recipe.read(recipe_file).digest != recipe.digest


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"distortion": "ssim"}, "it is one of mse, psnr, ms-ssim"),
        ({"distortion": "psnr", "colour": "rgb"}, "weighs Y, U and V"),
        ({"distortion": "ms-ssim"}, "need side = 161 or more"),
        ({"precision": "float16"}, "it is one of bfloat16, float32"),
        ({"batch": 0}, "must be more than 0"),
        ({"batch": 6, "slices": 4}, "no 4 equal slices"),
        ({"terms": Terms(endpoint=1.0)}, 'needs source = "synthetic"'),
        ({"terms": Terms()}, "a term to minimise"),
        ({"q": "high"}, "q is 'high'"),
        ({"q": (10.0, 70.0)}, "q is"),
        ({"intra_q": (24.0, 4.0)}, "intra_q is"),
        ({"intra_q": (4.0,)}, "intra_q is"),
    ],
)
def test_a_stage_that_makes_no_sense_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        Stage(**({"name": "x", "trains": ("intra",), "share": 1.0} | change))  # pyright: ignore


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('model = "ev-nvc-s"\n[[stage]]\nname = "x"\n', "missing: "),
        ('model = "ev-nvc-s"\nseeds = 3\n', "unknown key 'seeds'"),
        ('[[stage]]\nname = "x"\ntrains = ["intra"]\nshare = 1\n', "a recipe has 'model'"),
        ("model = [", "cannot be read as a recipe"),
    ],
)
def test_what_is_wrong_in_a_recipe_is_told(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "wrong.toml").write_text(text)
    with pytest.raises(SettingError, match=message):
        Recipe.read(tmp_path / "wrong.toml")


def test_a_recipe_that_is_not_there_is_answered_with_those_that_are() -> None:
    with pytest.raises(SettingError, match=r"There is no recipe 'nonsense'.*quick"):
        recipe_path("nonsense")


def test_an_unknown_module_is_answered_with_the_nearest(networks: Networks) -> None:
    with pytest.raises(SettingError, match="motion_estimator"):
        choose(networks, Stage("x", ("inter.motion_estimate",), 1.0, frames=2))
