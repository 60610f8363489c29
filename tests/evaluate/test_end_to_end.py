"""The command as users run it: stopped and resumed, sharded, on Ray; the tables are the same to the byte."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

NVCZOO = (sys.executable, "-m", "nvczoo")
CODECS = ("-m", "ev-nvc-s", "-q", "8", "24", "40", "56", "--anchor", "x264-fast@20,25,30,35")
CODECS += ("--anchor", "x265-fast@20,25,30,35")
JOBS = 12
CONDITIONS = ("--frames", "6", "-g", "4", "--threads", "1")
LIMIT = 550  # seconds, of each process: Ray alone takes a minute to start on a machine with much to do
OUTPUTS = {"comparison.md", "points.csv", "comparison.json", "index.html"}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def clip(shared_data: Path) -> Path:
    return shared_data / "eval" / "foreman_176x144.mkv"


def evaluation(clip: Path, folder: Path, *options: str) -> list[str]:
    return [*NVCZOO, "eval", *CODECS, *CONDITIONS, "-d", str(clip), "-o", str(folder), *options]


def run(command: list[str]) -> str:
    """Return what was told on stderr."""
    return subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=LIMIT, check=True).stderr


def tables(folder: Path) -> dict[str, bytes]:
    """Return what ``nvczoo compare`` makes of results, by name."""
    run([*NVCZOO, "compare", str(folder), "--anchor", "x265-fast", "--title", "Foreman"])
    found = {path.name: path.read_bytes() for path in (folder / "comparison").iterdir()}
    return {name: data for name, data in found.items() if name in OUTPUTS}


def differing(found: dict[str, bytes], expected: dict[str, bytes]) -> list[str]:
    """Return the names of tables that are not the same: to tell how pages differ takes pytest long."""
    assert found.keys() == expected.keys()
    return [name for name in found if found[name] != expected[name]]


@pytest.fixture(scope="module")
def expected(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the tables of a run that nothing happened to."""
    folder = tmp_path_factory.mktemp("whole")
    assert f"[{JOBS}/{JOBS}]" in run(evaluation(clip, folder))
    found = tables(folder)
    assert found.keys() == OUTPUTS
    assert found["comparison.md"].count(b" % |") == 4  # a BD-rate and a mean, of each codec that is no anchor
    return found


def test_a_killed_run_goes_on_to_the_same_tables(
    clip: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    with subprocess.Popen(evaluation(clip, tmp_path), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if f"[3/{JOBS}]" in line:
                os.kill(process.pid, signal.SIGKILL)
    there = len(list(tmp_path.glob("*/*/*.json")))
    assert 3 <= there < JOBS
    assert f"{there} of {JOBS} jobs are done already" in run(evaluation(clip, tmp_path))
    assert differing(tables(tmp_path), expected) == []


def test_shards_in_one_folder_make_the_same_tables(
    clip: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    for shard in ("2/3", "3/3", "1/3"):
        assert "[4/4]" in run(evaluation(clip, tmp_path, "--shard", shard))
    assert differing(tables(tmp_path), expected) == []


def test_ray_makes_the_same_tables(clip: Path, expected: dict[str, bytes], tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'nvczoo[ray]'")
    assert f"[{JOBS}/{JOBS}]" in run(evaluation(clip, tmp_path, "--engine", "ray"))
    assert differing(tables(tmp_path), expected) == []
