"""The command in processes of its own: pipes, signals, and how much it imports."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny_model import MODEL

from nvczoo.cli.main import INTERRUPTED, READER_GONE, TERMINATED
from nvczoo.codec import Video
from nvczoo.video import VideoInfo, create_video

PATIENCE = 120  # seconds for a process on a busy machine
LONG = 400  # frames: enough that an interrupt comes in the middle, not at the end

LIGHT = """
import sys
from nvczoo.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
sys.exit("torch" in sys.modules or "numpy" in sys.modules or "av" in sys.modules)
"""


def finished(process: "subprocess.Popen[bytes]", given: bytes | None = None) -> tuple[bytes, str]:
    out, errors = process.communicate(given, timeout=PATIENCE)
    assert process.returncode == 0, errors.decode()
    return out, errors.decode()


@pytest.fixture
def long_clip(tiny_video: Video, tmp_path: Path) -> Path:
    path = tmp_path / "long.y4m"
    info = VideoInfo(64, 48, tiny_video.info.frame_rate, tiny_video.info.time_base)
    with create_video(path, info) as writer:
        for _ in range(LONG // len(tiny_video)):
            for picture in tiny_video:
                writer.write(picture)
    return path


def test_video_goes_through_pipes_from_end_to_end(start, stream: Path, tmp_path: Path) -> None:
    clip = stream.with_suffix(".y4m").read_bytes()
    encoder = start("encode", "-i", "-", "-o", "-", "-m", MODEL, "-q", "40", stdin=subprocess.PIPE)
    coded, errors = finished(encoder, clip)
    assert errors == ""
    decoder = start("decode", "-i", "-", "-o", "-", stdin=subprocess.PIPE)
    decoded, errors = finished(decoder, coded)
    assert errors == ""
    finished(start("decode", "-i", stream, "-o", tmp_path / "file.y4m"))
    assert decoded == (tmp_path / "file.y4m").read_bytes()
    assert (decoded[:20], len(decoded)) == (clip[:20], len(clip))


@pytest.mark.parametrize(
    ("sent", "code", "said"),
    [(signal.SIGINT, INTERRUPTED, b"nvczoo: interrupted\n"), (signal.SIGTERM, TERMINATED, b"")],
)
def test_a_stopped_encode_leaves_nothing_behind(
    start, long_clip: Path, tmp_path: Path, sent: signal.Signals, code: int, said: bytes
) -> None:
    target = tmp_path / "out" / "long.nvc"
    target.parent.mkdir()
    process = start("encode", "-i", long_clip, "-o", target, "-m", MODEL)
    deadline = time.monotonic() + PATIENCE
    while not any(one.stat().st_size for one in target.parent.iterdir()):  # until it writes
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.send_signal(sent)
    _, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, errors) == (code, said)
    assert list(target.parent.iterdir()) == []


def test_a_reader_that_goes_away_is_not_complained_about(start, stream: Path) -> None:
    process = start("decode", "-i", stream, "-o", "-")
    assert process.stdout is not None
    process.stdout.close()  # as head does when it has seen enough
    process.stdout = None
    _, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, errors) == (READER_GONE, b"")


@pytest.mark.parametrize(
    "argv", [[], ["--version"], ["encode", "--help"], ["models"], ["parts"], ["decode"]], ids=" ".join
)
def test_what_computes_nothing_imports_nothing_heavy(argv: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", LIGHT, *argv], capture_output=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr.decode()
