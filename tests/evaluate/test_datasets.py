from dataclasses import replace
from pathlib import Path

import pytest

from nvczoo.codec import Video
from nvczoo.errors import SettingError, VideoError
from nvczoo.evaluate import datasets
from nvczoo.evaluate.datasets import Dataset, check
from nvczoo.evaluate.sequences import sequence_of, sha256_of

LIST = """
name = "mine"
licence = "CC0"
[[sequence]]
file = "clip.yuv"
group = "small"
size = "64x48"
rate = "25"
frames = 4
"""


@pytest.fixture
def folder(tiny_video: Video, tmp_path: Path) -> Path:
    """Return a folder with a list and its raw video."""
    (tmp_path / "mine.toml").write_text(LIST)
    tiny_video.save(tmp_path / "clip.yuv")
    return tmp_path


def test_a_dataset_tells_how_raw_video_is_read(folder: Path, tiny_video: Video) -> None:
    dataset = Dataset.read(folder / "mine.toml")
    (sequence,) = dataset.sequences
    assert (dataset.name, dataset.licence, sequence.name, sequence.group) == ("mine", "CC0", "clip", "small")
    video = sequence.read(2)
    assert len(video) == 2
    assert video.info.frame_rate == 25
    assert video[0].y.equal(tiny_video[0].y)


def test_a_file_without_a_listed_hash_is_checked_by_its_length(folder: Path) -> None:
    (found,) = check(Dataset.read(folder / "mine.toml"))
    assert (found.state, found.usable) == ("not checked", True)
    assert sha256_of(folder / "clip.yuv") in found.detail
    with (folder / "clip.yuv").open("ab") as file:
        file.write(b"more")
    (found,) = check(Dataset.read(folder / "mine.toml"))
    assert (found.state, found.usable) == ("wrong", False)


def test_a_changed_or_missing_file_is_found(folder: Path) -> None:
    dataset = Dataset.read(folder / "mine.toml")
    right = replace(dataset.sequences[0], sha256=sha256_of(folder / "clip.yuv"))
    (found,) = check(replace(dataset, sequences=(right,)))
    assert found.state == "right"
    data = bytearray((folder / "clip.yuv").read_bytes())
    data[100] ^= 1
    (folder / "clip.yuv").write_bytes(data)
    (found,) = check(replace(dataset, sequences=(right,)))
    assert found.state == "wrong"
    (folder / "clip.yuv").unlink()
    (found,) = check(dataset)
    assert found.state == "missing"
    with pytest.raises(VideoError):
        _ = dataset.sequences[0].identity


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("sequence = []", "at least one"),
        ("[[sequence]]\nname = 'x'", "no 'file'"),
        ("[[sequence]]\nfile = 'x.yuv'\nsize = '64x48'", "rate"),
        ("[[sequence]]\nfile = 'x.yuv'\nfps = 3", "unknown key 'fps'"),
        ("[[sequence]]\nfile = 'x.mkv'\nsha256 = 'abc'", "no SHA-256"),
        ("[[sequence]]\nfile = 'x.mkv'\nframes = 0", "frames"),
        ("[[sequence]]\nfile = 'x.mkv'\n[[sequence]]\nfile = 'a/x.mkv'", "one name"),
        ("[[", "cannot be read"),
    ],
)
def test_a_list_that_is_wrong_is_refused_with_the_place(tmp_path: Path, wrong: str, message: str) -> None:
    (tmp_path / "wrong.toml").write_text(wrong)
    with pytest.raises(SettingError, match=message):
        Dataset.read(tmp_path / "wrong.toml")


@pytest.mark.parametrize("name", datasets.names())
def test_the_lists_that_ship_are_sound(name: str) -> None:
    dataset = datasets.find(name)
    assert dataset.summary
    assert dataset.licence
    assert dataset.source
    for sequence in dataset.sequences:
        assert sequence.group
        assert sequence.frames
        assert sequence.sha256 or sequence.size, "neither hash nor form: it could not be checked"


def test_the_usual_test_sets_are_there() -> None:
    counts = {name: len(datasets.find(name).sequences) for name in datasets.names()}
    assert counts == {
        "hevc-b": 5,
        "hevc-c": 4,
        "hevc-d": 4,
        "hevc-e": 3,
        "mcl-jcv": 30,
        "nvczoo-eval": 12,
        "ustc-td": 10,
        "uvg": 7,
    }


def test_an_unknown_dataset_is_an_error_that_names_the_nearest() -> None:
    with pytest.raises(SettingError, match="hevc-b"):
        datasets.find("hevc-bb")


def test_raw_video_alone_cannot_be_measured() -> None:
    with pytest.raises(SettingError, match="TOML"):
        sequence_of(Path("clip.yuv"))
    assert sequence_of(Path("a/clip.mkv")).name == "clip"


def test_the_clips_of_the_acceptance_tests_are_those_listed(shared_data: Path) -> None:
    found = {
        one.sequence.name: one.state for one in check(datasets.find("nvczoo-eval", shared_data / "eval"))
    }
    assert set(found.values()) == {"right"}
