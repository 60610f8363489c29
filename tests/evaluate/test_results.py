import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from nvczoo.errors import SettingError
from nvczoo.evaluate.results import MAX_JSON_BYTES, Conditions, Result, ResultSet
from nvczoo.evaluate.table import HEADINGS, text_table

CONDITIONS = Conditions("a.mp4", 640, 360, 50, "25", 32, 2, "cpu", (("torch", "2"), ("PyAV", "18")))
OURS = Result("ev-nvc-s", "q 12", "identity 00", 10_000, 30.0, 40.0, 41.0, 32.625, 0.9, 5.0, 9.0)
RESULTS = ResultSet(CONDITIONS, (OURS, replace(OURS, codec="x265 medium", ms_ssim=None, psnr_y=31.0)))


def test_results_come_back_from_json(tmp_path: Path) -> None:
    assert ResultSet.from_json(RESULTS.to_json()) == RESULTS
    RESULTS.save(tmp_path / "results.json")
    assert ResultSet.load(tmp_path / "results.json") == RESULTS


def test_rates_are_those_of_the_clip() -> None:
    assert CONDITIONS.kbps(10_000) == pytest.approx(40.0)  # 80 kbit in 2 seconds
    assert CONDITIONS.bpp(10_000) == pytest.approx(80_000 / (50 * 640 * 360))
    assert json.loads(RESULTS.to_json())["results"][0]["kbps"] == pytest.approx(40.0)


def test_conditions_state_the_weights_and_the_colour_path() -> None:
    assert "6:1:1" in CONDITIONS.psnr
    assert "converted" in CONDITIONS.pictures


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{}",
        '{"format": 2}',
        '{"format": 1, "conditions": {}, "results": []}',
        "[" * 100_000,
        RESULTS.to_json().replace('"size"', '"length"'),
    ],
)
def test_what_holds_no_results_is_refused(text: str) -> None:
    with pytest.raises(SettingError):
        ResultSet.from_json(text)


def test_files_that_cannot_be_results_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="cannot be read"):
        ResultSet.load(tmp_path / "missing.json")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\xfd")
    with pytest.raises(SettingError, match="cannot be read"):
        ResultSet.load(tmp_path / "binary.json")
    with (tmp_path / "huge.json").open("wb") as file:
        file.truncate(MAX_JSON_BYTES + 1)
    with pytest.raises(SettingError, match="more than"):
        ResultSet.load(tmp_path / "huge.json")


def test_the_table_puts_the_codecs_of_a_point_together() -> None:
    second = replace(OURS, point="q 32", size=20_000)
    lines = text_table(ResultSet(CONDITIONS, (OURS, second, *RESULTS.results[1:]))).splitlines()
    assert re.split(" {2,}", lines[0]) == list(HEADINGS)
    assert [line.split()[:3] for line in lines[2:5]] == [
        ["q", "12", "ev-nvc-s"],
        ["q", "12", "x265"],
        [],
    ]
    assert "40.0  0.0069  30.00  40.00  41.00  32.62   0.9000" in lines[2]
    assert lines[5].startswith("q 32   ev-nvc-s")
