"""Which ffmpeg is used; by stand-ins, for what is installed differs."""

import sys
from pathlib import Path

import pytest

from nvczoo.errors import SettingError
from nvczoo.evaluate.ffmpeg import find_ffmpeg, version_of

STAND_IN = """#!{python}
import sys
told = {{"-filters": "{filters}", "-version": "ffmpeg version 9.0 Copyright (c)\\nbuilt"}}
print(told.get(sys.argv[-1], ""))
"""


def program(folder: Path, filters: str = "") -> str:
    folder.mkdir(exist_ok=True)
    path = folder / "ffmpeg"
    path.write_text(STAND_IN.format(python=sys.executable, filters=filters))
    path.chmod(0o755)
    return str(path)


class Package:
    """Stands for imageio_ffmpeg."""

    def __init__(self, path: str) -> None:
        self.get_ffmpeg_exe = lambda: path


def test_the_ffmpeg_on_the_path_is_used_if_it_can_else_that_of_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, packaged = program(tmp_path / "own"), program(tmp_path / "packaged", ".. libvmaf VV->V")
    monkeypatch.setenv("PATH", str(tmp_path / "own"))
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", Package(packaged))
    assert find_ffmpeg("libvmaf") == packaged
    program(tmp_path / "own", ".. libvmaf VV->V")
    assert find_ffmpeg("libvmaf") == own
    assert version_of(own) == "ffmpeg version 9.0"


def test_what_is_missing_and_where_to_get_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SettingError, match=r"there is no 'ffmpeg': .*nvczoo\[ffmpeg\]"):
        find_ffmpeg("libvmaf")
    own = program(tmp_path)
    with pytest.raises(SettingError, match="built without it"):
        find_ffmpeg("libvvenc", own)
    (tmp_path / "ffmpeg").write_text("#!/nowhere")
    with pytest.raises(SettingError, match="cannot be run"):
        find_ffmpeg("libvvenc", own)
