"""``nvczoo strip``, and ``--layers`` of the other verbs, with SEVC, narrow and untrained."""

import json
from pathlib import Path

import pytest
import torch
from narrow_models import narrow_folder

from nvczoo.cli.main import main
from nvczoo.video import open_video


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(narrow_folder("sevc", tmp_path_factory.mktemp("models") / "narrow"))


@pytest.fixture(scope="module")
def layered(model: str, tiny_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a stream of three frames in two layers; to be read only."""
    path = tmp_path_factory.mktemp("layered") / "clip.nvc"
    assert encode(tiny_clip, path, model) == 0
    return path


def encode(clip: Path, target: Path, model: str, *options: str) -> int:
    arguments = ["-i", str(clip), "-o", str(target), "-m", model, "--frames", "3", "--picture-checksums"]
    return main(["encode", *arguments, *options])


def decode(source: Path, target: Path, model: str, *options: str) -> list[torch.Tensor]:
    assert main(["decode", "-i", str(source), "-o", str(target), "-m", model, *options]) == 0
    with open_video(target) as reader:
        return [torch.cat([plane.flatten() for plane in picture.planes]) for picture in reader]


def layers_of(stream: Path, capsys: pytest.CaptureFixture[str]) -> list[tuple[object, ...]]:
    assert main(["info", str(stream), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["layers"]
    return [(one["name"], one["width"], one["height"], one["present"]) for one in found]


def test_a_stream_gives_the_small_video_and_so_does_what_is_left_of_it(
    layered: Path, model: str, tiny_clip: Path, tmp_path: Path
) -> None:
    whole = decode(layered, tmp_path / "whole.y4m", model)
    small = decode(layered, tmp_path / "small.y4m", model, "--layers", "base")
    assert ([len(one) for one in whole], [len(one) for one in small]) == (
        [64 * 48 * 3 // 2] * 3,
        [16 * 12 * 3 // 2] * 3,
    )
    stripped, fast = tmp_path / "stripped.nvc", tmp_path / "fast.nvc"
    assert main(["strip", str(layered), "-o", str(stripped), "--layers", "base"]) == 0
    assert encode(tiny_clip, fast, model, "--layers", "base") == 0
    assert stripped.read_bytes() == fast.read_bytes()
    again = decode(stripped, tmp_path / "again.y4m", model)
    assert all(map(torch.equal, small, again))


def test_every_checksum_of_a_stripped_stream_is_right(
    layered: Path, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stripped = tmp_path / "stripped.nvc"
    assert main(["strip", str(layered), "-o", str(stripped)]) == 0
    for stream, symbols, packets in ((layered, 5, 9), (stripped, 3, 7)):
        assert main(["verify", str(stream), "-m", model]) == 0
        lines = [line.split() for line in capsys.readouterr().out.splitlines()]
        assert {line[0]: line[-1] for line in lines[1:4]} == {
            "packets": str(packets),
            "frames": "3",
            "symbol": str(symbols),
        }


def test_info_tells_which_layers_there_are(
    layered: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stripped = tmp_path / "stripped.nvc"
    assert main(["strip", str(layered), "-o", str(stripped)]) == 0
    assert capsys.readouterr().err == ""
    assert layers_of(layered, capsys) == [("base", 16, 12, True), ("enhancement", 64, 48, True)]
    assert layers_of(stripped, capsys) == [("base", 16, 12, True), ("enhancement", 64, 48, False)]
    assert main(["info", str(stripped)]) == 0
    assert "; enhancement 64x48, not in this stream" in capsys.readouterr().out


def test_what_has_one_layer_is_not_stripped(
    stream: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "small.nvc"
    assert main(["strip", str(stream), "-o", str(target)]) == 1
    assert "has one layer only" in capsys.readouterr().err
    assert not target.exists()
    assert main(["info", str(stream)]) == 0
    assert "base 64x48, " in capsys.readouterr().out


def test_a_psnr_is_not_asked_of_smaller_pictures(
    model: str, tiny_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--layers", "base", "--psnr", "30")
    assert encode(tiny_clip, tmp_path / "clip.nvc", model, *options) == 1
    assert "are smaller" in capsys.readouterr().err
