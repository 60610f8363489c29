"""The core compiles without warnings and runs without a fault that a sanitizer would see."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import torch

from nvczoo.entropy.coders import NativeCoder
from nvczoo.entropy.tables import laplace_tables

ROOT = Path(__file__).parents[2]
COMPILERS = ("g++", "clang++")
FUZZ_RUNS = 100_000

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("cmake") is None, reason="cmake is needed to build the core's own tests"),
]


def build(folder: Path, compiler: str, **options: str) -> Path:
    """Return the folder with the core's objects and test programs; warnings are errors."""
    usual = {
        "CMAKE_CXX_COMPILER": compiler,
        "CMAKE_BUILD_TYPE": "Release",
        "NVCZOO_WERROR": "ON",
        "NVCZOO_PYTHON": "OFF",
        "NVCZOO_TESTS": "ON",
    }
    options = usual | options
    settings = [f"-D{name}={value}" for name, value in options.items()]
    subprocess.run(["cmake", "-S", ROOT, "-B", folder, *settings], check=True, capture_output=True)
    made = subprocess.run(["cmake", "--build", folder, "-j", "2"], capture_output=True, text=True)
    assert made.returncode == 0, made.stdout + made.stderr
    return folder / "csrc"


@pytest.fixture(scope="module", params=COMPILERS)
def released(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the build that ships, by each compiler."""
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    return build(tmp_path_factory.mktemp("core"), request.param)


@pytest.fixture(scope="module")
def sanitized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a build with sanitizers, at -O1: more makes checked templates take minutes."""
    compiler = next((name for name in reversed(COMPILERS) if shutil.which(name)), None)
    if compiler is None:
        pytest.skip(f"none of {', '.join(COMPILERS)} is installed")
    options = {"NVCZOO_SANITIZE": "address,undefined", "CMAKE_CXX_FLAGS_RELEASE": "-O1"}
    return build(tmp_path_factory.mktemp("sanitized"), compiler, **options)


def run(*command: str | Path) -> str:
    environment = {
        **os.environ,
        "ASAN_OPTIONS": "detect_leaks=0",
    }  # leak search needs ptrace, not had everywhere
    done = subprocess.run(command, capture_output=True, text=True, env=environment, errors="replace")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.skipif(shutil.which("nm") is None, reason="nm is needed to list symbols")
def test_no_path_leaves_a_function_that_others_might_call(released: Path) -> None:
    # A weak function of theirs, taken by the linker for all, would run their instructions everywhere.
    for path in (released / "CMakeFiles" / "nvczoo_core.dir" / "x86").glob("*.o"):
        listed = run("nm", "--demangle", "--defined-only", path)
        own = path.name.split(".")[0]
        shared = [line for line in listed.splitlines() if " W " in line and own not in line]
        assert not shared, (own, shared)


def test_symbols_come_back_when_released(released: Path) -> None:
    assert run(released / "coder_test") == "all came back\n"


def test_symbols_come_back_under_sanitizers(sanitized: Path) -> None:
    assert run(sanitized / "coder_test") == "all came back\n"


TARGETS = {"fuzz_decoder": "replay", "fuzz_header": "replay_header"}


def corpus(target: str, folder: Path) -> list[Path]:
    """Write streams of several shapes, for the decoder each after what tests/fuzz_decoder.cpp reads first."""
    folder.mkdir()
    files = []
    for number, (lanes, streams) in enumerate(((1, 1), (4, 1), (64, 1), (8, 3))):
        encoder = NativeCoder(lanes, streams, checksum=number == 1, fingerprint=number == 1).encoder()
        symbols = (torch.arange(400, dtype=torch.int32) * 7919) % 101 - 50
        encoder.push(symbols, (torch.arange(400) % 64).to(torch.uint8), laplace_tables())
        head = bytes([number, 60, 100]) if target == "fuzz_decoder" else b""
        files.append(folder / str(number))
        files[-1].write_bytes(head + encoder.finish())
    return files


@pytest.mark.parametrize("target", TARGETS)
def test_damaged_streams_are_survived_under_sanitizers(target: str, sanitized: Path, tmp_path: Path) -> None:
    files = corpus(target, tmp_path / "corpus")
    runs = int(run(sanitized / TARGETS[target], *files).split()[0])
    assert runs > 9 * sum(file.stat().st_size for file in files)


def test_threads_share_nothing_unguarded(tmp_path: Path) -> None:
    compiler = next((name for name in reversed(COMPILERS) if shutil.which(name)), None)
    if compiler is None:
        pytest.skip(f"none of {', '.join(COMPILERS)} is installed")
    options = {"NVCZOO_SANITIZE": "thread", "CMAKE_CXX_FLAGS_RELEASE": "-O1"}
    assert run(build(tmp_path, compiler, **options) / "coder_test") == "all came back\n"


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a build with libFuzzer."""
    if shutil.which("clang++") is None:
        pytest.skip("clang++ is needed for libFuzzer")
    options = {
        "NVCZOO_FUZZ": "ON",
        "NVCZOO_TESTS": "OFF",
        "NVCZOO_SANITIZE": "address,undefined",
        "CMAKE_CXX_FLAGS_RELEASE": "-O1",
    }
    return build(tmp_path_factory.mktemp("fuzzed"), "clang++", **options)


@pytest.mark.parametrize("target", TARGETS)
def test_what_a_fuzzer_makes_of_streams_is_survived(target: str, fuzzed: Path, tmp_path: Path) -> None:
    corpus(target, tmp_path / "corpus")
    run(fuzzed / target, f"-runs={FUZZ_RUNS}", "-seed=1", "-max_len=1024", "-timeout=5", tmp_path / "corpus")
