import shutil
import sys
from pathlib import Path

import pytest

from nvczoo.cli.main import main

sys.path.insert(0, str(Path(__file__).parents[1] / "evaluate"))
from test_comparison import ANCHOR, BETTER, write


def test_compare_prints_the_table_and_writes_all_forms_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "x265-medium", "a", ANCHOR)
    write(tmp_path, "ours", "a", BETTER)
    assert main(["compare", str(tmp_path), "--anchor", "x265-medium"]) == 0
    assert "| a | -" in capsys.readouterr().out
    names = {path.name for path in (tmp_path / "comparison").iterdir()}
    assert names == {
        "comparison.md",
        "comparison.json",
        "points.csv",
        "index.html",
        "rd-a.png",
        "rd-a.pdf",
    }
    assert main(["compare", str(tmp_path), "--anchor", "x265-medium"]) == 0  # its own files are no results
    shutil.rmtree(tmp_path / "a")
    assert main(["compare", str(tmp_path), "--anchor", "x265-medium"]) == 1
    assert "no results" in capsys.readouterr().err
