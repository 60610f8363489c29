import json
from pathlib import Path

import pytest

import nvczoo
from nvczoo.cli.main import main
from nvczoo.errors import SettingError
from nvczoo.evaluate.ablation import Ablation, Variant, contenders, write_card

TEXT = """
base = "ev-nvc-s"
data = ["clip.mp4"]
qualities = [10, 25, 40, 55]
frames = 3
intra_period = -1

[variant.short-term]
"gop.long_term" = 0
context_fuser = "context-mining"

[variant.own-motion]
motion_estimator = {name = "block-matching"}
"""
STAGES = """
model = "ev-nvc-s"
[[stage]]
name = "intra"
trains = ["intra"]
share = 0.5
batch = 1
side = 32
[[stage]]
name = "pairs"
trains = ["inter"]
share = 0.5
frames = 2
batch = 1
side = 32
"""


@pytest.fixture
def ablation(tiny_clip: Path, tmp_path: Path) -> Path:
    (tmp_path / "clip.mp4").write_bytes(tiny_clip.read_bytes())
    (tmp_path / "a.toml").write_text(TEXT)
    return tmp_path / "a.toml"


def test_an_ablation_is_a_base_and_differences(ablation: Path, tmp_path: Path) -> None:
    found = Ablation.read(ablation)
    assert [one.label for one in found.variants] == ["ev-nvc-s", "short-term", "own-motion"]
    assert found.setting.frames == 3
    assert found.setting.coding.intra_period == -1
    (base, short, _) = contenders(found, tmp_path)
    assert base.parts == ()
    assert dict(short.parts) == {"context_fuser": '"context-mining"', "gop.long_term": "0"}
    assert short.points == (10, 25, 40, 55)


def test_a_variant_to_be_trained_gets_a_card_of_its_own(tmp_path: Path) -> None:
    swaps = {"motion_estimator": "block-matching", "gop.long_term": 2}
    name = write_card(Variant("v", "ev-nvc-s", swaps), tmp_path / "v")
    codec = nvczoo.create(name)
    assert type(codec.inter.motion_estimator).__name__ == "BlockMatching"  # pyright: ignore
    assert codec.gop.long_term == 2  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("base =", "bass ="), "unknown key 'bass'"),
        (('data = ["clip.mp4"]', "data = []"), "has 'base', 'data'"),
        (('"clip.mp4"', '"no-such-set"'), "no dataset"),
        (("[variant.own", "[variant.empty]\n[variant.own"), "names no part"),
        (("[variant.own", "[train]\nrecipe = 'x'\n[variant.own"), "recipe, data, and hours or steps"),
        (("base =", "base = ["), "cannot be read"),
    ],
)
def test_what_is_wrong_in_an_ablation_is_told(ablation: Path, change: tuple[str, str], message: str) -> None:
    ablation.write_text(ablation.read_text().replace(*change))
    with pytest.raises(SettingError, match=message):
        Ablation.read(ablation)


@pytest.mark.slow
def test_variants_are_loaded_measured_and_compared_with_the_base(ablation: Path, tmp_path: Path) -> None:
    assert main(["ablate", str(ablation), "-o", str(tmp_path / "out"), "--quiet"]) == 0
    table = json.loads((tmp_path / "out" / "comparison" / "comparison.json").read_text())
    assert table["anchor"] == "ev-nvc-s"
    assert {row["codec"] for row in table["bd_rate"]} == {"short-term", "own-motion"}
    assert (tmp_path / "out" / "comparison" / "index.html").is_file()


@pytest.mark.slow
def test_variants_are_trained_by_the_recipe_and_so_is_the_base(ablation: Path, tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(STAGES)
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "clip.mp4").write_bytes((tmp_path / "clip.mp4").read_bytes())
    text = TEXT[: TEXT.index("[variant.own")]
    train = '[train]\nrecipe = "recipe.toml"\ndata = ["clips"]\nsteps = 2\nkeep_stages = true\n'
    ablation.write_text(text + train)
    assert main(["ablate", str(ablation), "-o", str(tmp_path / "out"), "--quiet"]) == 0
    for name in ("base", "short-term"):
        model = tmp_path / "out" / "models" / name
        assert (model / "model.safetensors").is_file()
        assert (model / "stages" / "02-pairs" / "model.safetensors").is_file()
    table = json.loads((tmp_path / "out" / "comparison" / "comparison.json").read_text())
    assert [row["codec"] for row in table["bd_rate"]] == ["short-term"]
