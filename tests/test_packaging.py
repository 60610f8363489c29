"""What is shipped: one version, stubs that tell the truth, an import that takes no time."""

import ast
import shutil
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import pytest

import nvczoo
from nvczoo import _coder

ROOT = Path(__file__).parents[1]
ALLOWED = 1.2  # times what importing torch takes
RUNS = 3


def test_the_version_stands_in_one_place() -> None:
    assert metadata.version("nvczoo") == nvczoo.__version__
    others = ("pyproject.toml", "CMakeLists.txt", "docs/conf.py")
    assert not [path for path in others if f'"{nvczoo.__version__}"' in (ROOT / path).read_text()]


def test_the_stubs_name_what_the_binding_has() -> None:
    tree = ast.parse((ROOT / "nvczoo" / "_coder.pyi").read_text())
    stubs = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    assert stubs.keys() == {name for name in dir(_coder) if not name.startswith("_")}
    for name, node in stubs.items():
        if isinstance(node, ast.ClassDef):
            told = {one.name for one in node.body if isinstance(one, ast.FunctionDef)} - {"__init__"}
            assert told == {one for one in vars(getattr(_coder, name)) if not one.startswith("_")}, name


def test_importing_warns_of_nothing() -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", "import nvczoo"], check=True)


@pytest.mark.slow
def test_importing_takes_less_than_importing_torch() -> None:
    def seconds(code: str) -> float:
        times = []
        for _ in range(RUNS):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
            times.append(time.perf_counter() - start)
        return min(times)

    assert seconds("import nvczoo") < ALLOWED * seconds("import torch")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("cmake") is None, reason="cmake is needed to build the binding")
@pytest.mark.parametrize("compiler", ["g++", "clang++"])
def test_the_binding_compiles_without_a_warning(compiler: str, tmp_path: Path) -> None:
    pybind11 = pytest.importorskip("pybind11")
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    settings = {
        "CMAKE_CXX_COMPILER": compiler,
        "CMAKE_BUILD_TYPE": "Debug",  # quicker; the core is built for release by tests/csrc
        "NVCZOO_WERROR": "ON",
        "Python_EXECUTABLE": sys.executable,
        "pybind11_DIR": pybind11.get_cmake_dir(),
    }
    given = [f"-D{name}={value}" for name, value in settings.items()]
    subprocess.run(["cmake", "-S", ROOT, "-B", tmp_path, *given], check=True, capture_output=True)
    made = subprocess.run(["cmake", "--build", tmp_path, "-j", "2"], capture_output=True, text=True)
    assert made.returncode == 0, made.stdout + made.stderr
