"""A package that nobody here knows is installed, and its parts are there: nothing in nvczoo changes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from package import write_package

MODEL = "ev-nvc-s"
CARD = Path(__file__).parents[2] / "registry" / f"{MODEL}.toml"

SWAP_IN = f"""
import warnings
import torch
import nvczoo
from nvczoo import cards

warnings.simplefilter("ignore", nvczoo.SwappedPartWarning)
make = nvczoo.load if cards.find({MODEL!r}).weights else nvczoo.create
codec = make({MODEL!r}, motion_estimator={{"name": "thirdparty", "width": 5}})
print(type(codec.inter.motion_estimator).__module__, codec.inter.motion_estimator.conv.kernel_size)
video = torch.randint(0, 255, (3, 3, 48, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
stream = codec.encode(video, q=20)
print(len(codec.decode(stream).pictures))
print(nvczoo.create("thirdparty-model").name)
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that the package is installed into, by pip, from its author's folder."""
    pytest.importorskip("pip", reason="the package is installed by pip")
    source, target = tmp_path_factory.mktemp("thirdparty"), tmp_path_factory.mktemp("site")
    write_package(source, CARD.read_text())
    options = ("--no-build-isolation", "--no-deps", "--no-index", "--disable-pip-version-check", "--quiet")
    subprocess.run([sys.executable, "-m", "pip", "install", *options, "--target", target, source], check=True)
    return target


def run(code: str, site: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh process that sees the installed package."""
    path = os.pathsep.join(filter(None, (str(site), os.environ.get("PYTHONPATH"))))
    everything = {**os.environ, "PYTHONPATH": path, **environment}
    return subprocess.run([sys.executable, "-c", code], env=everything, capture_output=True, text=True)


def test_a_third_party_motion_estimator_is_swapped_in_and_codes_a_video(site: Path) -> None:
    done = run(SWAP_IN, site)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["nvczoo_thirdparty (5, 5)", "3", "thirdparty-model"]


def test_it_is_listed_with_its_distribution_and_keeps_the_contract(site: Path) -> None:
    done = run(
        "import nvczoo\n"
        "print([one.origin for one in nvczoo.parts('motion_estimator') if one.name == 'thirdparty'])\n"
        "from nvczoo.components import find\n"
        "from nvczoo.testing.contracts import check_motion_estimator\n"
        "check_motion_estimator(find('motion_estimator', 'thirdparty')())",
        site,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "['nvczoo-thirdparty 2.1']"


def test_autoload_off_hides_it(site: Path) -> None:
    code = "import nvczoo\nprint('thirdparty-model' in nvczoo.models())\n" + SWAP_IN
    done = run(code, site, NVCZOO_PLUGIN_AUTOLOAD="0")
    assert done.returncode != 0
    assert done.stdout.strip() == "False"
    assert "UnknownComponent: There is no motion_estimator 'thirdparty'" in done.stderr


def test_its_broken_part_is_named_when_used_and_harms_nobody_else(site: Path) -> None:
    use = f"nvczoo.create({MODEL!r}, motion_estimator='thirdparty-broken')"
    done = run(f"import nvczoo\nnvczoo.create({MODEL!r})\n{use}", site)
    assert done.returncode != 0
    assert "BrokenComponent: The motion_estimator 'thirdparty-broken' of nvczoo-thirdparty 2.1" in done.stderr
    assert "this plugin is broken" in done.stderr
