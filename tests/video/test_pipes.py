"""Real pipes between real processes."""

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from video_clips import make_clip, make_info, read, same_samples, write

WRITE = """
import sys
from nvczoo.video import create_video, open_video
with open_video(sys.argv[1]) as reader, create_video("-", reader.info) as writer:
    for picture in reader:
        writer.write(picture)
"""
READ = """
import sys
from nvczoo.video import create_video, open_video
with open_video("-") as reader, create_video(sys.argv[1], reader.info) as writer:
    for picture in reader:
        writer.write(picture)
"""
FAIL = """
from nvczoo.errors import VideoError
from nvczoo.video import open_video
try:
    with open_video("-") as reader:
        list(reader)
except VideoError as error:
    print(error)
"""


def python(code: str, *arguments: object) -> list[str]:
    return [sys.executable, "-c", code, *map(str, arguments)]


def test_y4m_flows_from_process_to_process(tmp_path: Path) -> None:
    clip = make_clip(67, 33, 40)
    source = write(tmp_path / "in.mkv", make_info(67, 33, Fraction(30000, 1001)), clip)

    with subprocess.Popen(python(WRITE, source), stdout=subprocess.PIPE) as writer:
        subprocess.run(python(READ, tmp_path / "out.y4m"), stdin=writer.stdout, check=True)
    reader, found = read(tmp_path / "out.y4m")

    assert writer.returncode == 0
    assert same_samples(found, clip)
    assert reader.info.frame_rate == Fraction(30000, 1001)


@pytest.mark.parametrize("ending", ["mkv", "webm"])
def test_containers_that_need_no_seeking_are_read_from_a_pipe(tmp_path: Path, ending: str) -> None:
    clip = make_clip(32, 32, 20)
    source = write(tmp_path / f"in.{ending}", make_info(32, 32), clip)

    subprocess.run(python(READ, tmp_path / "out.mkv"), input=source.read_bytes(), check=True, timeout=60)

    assert same_samples(read(tmp_path / "out.mkv")[1], clip)


@pytest.mark.parametrize("ending", ["y4m", "mkv"])
def test_a_pipe_that_breaks_off_is_reported(tmp_path: Path, ending: str) -> None:
    data = write(tmp_path / f"a.{ending}", make_info(64, 64), make_clip(64, 64, 30)).read_bytes()

    done = subprocess.run(
        python(FAIL), input=data[: len(data) * 2 // 3], stdout=subprocess.PIPE, check=True, timeout=60
    )

    assert b"standard input" in done.stdout
    assert b"ends inside picture" in done.stdout or b"cut off" in done.stdout


def test_a_reader_that_goes_away_is_reported(tmp_path: Path) -> None:
    source = write(tmp_path / "in.y4m", make_info(256, 256), make_clip(256, 256, 20))

    with subprocess.Popen(python(WRITE, source), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stderr is not None
        writer.stdout.read(10)
        writer.stdout.close()
        message = writer.stderr.read()

    assert b"VideoError: The program that was to read the video has ended" in message


def test_nothing_on_stdin_is_reported() -> None:
    done = subprocess.run(python(FAIL), input=b"", stdout=subprocess.PIPE, check=True, timeout=60)

    assert b"standard input is no video" in done.stdout
