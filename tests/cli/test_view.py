from pathlib import Path

import pytest

from nvczoo.cli.main import main


@pytest.mark.usefixtures("tiny")
def test_a_stream_becomes_a_page(stream: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.html"
    assert main(["view", str(stream), "-o", str(page), "--frames", "3"]) == 0
    text = page.read_text(encoding="utf-8")
    assert text.count("<img ") == 8  # three frames, the motion of two, where the bits of each went
    assert "4 (1 I, 3 P)" in text
    assert main(["view", str(stream), "-o", str(page)]) == 1
    assert "exists already" in capsys.readouterr().err


@pytest.mark.usefixtures("tiny")
def test_a_damaged_stream_leaves_no_page(
    stream: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cut.nvc").write_bytes(stream.read_bytes()[:-40])
    page = tmp_path / "page.html"
    assert main(["view", str(tmp_path / "cut.nvc"), "-o", str(page)]) == 1
    assert "nvczoo: error: " in capsys.readouterr().err
    assert not page.exists()
