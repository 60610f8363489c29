"""A codec so small that a step takes milliseconds, and clips to train it on."""

from pathlib import Path

import pytest

from nvczoo.train.networks import Networks
from nvczoo.train.run import starting_codec
from nvczoo.train.sources import Data, load_data
from nvczoo.train.stages import Recipe
from nvczoo.video.png import png

SIDE = 32
TOY = """
model = "ev-nvc-s"
[parts]
"intra.widths" = [8, 8, 8]
"intra.depths" = [1, 1, 1]
"intra.latent_channels" = 8
"intra.entropy_model" = {name = "factorized", channels = 8}
"inter.widths" = [8, 8, 8]
"inter.latent_channels" = 8
"inter.prior_channels" = 4
"inter.motion_estimator" = {name = "spynet", levels = 2, skip = 1, widths = [4, 4, 4, 4]}
"inter.context_fuser" = {name = "lstffm", channels = [8, 8, 8], image_channels = 6, feature_channels = 8}
"inter.entropy_model" = {name = "factorized", channels = 8}
"""
STAGES = """
[[stage]]
name = "i"
trains = ["intra"]
share = 1
batch = 2
side = 32
[[stage]]
name = "p"
trains = ["inter"]
share = 2
frames = 3
batch = 2
side = 32
"""


@pytest.fixture
def recipe_file(tmp_path: Path) -> Path:
    """Return a recipe of two stages for the small codec."""
    path = tmp_path / "toy.toml"
    path.write_text(TOY + STAGES)
    return path


@pytest.fixture
def recipe(recipe_file: Path) -> Recipe:
    return Recipe.read(recipe_file)


@pytest.fixture
def networks(recipe: Recipe) -> Networks:
    return Networks.of(starting_codec(recipe))


@pytest.fixture(scope="session")
def clips_folder(tiny_video: object, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a video of four frames and a photograph, 64x48 both."""
    folder = tmp_path_factory.mktemp("clips")
    tiny_video.save(folder / "clip.mp4")  # pyright: ignore[reportAttributeAccessIssue]
    (folder / "still.png").write_bytes(png(tiny_video.to_rgb()[0]))  # pyright: ignore
    return folder


@pytest.fixture(scope="session")
def data(clips_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Data:
    return load_data([clips_folder], tmp_path_factory.mktemp("cache"))
