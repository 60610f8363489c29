import argparse
import json
from pathlib import Path

import pytest

from nvczoo.cli.evaluate import matrix_of
from nvczoo.cli.main import main
from nvczoo.codec import Video
from nvczoo.evaluate.records import Record


def run(*arguments: object) -> int:
    return main(list(map(str, arguments)))


def test_eval_writes_a_file_per_job_and_skips_what_is_done(
    tiny_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = (
        "eval",
        "-d",
        tiny_clip,
        "--anchor",
        "x264-ultrafast@24,36",
        "--frames",
        4,
        "-o",
        tmp_path / "r",
    )
    assert run(*command) == 0
    told = capsys.readouterr().err
    assert "[2/2] clip, x264-ultrafast, crf 36" in told
    files = sorted((tmp_path / "r" / "clip" / "x264-ultrafast").glob("*.json"))
    assert [Record.load(file).result.point for file in files] == ["crf 24", "crf 36"]
    compressai = json.loads((tmp_path / "r" / "compressai" / "clip-x264-ultrafast.json").read_text())
    assert len(compressai["results"]["bpp"]) == 2
    before = [file.stat().st_mtime_ns for file in files]
    assert run(*command) == 0
    assert "2 of 2 jobs are done already" in capsys.readouterr().err
    assert [file.stat().st_mtime_ns for file in files] == before


def test_the_last_shard_exports_for_all(tiny_clip: Path, tmp_path: Path) -> None:
    command = ("eval", "-d", tiny_clip, "--anchor", "x264-ultrafast@24,36", "--frames", 2, "-o", tmp_path)
    assert run(*command, "--shard", "2/2", "--quiet") == 0
    assert not (tmp_path / "compressai").exists()
    assert run(*command, "--shard", "1/2", "--quiet") == 0
    table = json.loads((tmp_path / "compressai" / "clip-x264-ultrafast.json").read_text())
    assert table["results"]["bpp"] == sorted(table["results"]["bpp"])
    assert len(table["results"]["bpp"]) == 2


def test_rgb_and_precision_are_as_asked(tiny_clip: Path, tmp_path: Path) -> None:
    command = ("eval", "-d", tiny_clip, "-m", "ev-nvc-s", "-q", 20, "--frames", 1, "--no-stills", "--quiet")
    assert run(*command, "-o", tmp_path / "plain") == 0
    assert run(*command, "-o", tmp_path / "rgb", "--rgb", "bt601-limited", "--precision", "bfloat16") == 0
    plain, rgb = (
        Record.load(next((tmp_path / name / "clip").rglob("*.json"))).result for name in ("plain", "rgb")
    )
    assert plain.psnr_rgb is None  # the card of ev-nvc-s measures 4:2:0 as it is
    assert rgb.psnr_rgb is not None
    assert "precision=bfloat16" in rgb.settings


@pytest.mark.parametrize(
    ("models", "asked", "expected"),
    [
        (["ev-nvc-s"], None, None),
        (["ev-nvc-s", "dcvc-dc"], None, "bt709-full"),
        (["dcvc-dc"], "bt601-limited", "bt601-limited"),
        ([], "bt2020-full", "bt2020-full"),
    ],
)
def test_cards_say_how_rgb_is_made_unless_asked(
    models: list[str], asked: str | None, expected: str | None
) -> None:
    assert matrix_of(argparse.Namespace(models=models, rgb=asked)) == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-d", "no.mkv", "--anchor", "x264"), "no file 'no.mkv'"),
        (("-d", "uvh", "--anchor", "x264"), "uvg"),
        ((), "nothing to measure"),
        (("--anchor", "x264", "--frames", "-1"), "--frames"),
        (("--anchor", "x264", "-g", "0"), "--intra-period"),
        (("--anchor", "x264", "--rgb", "bt709"), "bt709-full"),
        (("--anchor", "x264", "--shard", "3/2"), "shard"),
        (("--anchor", "x264", "--engine", "slurm"), "known are local, ray"),
        (("-m", "ev-nvc-t"), "ev-nvc-s"),
    ],
)
def test_what_cannot_be_run_is_told_before_it_starts(
    tiny_clip: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    message: str,
) -> None:
    assert run("eval", "-d", tiny_clip, "-o", tmp_path / "r", *arguments) == 1
    assert message in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.json"))


def test_datasets_are_listed_and_checked(
    tiny_video: Video, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("datasets") == 0
    assert "mcl-jcv" in capsys.readouterr().out
    (tmp_path / "mine.toml").write_text(
        '[[sequence]]\nfile = "clip.yuv"\nsize = "64x48"\nrate = "25"\nframes = 4\n'
    )
    tiny_video.save(tmp_path / "clip.yuv")
    assert run("datasets", "check", tmp_path, tmp_path / "mine.toml") == 0
    assert "its length is right" in capsys.readouterr().out
    (tmp_path / "clip.yuv").write_bytes(b"short")
    assert run("datasets", "check", tmp_path, tmp_path / "mine.toml") == 1
    captured = capsys.readouterr()
    assert "wrong" in captured.out
    assert "1 of 1 files" in captured.err
    assert run("datasets", "check", tmp_path) == 1
    assert run("datasets", "check", tmp_path / "nowhere") == 1


@pytest.mark.slow
def test_a_swapped_model_is_decoded_in_a_process_of_its_own(tiny_clip: Path, tmp_path: Path) -> None:
    swap = 'motion_estimator={name = "block-matching"}'
    command = ("eval", "-m", "ev-nvc-s", "-q", 20, "--part", swap, "--part", "gop.long_term=2")
    assert run(*command, "-d", tiny_clip, "--real-bitstream", "-o", tmp_path) == 0
    (file,) = (tmp_path / "clip").rglob("*.json")
    record = Record.load(file)
    assert "in a new process" in record.proof
    assert "long_term=2" in record.result.settings
