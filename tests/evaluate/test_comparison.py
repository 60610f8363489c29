import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import bjontegaard
import pytest

from nvczoo.errors import SettingError
from nvczoo.evaluate.comparison import ALL, Comparison, compare
from nvczoo.evaluate.comparison_report import comparison_report
from nvczoo.evaluate.comparison_tables import as_json, markdown, points_csv
from nvczoo.evaluate.compressai_json import export
from nvczoo.evaluate.figures import save_figures
from nvczoo.evaluate.published import read_published
from nvczoo.evaluate.records import FrameRecord, Record
from nvczoo.evaluate.results import Conditions, Result
from nvczoo.evaluate.series import load_series
from nvczoo.evaluate.stills import still_path
from nvczoo.video.png import png

CONDITIONS = Conditions("a.mkv", 64, 48, 4, "25", 2, 1, "cpu", (("torch", "2"),))
ANCHOR = ((100, 30.0), (180, 33.1), (330, 36.2), (600, 39.0))  # bytes, dB
BETTER = ((90, 30.2), (160, 33.4), (300, 36.4), (520, 39.1))
ELSEWHERE = ((10, 10.0), (20, 12.0), (30, 14.0), (40, 16.0))


def record(codec: str, sequence: str, number: int, size: int, quality: float) -> Record:
    frames = tuple(
        FrameRecord(2 * size, at == 0, quality, quality, {"frame.latent": 1.9 * size}) for at in range(4)
    )
    result = Result(codec, f"q {number}", "<settings>", size, quality, 40.0, 41.0, quality, None, 5.0, 9.0)
    key = f"{codec}{sequence}{number}"
    return Record(
        key, sequence, "small", "id", "proved", CONDITIONS, result, frames, 1, ("original", "decoded")
    )


def write(folder: Path, codec: str, sequence: str, points: Sequence[tuple[int, float]]) -> list[Record]:
    import torch

    records = [record(codec, sequence, number, *point) for number, point in enumerate(points)]
    for number, one in enumerate(records):
        path = folder / sequence / codec / f"{number}.json"
        one.save(path)
        for kind, shade in (("original", 100), ("decoded", 90 + number)):
            picture = torch.full((3, 48, 64), shade, dtype=torch.uint8)
            still_path(path, kind, 1).write_bytes(png(picture))
    return records


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    write(folder, "x265-medium", "a", ANCHOR)
    write(folder, "ours", "a", BETTER)
    write(folder, "x265-medium", "b", ANCHOR)
    write(folder, "ours", "b", ELSEWHERE)
    return folder


@pytest.fixture
def comparison(results: Path) -> Comparison:
    return compare(load_series([results]), "x265-medium")


def test_bd_rates_are_those_of_the_reference_package(results: Path) -> None:
    sides = [[list(map(float, side)) for side in zip(*points, strict=True)] for points in (ANCHOR, BETTER)]
    for fit in ("cubic", "pchip", "akima"):
        cell = compare(load_series([results]), "x265-medium", fit=fit).cells[0]  # pyright: ignore
        expected = bjontegaard.bd_rate(
            *sides[0], *sides[1], method=fit, require_matching_points=False, min_overlap=0
        )
        assert cell.bd is not None
        assert cell.bd.percent == pytest.approx(expected, rel=1e-6)


def test_curves_that_hardly_overlap_have_no_bd_rate_but_a_reason(comparison: Comparison) -> None:
    first, second = comparison.cells
    assert first.bd is not None
    assert second.bd is None
    assert "overlap by 0%" in second.reason
    (small, mean) = comparison.means
    assert (small.group, mean.group) == ("small", ALL)
    assert (mean.count, mean.total) == (1, 2)
    assert mean.percent == first.bd.percent


def test_the_table_names_fit_overlap_and_what_is_missing(comparison: Comparison) -> None:
    text = markdown(comparison)
    assert "BD-rate against x265-medium by PSNR 6:1:1, fit pchip" in text
    assert "| b | none |" in text
    assert "(1 of 2)" in text
    assert "overlap by 0%" in text
    assert "6:1:1" in text.partition("## Conditions")[2]
    rows = list(csv.DictReader(points_csv(comparison).splitlines()))
    assert len(rows) == 16
    assert rows[0]["settings"] == "<settings>"
    table = json.loads(as_json(comparison))
    assert table["bd_rate"][0]["overlap"] > 0.9
    assert table["fit"] == "pchip"


def test_results_under_two_conditions_are_not_compared(results: Path) -> None:
    other = record("other", "a", 0, *ANCHOR[0])
    replace(other, conditions=replace(CONDITIONS, intra_period=32)).save(results / "a" / "other" / "0.json")
    with pytest.raises(SettingError, match=r"intra_period: 2 and 32|intra_period: 32 and 2"):
        load_series([results])


