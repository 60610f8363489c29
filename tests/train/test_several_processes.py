"""Several processes, one run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from nvczoo.errors import SettingError
from nvczoo.train.processes import Processes
from nvczoo.train.records import LOG, read_rows


@pytest.mark.slow
def test_two_processes_train_as_one(recipe_file: Path, clips_folder: Path, tmp_path: Path) -> None:
    """Both have the same losses, but for the order in which floats are added."""
    recipe_file.write_text(recipe_file.read_text().replace("side = 32", 'side = 32\nprecision = "float32"'))
    tail = ["-m", "nvczoo", "train", str(recipe_file), "--steps", "12", "--log-every", "1"]
    tail += ["--data", str(clips_folder), "--cache", str(tmp_path / "cache"), "--out"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    for name, before in (("one", [sys.executable]), ("two", launch)):
        subprocess.run(
            [*before, *tail, str(tmp_path / name)], check=True, capture_output=True, env=environment
        )
    one, two = (read_rows(tmp_path / name / LOG) for name in ("one", "two"))
    assert len(one) == len(two) == 12
    assert json.loads((tmp_path / "two" / "run.json").read_text())["processes"] == 2
    for mine, other in zip(one, two, strict=True):
        assert float(mine["loss"]) == pytest.approx(float(other["loss"]), rel=2e-3), mine["step"]


def test_a_batch_must_be_divisible_among_processes() -> None:
    assert Processes(torch.device("cpu"), 1, 2).rows(8, "x") == range(4, 8)
    with pytest.raises(SettingError, match="no 3 equal parts"):
        Processes(torch.device("cpu"), 0, 3).rows(8, "x")
