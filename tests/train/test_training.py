from pathlib import Path

import pytest
import torch

import nvczoo
from nvczoo.cli.main import main
from nvczoo.errors import SettingError
from nvczoo.train.clips import ClipSampler, Crop, decode_clip
from nvczoo.train.loop import Networks, Run, stage_loss
from nvczoo.train.objective import FrameLoss, mse_611
from nvczoo.train.stages import Recipe, Stage, recipe_path

SIDE = 48


@pytest.fixture
def sampler(tiny_clip: Path, tmp_path: Path) -> ClipSampler:
    return ClipSampler.from_folders([tiny_clip.parent], tmp_path / "cache")


@pytest.fixture
def networks() -> Networks:
    codec = nvczoo.create("ev-nvc-s")
    return Networks(codec.intra, codec.inter, codec.rate_sampler)


def test_crops_are_real_pixels_and_repeat_with_the_seed(tiny_clip: Path, tmp_path: Path) -> None:
    clip = decode_clip(tiny_clip, tmp_path / "cache")
    assert clip.luma.shape == (4, 48, 64)
    batches = [ClipSampler([clip], seed=7).batch(3, Crop(2, SIDE)) for _ in range(2)]
    assert batches[0].shape == (3, 2, 6, SIDE // 2, SIDE // 2)
    assert torch.equal(*batches)
    assert 0 <= batches[0].min() <= batches[0].max() <= 1


def test_excluded_files_are_not_read(tiny_clip: Path, tmp_path: Path) -> None:
    assert ClipSampler.from_folders([tiny_clip.parent], tmp_path, exclude=("clip",)).clips == ()


def test_a_crop_that_fits_no_clip_is_told(sampler: ClipSampler) -> None:
    with pytest.raises(SettingError, match="no clip has 9 frames"):
        sampler.batch(1, Crop(9, SIDE))


@pytest.mark.parametrize("goal", ["intra", "motion", "inter"])
def test_each_goal_trains_its_codec_alone(goal: str, networks: Networks, sampler: ClipSampler) -> None:
    stage = Stage("x", goal, 1.0)
    loss, costs = stage_loss(networks, stage, sampler.batch(2, Crop(3, SIDE)), torch.tensor([10.0, 50.0]))
    loss.backward()
    moved = {
        name
        for name in ("intra", "inter")
        if any(p.grad is not None for p in getattr(networks, name).parameters())
    }
    assert moved == {"intra" if goal == "intra" else "inter"}
    assert all(torch.isfinite(cost.bpp).all() and torch.isfinite(cost.mse).all() for cost in costs)


def test_the_mse_is_weighed_six_to_one_to_one() -> None:
    picture = torch.zeros(1, 6, 4, 4)
    only_luma, only_u = picture.clone(), picture.clone()
    only_luma[:, :4], only_u[:, 4] = 1 / 255, 1 / 255
    assert mse_611(only_luma, picture).item() == pytest.approx(6 / 8)
    assert mse_611(only_u, picture).item() == pytest.approx(1 / 8)


def test_neither_end_of_the_rates_drowns_the_other() -> None:
    low = FrameLoss(torch.tensor([0.02]), torch.tensor([100.0])).balanced(torch.tensor([0.0002]))
    high = FrameLoss(torch.tensor([1.0]), torch.tensor([5.0])).balanced(torch.tensor([0.2]))
    assert 0.2 < low / high < 5


def test_a_run_learns_and_goes_on_from_its_checkpoint(
    networks: Networks, sampler: ClipSampler, tmp_path: Path
) -> None:
    stages = (Stage("intra", "intra", 0.5, side=SIDE, batch=2), Stage("p", "inter", 0.5, 2, SIDE, 1))
    first = Run(networks, sampler, tmp_path / "run")
    first.train(stages, 4.0)
    assert first.step > 1
    assert first.skipped == 0

    again = Run(networks, sampler, tmp_path / "run")
    again.train(stages, 4.0)  # nothing is left to do
    assert again.step == first.step
    assert again.stage_index == 1


def test_the_verb_trains_and_leaves_weights_that_load(
    tiny_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "quick.toml"
    recipe.write_text(
        'model = "ev-nvc-s"\n[[stage]]\nname = "i"\ngoal = "intra"\nshare = 0.5\nside = 48\nbatch = 1\n'
        '[[stage]]\nname = "p"\ngoal = "inter"\nshare = 0.5\nframes = 2\nside = 48\nbatch = 1\n'
    )
    data, out = str(tiny_clip.parent), str(tmp_path / "run")
    assert main(["train", str(recipe), "--data", data, "--hours", "0.0005", "-o", out]) == 0
    weights = Path(capsys.readouterr().out.strip())
    assert weights.stat().st_size < 12e6


def test_recipes_ship_and_are_checked(tmp_path: Path) -> None:
    recipe = Recipe.read(recipe_path("ev-nvc-s-first"))
    assert recipe.model == "ev-nvc-s"
    assert "flutter_butterfly" in recipe.exclude  # the clip of the demo
    with pytest.raises(SettingError, match="There is no recipe 'nonsense'"):
        recipe_path("nonsense")
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('model = "ev-nvc-s"\n[[stage]]\nname = "x"\n')
    with pytest.raises(SettingError, match="a stage has"):
        Recipe.read(wrong)