def test_two_answers_for_one_point_are_refused(results: Path) -> None:
    replace(record("ours", "a", 0, 95, 30.0), key="other").save(results / "a" / "ours" / "later.json")
    with pytest.raises(SettingError, match="two answers"):
        load_series([results])


def test_an_anchor_or_metric_that_is_not_there_is_named(results: Path) -> None:
    series = load_series([results])
    with pytest.raises(SettingError, match="x265-medium"):
        compare(series, "x265")
    with pytest.raises(SettingError, match="psnr_611"):
        compare(series, "x265-medium", "psnr")
    assert "has no VMAF" in compare(series, "x265-medium", "vmaf").cells[0].reason


def test_published_figures_of_the_dcvc_family_are_an_anchor(results: Path, tmp_path: Path) -> None:
    rates = {
        str(number): {"ave_all_frame_bpp": 8 * size / (4 * 64 * 48), "ave_all_frame_psnr": quality}
        | {"ave_all_frame_psnr_y": quality, "ave_all_frame_psnr_u": 40.0, "ave_all_frame_psnr_v": 40.0}
        for number, (size, quality) in enumerate(ANCHOR)
    }
    path = tmp_path / "VTM-17.0.json"
    path.write_text(json.dumps({"HEVC_B": {"a_64x48_25.yuv": rates}}))
    found = compare(load_series([results, path]), "VTM-17.0")
    cells = {(cell.codec, cell.sequence): cell for cell in found.cells}
    same = cells["x265-medium", "a"].bd
    assert same is not None
    assert same.percent == pytest.approx(0, abs=1e-9)
    assert cells["ours", "b"].reason == "VTM-17.0 was not measured"
    assert "VTM-17.0: published figures, not measured here" in markdown(found)


def test_what_is_exported_for_compressai_can_be_read_back(results: Path, tmp_path: Path) -> None:
    (path,) = export([record("ours", "a", at, *point) for at, point in enumerate(BETTER)], tmp_path)
    (series,) = read_published(path)
    (own,) = (one for one in load_series([results]) if (one.codec, one.sequence) == ("ours", "a"))
    assert series.curve("psnr_611") == own.curve("psnr_611")
    assert series.sequence == "a"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"a": {"b": {"0": {}}}}', '{"results": 3}', "[" * 100_000])
def test_files_that_hold_no_figures_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(SettingError):
        read_published(tmp_path / "x.json")


def test_our_own_table_of_points_is_an_anchor_elsewhere(results: Path, tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text(points_csv(compare(load_series([results]), "x265-medium")))
    back = {(one.codec, one.sequence): one for one in read_published(tmp_path / "points.csv")}
    for own in load_series([results]):
        again = back[own.codec, own.sequence]
        assert again.curve("psnr_611") == own.curve("psnr_611")
        assert (again.group, again.published) == (own.group, True)


def test_a_table_by_hand_is_read(tmp_path: Path) -> None:
    path = tmp_path / "paper.csv"
    path.write_text("\ufeffsequence,codec,bpp,psnr_611,note\na,VTM,0.2,33.5,x\na,VTM,0.1,31.0,\n")
    (series,) = read_published(path)
    assert [(point.name, point.bpp) for point in series.points] == [("line 3", 0.1), ("line 2", 0.2)]
    assert [point.qualities["psnr_611"] for point in series.points] == [31.0, 33.5]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column 'sequence'"),
        ("sequence,codec,rate\n", "no column 'bpp'"),
        ("sequence,codec,bpp,psnr_611\n", "holds no results"),
        ("sequence,codec,bpp,psnr_611\na,VTM,0.1,\n", "Line 2 is no point"),
        ("sequence,codec,bpp,psnr_611\na,VTM,0.1,30\na,,0.1,30\n", "Line 3 is no point"),
        ("sequence,codec,bpp,psnr_611\na,VTM,nan,30\n", "Line 2 is no point"),
        ("sequence,codec,bpp,psnr_611\na\n", "Line 2 is no point"),
        ("sequence,codec,bpp,psnr_611\na,VTM,x,30\n", "could not convert"),
    ],
)
def test_a_table_that_lacks_something_says_where(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(SettingError, match=message):
        read_published(tmp_path / "x.csv")


def test_an_empty_folder_holds_no_results(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="nvczoo eval"):
        load_series([tmp_path])


def test_figures_are_drawn_for_each_sequence(comparison: Comparison, tmp_path: Path) -> None:
    paths = save_figures(comparison, tmp_path)
    assert sorted(path.name for path in paths) == ["rd-a.pdf", "rd-a.png", "rd-b.pdf", "rd-b.png"]
    assert all(path.stat().st_size > 5000 for path in paths)


def test_pictures_beyond_the_limit_are_left_out_and_counted(comparison: Comparison) -> None:
    assert "left out" not in comparison_report(comparison, "Title")
    page = comparison_report(comparison, "Title", megabytes=0.0003)
    assert "pictures were left out" in page
    assert "data:image/png" in page
