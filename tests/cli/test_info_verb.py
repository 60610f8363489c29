"""``nvczoo info``; not ``test_info``, which is the name of another room's."""

import json
from pathlib import Path

import pytest
from tiny_model import MODEL

from nvczoo.cli.main import main


def test_it_tells_what_a_stream_holds(stream: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(stream)]) == 0
    printed = capsys.readouterr().out
    for text in (
        f"{MODEL} (identity ",
        "64x48",
        "4 (1 I, 3 P)",
        "0.160 s at 25 frames/s",
        "symbols, pictures",
        "float32, bound to the encoder's environment; encoded with nvczoo",
    ):
        assert text in printed
    assert f"{stream.stat().st_size} bytes: frames " in printed


def test_json_holds_the_same_numbers(stream: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(stream), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["model"], found["width"], found["height"], found["frame_rate"]) == (MODEL, 64, 48, "25")
    assert found["frames_by_type"] == {"I": 1, "P": 3}
    assert found["bytes"] == stream.stat().st_size
    assert found["bit_rate"] == pytest.approx(found["bytes"] * 8 / found["duration"])
    assert found["gop"]["intra_period"] == 8
    assert "frame_table" not in found


def test_frames_are_listed_when_asked(stream: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(stream), "--json", "--frames"]) == 0
    table = json.loads(capsys.readouterr().out)["frame_table"]
    assert [(one["frame"], one["type"]) for one in table] == list(enumerate("IPPP"))
    assert table[0]["q"] > table[1]["q"] == 40.0 > table[3]["q"]  # what they are worth to those that follow
    assert main(["info", str(stream), "--frames"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[-4:]] == [[str(n), kind] for n, kind in enumerate("IPPP")]
    assert [int(line.split()[-1]) for line in lines[-4:]] == [one["offset"] for one in table]


def test_a_damaged_stream_is_an_error_that_names_the_packet(
    stream: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = tmp_path / "cut.nvc"
    damaged.write_bytes(stream.read_bytes()[:-40])
    assert main(["info", str(damaged)]) == 1
    assert "nvczoo: error: Packet " in capsys.readouterr().err
