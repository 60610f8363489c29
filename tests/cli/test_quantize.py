"""``nvczoo quantize``."""

from pathlib import Path

import pytest
from tiny_model import MODEL

from nvczoo.cli.main import main
from nvczoo.codec import stream_info

pytestmark = pytest.mark.usefixtures("tiny")


def test_a_model_becomes_portable_with_a_report_and_its_streams_say_so(
    tiny_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, stream = tmp_path / "portable", tmp_path / "clip.nvc"
    assert main(["quantize", MODEL, "-d", str(tiny_clip.parent), "-o", str(folder), "--frames", "3"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].split() == ["layer", "kind", "weights", "bound", "parts", "dB", "clipped"]
    assert any(line.split()[:2] == ["inter.synthesis.grow.0.0", "Conv2d"] for line in printed)
    assert "numbers were clipped" in printed[-2]
    assert printed[-1] == f"local-dir:{folder}"

    model = ["-m", printed[-1]]
    assert main(["encode", "-i", str(tiny_clip), "-o", str(stream), "--picture-checksums", *model]) == 0
    assert stream_info(stream).header.arithmetic.profile == "portable"
    assert main(["verify", str(stream), *model]) == 0
    assert "picture checksums right" in capsys.readouterr().out

    again = ["encode", "-i", str(tiny_clip), "-o", str(tmp_path / "again.nvc")]
    assert main([*again, *model, "--arithmetic", "float"]) == 1
    assert f"it is made of {MODEL!r}, so encode by -m {MODEL}" in capsys.readouterr().err
    assert main([*again, "-m", MODEL, "--arithmetic", "portable"]) == 1
    assert f"'nvczoo quantize {MODEL} " in capsys.readouterr().err
    assert main([*again, *model, "--arithmetic", "portable"]) == 0
    assert main(["info", str(tmp_path / "again.nvc")]) == 0
    assert "portable, decodes anywhere" in capsys.readouterr().out


def test_a_folder_without_videos_and_bits_out_of_range_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["quantize", MODEL, "-d", str(tmp_path), "-o", str(tmp_path / "x")]
    assert main(arguments) == 1
    assert "no video in" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([*arguments, "--weight-bits", "17"])
    assert "2 to 16" in capsys.readouterr().err
