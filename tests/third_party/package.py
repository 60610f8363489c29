"""A third party's package, as its author would write it: a class, two lines of packaging, and a card."""

from pathlib import Path

MODULE = '''
"""Flow from nothing but a guess: a part that nvczoo has never heard of."""

import torch
from torch import Tensor, nn

from nvczoo.interfaces import MotionEstimator


class Guess(MotionEstimator):
    """One convolution over both pictures."""

    def __init__(self, width: int = 3) -> None:
        super().__init__()
        self.conv = nn.Conv2d(6, 2, width, padding=width // 2)

    def forward(self, frame: Tensor, reference: Tensor) -> Tensor:
        """Return flow [B, 2, H, W] in pixels, (right, down), for images [B, 3, H, W] in 0..1."""
        return self.conv(torch.cat((frame, reference), dim=1))
'''

PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "nvczoo-thirdparty"
version = "2.1"

[project.entry-points."nvczoo.motion_estimator"]
thirdparty = "nvczoo_thirdparty:Guess"
thirdparty-broken = "nvczoo_thirdparty.broken:Guess"

[project.entry-points."nvczoo.cards"]
nvczoo-thirdparty = "nvczoo_thirdparty.cards"
"""

# The smallest build backend there is, so that the test needs no other package and no network.
BACKEND = """
import tomllib
import zipfile
from pathlib import Path


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    name, version = project["name"].replace("-", "_"), project["version"]
    info, wheel = f"{name}-{version}.dist-info", f"{name}-{version}-py3-none-any.whl"
    groups = project["entry-points"].items()
    lines = [f"[{group}]\\n" + "".join(f"{k} = {v}\\n" for k, v in names.items()) for group, names in groups]
    files = {path.as_posix(): path.read_text() for path in Path(name).rglob("*") if path.is_file()}
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\\nName: {project['name']}\\nVersion: {version}\\n"
    files[f"{info}/WHEEL"] = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    files[f"{info}/entry_points.txt"] = "\\n".join(lines)
    files[f"{info}/RECORD"] = "".join(f"{path},,\\n" for path in (*files, f"{info}/RECORD"))
    with zipfile.ZipFile(Path(wheel_directory) / wheel, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return wheel
"""


def write_package(folder: Path, card: str) -> None:
    """Write the package's folder, as its author's checkout would look; ``card`` is a model of its own."""
    package = folder / "nvczoo_thirdparty"
    (package / "cards").mkdir(parents=True)
    (package / "__init__.py").write_text(MODULE)
    (package / "broken.py").write_text("raise RuntimeError('this plugin is broken')\n")
    (package / "cards" / "__init__.py").touch()
    (package / "cards" / "thirdparty-model.toml").write_text(card)
    (folder / "pyproject.toml").write_text(PYPROJECT)
    (folder / "backend.py").write_text(BACKEND)
