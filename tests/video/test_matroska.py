import io
from pathlib import Path

import pytest
from video_clips import make_clip, make_info, read, write

from nvczoo.errors import VideoError
from nvczoo.video.matroska import HEAD_BYTES, stated_size


@pytest.fixture
def data(tmp_path: Path) -> bytes:
    return write(tmp_path / "a.mkv", make_info(32, 32), make_clip(32, 32, 20)).read_bytes()


def test_the_stated_size_is_the_size_of_the_file(data: bytes) -> None:
    assert stated_size(data[:HEAD_BYTES]) == len(data)


@pytest.mark.parametrize("share", [0.99, 0.6, 0.3])
def test_a_lost_end_is_reported(data: bytes, share: float) -> None:
    with pytest.raises(VideoError, match="cut off"):
        read(io.BytesIO(data[: int(len(data) * share)]))


@pytest.mark.parametrize("head", [b"", b"\x1a\x45\xdf\xa3", b"\x1a\x45\xdf\xa3\x00", b"RIFF" + bytes(40)])
def test_other_files_state_no_size(head: bytes) -> None:
    assert stated_size(head) is None


def test_an_unknown_size_is_no_size() -> None:
    unknown = bytes.fromhex("1A45DFA3 80 18538067 01FFFFFFFFFFFFFF")

    assert stated_size(unknown) is None
    assert stated_size(unknown[:-8] + bytes.fromhex("0100000000000010")) == 17 + 16
