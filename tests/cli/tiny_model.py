"""An installed package with a model so small that it codes a clip in a second; its weights are random."""

from pathlib import Path

import nvczoo
from nvczoo.hub import sha256_of
from nvczoo.overrides import WEIGHTED
from nvczoo.weights import save_weights

MODEL, SEED = "tiny", 5
CARD = """
summary = "EV-NVC, far too small"
licence = "BSD-3-Clause"
gop = {name = "low-delay", intra_period = 8, long_term = 4}
rate_sampler = "piecewise-linear"

[intra]
name = "ev-nvc-intra"
widths = [4, 4, 8]
depths = [1, 1, 1]
latent_channels = 8
entropy_model = {name = "factorized", channels = 8}

[inter]
name = "ev-nvc"
widths = [4, 4, 8]
latent_channels = 8
prior_channels = 4
motion_estimator = {name = "spynet", levels = 2, skip = 1, widths = [4, 4, 4, 4]}
context_fuser = {name = "lstffm", channels = [4, 4, 8], image_channels = 6, feature_channels = 4}
entropy_model = {name = "factorized", channels = 8}
motion_entropy_model = {name = "factorized", channels = 2}
"""
WEIGHTS = """
[weights]
file = "tiny.safetensors"
sha256 = "{sha256}"
"""


def write_site(site: Path) -> None:
    """Make a folder that can be put on the path, with the package and its entry point."""
    package, info = site / "tiny_models", site / "tiny_models-1.0.dist-info"
    for folder in (package, info):
        folder.mkdir()
    (package / "__init__.py").touch()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny-models\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[nvczoo.cards]\ntiny = tiny_models\n")
    (package / "card.toml").write_text(CARD)
    codec = nvczoo.create(f"local-dir:{package}", seed=SEED)
    weights = package / f"{MODEL}.safetensors"
    save_weights({place: getattr(codec, place) for place in WEIGHTED}, weights)
    (package / "card.toml").unlink()
    (package / f"{MODEL}.toml").write_text(CARD + WEIGHTS.format(sha256=sha256_of(weights)))
