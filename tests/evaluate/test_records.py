import json
from dataclasses import replace
from pathlib import Path

import pytest

from nvczoo.errors import SettingError
from nvczoo.evaluate.compressai_json import as_json, export
from nvczoo.evaluate.records import FrameRecord, Record
from nvczoo.evaluate.results import Conditions, Result

CONDITIONS = Conditions("a.mp4", 640, 360, 50, "25", 32, 2, "cpu", (("torch", "2"),))
RESULT = Result("x265-medium", "crf 30", "preset=medium", 10_000, 30.0, 40.0, 41.0, 32.625, None, 5.0, 9.0)
RECORD = Record(
    "0123", "a", "class", "id", "proved", CONDITIONS, RESULT, (FrameRecord(800, True, 32.6, 30.0),), 31
)


def test_records_come_back_from_json(tmp_path: Path) -> None:
    assert Record.from_json(RECORD.to_json()) == RECORD
    RECORD.save(tmp_path / "a" / "b.json")
    assert Record.load(tmp_path / "a" / "b.json") == RECORD


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"kind": "nvczoo evaluation", "format": 9}', "[" * 100_000]
)
def test_what_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(SettingError):
        Record.from_json(text)


def test_compressai_has_a_list_for_each_metric_by_rising_rate(tmp_path: Path) -> None:
    larger = replace(RECORD, result=replace(RESULT, size=20_000, psnr_y=35.0))
    table = json.loads(as_json([larger, RECORD]))
    assert table["name"] == "x265-medium"
    assert table["results"]["bpp"] == sorted(table["results"]["bpp"])
    assert table["results"]["psnr-y"] == [30.0, 35.0]
    assert "ms-ssim-y" not in table["results"]  # the pictures are too small for it
    assert "6:1:1" in table["description"]
    (path,) = export([larger, RECORD], tmp_path)
    assert json.loads(path.read_text()) == table
