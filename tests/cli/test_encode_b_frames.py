"""``--gop FRAMES`` with BRHVC, narrow and untrained."""

from pathlib import Path

import pytest
from narrow_models import narrow_folder

from nvczoo.cli.main import main
from nvczoo.codec import stream_info


def test_the_frames_per_group_can_be_chosen(
    tiny_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, target = str(narrow_folder("brhvc", tmp_path / "narrow")), tmp_path / "clip.nvc"
    arguments = ["encode", "-i", str(tiny_clip), "-o", str(target), "-m", model, "--gop", "2"]
    assert main([*arguments, "-g", "4", "--frames", "3"]) == 0
    info = stream_info(target)
    assert dict(info.header.gop.options) == {"size": 2, "intra_period": 4}
    assert [(frame.frame, frame.kind) for frame in info.frames] == [(0, "I"), (2, "P"), (1, "B")]
    assert main(["info", str(target)]) == 0
    assert "1 frame, 0.040 s" in capsys.readouterr().out
    assert main([*arguments, "-y", "--gop", "12"]) == 1
    assert "is no multiple of size=12" in capsys.readouterr().err
