"""``nvczoo plugin new``: what is written is complete, and works after ``pip install``."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from nvczoo.cli.main import main
from nvczoo.components import KINDS
from nvczoo.errors import SettingError
from nvczoo.plugin_kit.names import CODEC, Names
from nvczoo.plugin_kit.scaffold import new_plugin

ALL = (*KINDS, CODEC)
TIGHT = {"name": "my-inter-codec", "entropy_model": {"name": "hyperprior", "channels": 128}}
SWAPS = {kind: f"my-{kind.replace('_', '-')}" for kind in KINDS}
PLACES = {
    "intra_codec": "intra",
    "inter_codec": "inter",
    "gop_structure": "gop",
    "entropy_coder": "entropy_coder",
    "rate_sampler": "rate_sampler",
}
USE = """
import json, sys, warnings
import torch, nvczoo

warnings.simplefilter("ignore", nvczoo.SwappedPartWarning)
clip = torch.randint(0, 256, (3, 3, 48, 64), dtype=torch.uint8, generator=torch.manual_seed(1))
for place, value in json.loads(sys.argv[1]).items():
    codec = nvczoo.load("ev-nvc-s", **{place: value})
    everything = (*codec.modules(), codec.gop, codec.coder)
    assert any(type(part).__module__.startswith("nvczoo_my") for part in everything), place
    print(place, len(codec.decode(codec.encode(clip, q=20))))
print(*(part.origin for part in nvczoo.parts() if part.name.startswith("my-")))
"""
PIP = ("--no-build-isolation", "--no-deps", "--no-index", "--disable-pip-version-check", "--quiet")


@pytest.mark.parametrize("kind", ALL)
def test_a_package_is_complete_and_names_are_filled_in(kind: str, tmp_path: Path) -> None:
    folder = new_plugin("my-thing", kind, tmp_path)
    files = {
        path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()
    }
    assert files.keys() >= {
        "pyproject.toml",
        "README.md",
        "LICENSE",
        ".gitignore",
        ".github/workflows/tests.yml",
        "src/nvczoo_my_thing/__init__.py",
        "src/nvczoo_my_thing/py.typed",
        "tests/test_my_thing.py",
    }
    project = tomllib.loads(files["pyproject.toml"])["project"]
    assert project["name"] == "nvczoo-my-thing"
    for path, text in files.items():
        assert "$" not in text, path
        if path.endswith(".py"):
            compile(text, path, "exec")
    for entries in project["entry-points"].values():
        for value in entries.values():
            module, _, name = value.partition(":")
            assert f"class {name}(" in files["src/nvczoo_my_thing/__init__.py"] or module.endswith(".cards")


@pytest.mark.parametrize(
    ("name", "kind", "told"),
    [
        ("MyFlow", "motion_estimator", "small letters"),
        ("my--flow", "motion_estimator", "small letters"),
        ("8-bit", "motion_estimator", "beginning with a letter"),
        ("", "motion_estimator", "small letters"),
        ("x" * 41, "motion_estimator", "40 characters at most"),
        ("../escape", "motion_estimator", "small letters"),
        ("motion-estimator", "motion_estimator", "which is an interface"),
        ("my-flow", "motion", "no kind of part 'motion'"),
    ],
)
def test_names_that_cannot_be_are_refused(name: str, kind: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=told):
        new_plugin(name, kind, tmp_path)
    assert os.listdir(tmp_path) == []


def test_an_existing_folder_is_left_alone(tmp_path: Path) -> None:
    folder = new_plugin("my-flow", "motion_estimator", tmp_path)
    with pytest.raises(SettingError, match="exists already"):
        new_plugin("my-flow", "motion_estimator", tmp_path)
    with pytest.raises(SettingError, match="make it first"):
        new_plugin("my-flow", "motion_estimator", folder / "none")


def test_a_name_that_has_the_prefix_does_not_get_it_twice() -> None:
    names = Names("nvczoo-flow", "motion_estimator")
    assert (names.distribution, names.module) == ("nvczoo-flow", "nvczoo_flow")


def test_the_command_says_what_comes_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugin", "new", "my-flow", "--kind", "motion_estimator", "-o", str(tmp_path)]) == 0
    assert f"pip install -e {tmp_path / 'nvczoo-my-flow'}" in capsys.readouterr().out


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder into which pip installed a new package of every kind, built from what was written."""
    pytest.importorskip("flit_core", reason="new packages are built by flit_core")
    source, target = tmp_path_factory.mktemp("plugins"), tmp_path_factory.mktemp("site")
    folders = [new_plugin(f"my-{kind.replace('_', '-')}", kind, source) for kind in ALL]
    pip = (sys.executable, "-m", "pip", "install", *PIP, "--target")
    subprocess.run([*pip, target, *folders], check=True)
    (target / "sources").symlink_to(source)
    return target


def run(site: Path, *arguments: str) -> str:
    path = os.pathsep.join(filter(None, (str(site), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_each_kind_is_swapped_into_ev_nvc_and_codes_a_video(site: Path) -> None:
    swaps = {PLACES.get(kind, kind): SWAPS[kind] for kind in KINDS} | {"inter": TIGHT}
    out = run(site, "-c", USE, json.dumps(swaps))
    assert out.splitlines()[:-1] == [f"{place} 3" for place in swaps]
    assert all(f"nvczoo-{name} 0.1.0" in out for name in SWAPS.values())


@pytest.mark.slow
def test_a_whole_codec_is_a_model_and_all_keep_their_contracts(site: Path) -> None:
    code = "import nvczoo; print(nvczoo.create('my-codec').card.name, 'my-codec' in nvczoo.models())"
    assert run(site, "-c", code).strip() == "my-codec True"
    tests = [str(path) for path in (site / "sources").glob("*/tests")]
    options = ("-q", "-p", "no:cacheprovider", "--import-mode=importlib", "-c", os.devnull)
    assert len(tests) == len(ALL)
    assert " passed" in run(site, "-m", "pytest", *options, *tests)


@pytest.mark.slow
def test_what_is_written_is_in_good_style(tmp_path: Path) -> None:
    ruff = Path(sys.executable).with_name("ruff")
    if not ruff.exists():
        pytest.skip("ruff is not installed")
    for kind in ALL:
        new_plugin(f"my-{kind.replace('_', '-')}", kind, tmp_path)
    rules = (
        "check",
        "--select",
        "E,F,W,UP,B,SIM,N",
        "--ignore",
        "N812",
        "--line-length",
        "110",
        "--isolated",
    )
    subprocess.run([ruff, *rules, tmp_path], check=True)
    subprocess.run([ruff, "format", "--check", "--line-length", "110", "--isolated", tmp_path], check=True)
