import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from nvczoo.codec import Video
from nvczoo.errors import SettingError, VideoError
from nvczoo.train.clips import Window, decode_clip
from nvczoo.train.cuts import CutFinder
from nvczoo.train.sources import SEPTUPLETS, find, is_held_out, load_data, source_of
from nvczoo.video.png import png

WHOLE = Window(0, 4, 1, 0, 0, 48)


def save_pictures(folder: Path, count: int, side: int = 48, name: str = "im{}.png") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, count + 1):
        picture = torch.full((3, side, side), 100 + number).byte()
        (folder / name.format(number)).write_bytes(png(picture))


def test_a_clip_holds_the_samples_of_the_video(tiny_clip: Path, tiny_video: Video, tmp_path: Path) -> None:
    clip = decode_clip((tiny_clip,), "clip", tmp_path)
    luma, chroma = clip.read(WHOLE)
    assert (clip.frames, clip.height, clip.width) == (4, 48, 64)
    for number, picture in enumerate(tiny_video.pictures):
        assert np.array_equal(luma[number], picture.y[:, :48].numpy())
        assert np.array_equal(chroma[number], torch.stack((picture.u, picture.v))[..., :24].numpy())


def test_a_window_takes_every_second_frame_and_a_square(tiny_clip: Path, tmp_path: Path) -> None:
    clip = decode_clip((tiny_clip,), "clip", tmp_path)
    luma, chroma = clip.read(Window(1, 2, 2, top=4, left=10, side=32))
    whole_luma, whole_chroma = clip.read(Window(0, 4, 1, 0, 10, 38))
    assert np.array_equal(luma, whole_luma[1::2, 4:36, :32])
    assert np.array_equal(chroma, whole_chroma[1::2, :, 2:18, :16])


def test_a_clip_is_decoded_once(tiny_clip: Path, tmp_path: Path) -> None:
    decode_clip((tiny_clip,), "clip", tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    decode_clip((tiny_clip,), "clip", tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_runs_that_share_a_cache_may_begin_at_once(tiny_clip: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        clips = list(pool.map(lambda _: decode_clip((tiny_clip,), "tiny", tmp_path / "cache"), range(4)))
    assert len({(clip.cached, clip.frames) for clip in clips}) == 1
    assert sorted(path.suffix for path in (tmp_path / "cache").iterdir()) == [".json", ".yuv"]


def test_a_worker_is_not_sent_the_pixels(tiny_clip: Path, tmp_path: Path) -> None:
    clip = decode_clip((tiny_clip,), "clip", tmp_path)
    wanted = clip.read(WHOLE)
    sent = pickle.dumps(clip)
    assert len(sent) < 1000
    assert np.array_equal(pickle.loads(sent).read(WHOLE)[0], wanted[0])


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.mp4").write_bytes(b"no video" * 100)
    with pytest.raises(VideoError, match=r"bad\.mp4"):
        decode_clip((tmp_path / "bad.mp4",), "bad", tmp_path / "cache")
    assert not list((tmp_path / "cache").glob("*.json"))


def test_a_numbered_sequence_is_a_clip_and_a_gap_ends_it(tmp_path: Path) -> None:
    save_pictures(tmp_path / "a", 5)
    (tmp_path / "a" / "im3.png").unlink()
    assert [len(one.paths) for one in find(tmp_path)] == [2, 2]
    data = load_data([tmp_path], tmp_path / "cache")
    assert [clip.frames for clip in data.train] == [2, 2]


def test_frame_ten_comes_after_frame_nine(tmp_path: Path) -> None:
    save_pictures(tmp_path / "a", 11)
    (only,) = find(tmp_path)
    assert [path.stem for path in only.paths] == [f"im{number}" for number in range(1, 12)]


def test_photographs_with_numbers_are_no_sequence(tmp_path: Path) -> None:
    """They differ in size, or have nothing in common."""
    save_pictures(tmp_path / "sizes", 1, side=48)
    (tmp_path / "sizes" / "im2.png").write_bytes(png(torch.zeros(3, 32, 48).byte()))
    for number in range(4):
        picture = torch.full((3, 48, 48), 60 * number).byte()
        (tmp_path / f"photo{number}.png").write_bytes(png(picture))
    data = load_data([tmp_path], tmp_path / "cache")
    assert sorted(clip.longest for clip in data.train) == [1, 1, 1]
    assert sum(clip.frames for clip in data.train) == 6


def test_vimeo_septuplets_are_those_of_the_training_list_and_read_in_place(tmp_path: Path) -> None:
    for name in ("00001/0001", "00001/0002"):
        save_pictures(tmp_path / "sequences" / name, 7)
    (tmp_path / SEPTUPLETS).write_text("00001/0002\n")
    (clip,) = load_data([tmp_path], tmp_path / "cache").train
    assert clip.frames == 7
    assert not (tmp_path / "cache").exists()
    luma, chroma = clip.read(Window(0, 3, 3, 0, 0, 32))
    assert luma.shape == (3, 32, 32)
    assert chroma.shape == (3, 2, 16, 16)
    assert list(luma[:, 0, 0]) == sorted(luma[:, 0, 0])


def test_clips_of_one_video_are_kept_out_together() -> None:
    assert source_of("a/clip_0048.mp4") == source_of("a/clip_0000.mp4") == "a/clip"
    assert source_of("photo_1.jpg") != source_of("photo_2.jpg")
    names = [f"clip{chr(97 + one // 26)}{chr(97 + one % 26)}_0000.mp4" for one in range(400)]
    assert 5 < sum(map(is_held_out, names)) < 40


def test_excluded_files_are_not_read_and_an_empty_folder_is_told(clips_folder: Path, tmp_path: Path) -> None:
    data = load_data([clips_folder], tmp_path, exclude=("still",))
    assert [clip.name for clip in data.train] == ["clip.mp4"]
    with pytest.raises(SettingError, match="nothing to train on"):
        load_data([clips_folder], tmp_path, exclude=("still", "clip"))
    with pytest.raises(SettingError, match="is no folder"):
        load_data([tmp_path / "nowhere"], tmp_path)


def test_the_digest_tells_other_data(clips_folder: Path, tmp_path: Path) -> None:
    whole = load_data([clips_folder], tmp_path)
    assert load_data([clips_folder], tmp_path).digest == whole.digest
    assert load_data([clips_folder], tmp_path, exclude=("still",)).digest != whole.digest


def test_a_cut_is_found_and_fast_motion_is_none() -> None:
    generator = np.random.default_rng(0)
    scenes = generator.integers(60, 140, (2, 8, 24)).repeat(16, 1).repeat(16, 2).astype(np.uint8)
    scenes[1] += 40
    finder = CutFinder()
    for number in range(12):
        finder.see(np.roll(scenes[int(number >= 7)], 6 * number, axis=1)[:, :256])
    assert finder.shots() == ((0, 7), (7, 5))
