"""From file to file: pictures, times, sound and subtitles arrive, and nothing is left half done."""

import io
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from toy import toy_codec, toy_pictures

from nvczoo.codec import DecodeOptions, EncodeOptions, Hierarchical, LowDelay, Progress, Video, stream_info
from nvczoo.errors import NvczooError, SettingError, StreamError, VideoError
from nvczoo.video import VideoInfo, create_video, open_video

INFO = VideoInfo(22, 18, Fraction(25), Fraction(1, 25))


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.y4m"
    Video(INFO, tuple(toy_pictures(9))).save(path)
    return path


def read(path: Path) -> Video:
    with open_video(path) as reader:
        packets: list[object] = []
        pictures = []
        for picture in reader:
            pictures.append(picture)
            packets += reader.take_packets()
        packets += reader.take_packets()
        return Video(reader.info, tuple(pictures), tuple(packets))  # pyright: ignore[reportArgumentType]


def test_files_and_memory_give_the_same_stream_and_pictures(clip: Path, tmp_path: Path) -> None:
    codec = toy_codec()
    result = codec.encode_file(clip, tmp_path / "clip.nvc", q=40)
    data = (tmp_path / "clip.nvc").read_bytes()
    assert data == codec.encode(clip, 40) == codec.encode(read(clip), 40)
    assert (result.frames, result.size) == (9, len(data))

    result = codec.decode_file(tmp_path / "clip.nvc", tmp_path / "out.y4m")
    assert (result.frames, result.size) == (9, len(data))
    video = codec.decode(tmp_path / "clip.nvc")
    assert all(one.same(other) for one, other in zip(read(tmp_path / "out.y4m"), video, strict=True))


def test_a_stream_may_be_a_path_bytes_or_a_file(clip: Path, tmp_path: Path) -> None:
    codec = toy_codec()
    codec.encode_file(clip, tmp_path / "clip.nvc")
    data = (tmp_path / "clip.nvc").read_bytes()
    for source in (data, memoryview(data), str(tmp_path / "clip.nvc"), io.BytesIO(data)):
        assert len(codec.decode(source)) == 9


def test_sound_and_uneven_times_are_carried_through(film: Path, tmp_path: Path) -> None:
    codec = toy_codec()
    original = read(film)
    codec.encode_file(film, tmp_path / "film.nvc")
    (track,) = stream_info(tmp_path / "film.nvc").tracks
    assert (track.track.codec, track.packets) == ("flac", len(original.packets))

    result = codec.decode_file(tmp_path / "film.nvc", tmp_path / "back.mkv")
    assert result.dropped == ()
    back = read(tmp_path / "back.mkv")
    assert [picture.pts for picture in back] == [0, 40, 80, 200, 240, 280]
    assert [packet.data for packet in back.packets] == [packet.data for packet in original.packets]


def test_a_video_with_sound_gives_the_same_stream_again(film: Path) -> None:
    codec = toy_codec()
    assert codec.encode(film) == codec.encode(film)


def test_a_decoded_video_can_be_saved_with_its_sound(film: Path, tmp_path: Path) -> None:
    codec = toy_codec()
    original = read(film)
    codec.decode(codec.encode(film)).save(tmp_path / "saved.mkv")
    saved = read(tmp_path / "saved.mkv")
    assert [packet.data for packet in saved.packets] == [packet.data for packet in original.packets]


def test_tracks_are_left_out_on_request_and_named_where_they_do_not_fit(film: Path, tmp_path: Path) -> None:
    codec = toy_codec()
    codec.encode_file(film, tmp_path / "mute.nvc", options=EncodeOptions(tracks=False))
    assert stream_info(tmp_path / "mute.nvc").tracks == ()

    codec.encode_file(film, tmp_path / "film.nvc")
    result = codec.decode_file(tmp_path / "film.nvc", tmp_path / "film.y4m")
    assert [track.codec for track in result.dropped] == ["flac"]
    options = DecodeOptions(tracks=False)
    assert codec.decode_file(tmp_path / "film.nvc", tmp_path / "mute.mkv", options).dropped == ()
    assert read(tmp_path / "mute.mkv").packets == ()
    assert codec.decode(tmp_path / "film.nvc", options).packets == ()


@pytest.mark.parametrize("gop", [LowDelay(4), Hierarchical(4, 4)], ids=str)
def test_any_part_can_be_decoded_alone(gop: LowDelay | Hierarchical) -> None:
    codec = toy_codec(gop)
    data = codec.encode(toy_pictures(11))
    whole = codec.decode(data)
    for start in range(11):
        for frames in (None, 1, 3):
            part = codec.decode(data, DecodeOptions(start=start, frames=frames))
            wanted = whole.pictures[start : None if frames is None else start + frames]
            assert len(part) == len(wanted)
            assert all(one.same(other) for one, other in zip(part, wanted, strict=True))


def test_no_more_frames_are_encoded_than_asked_for(clip: Path, tmp_path: Path) -> None:
    codec = toy_codec(Hierarchical(4, 4))
    assert len(codec.decode(codec.encode(clip, options=EncodeOptions(frames=7)))) == 7
    result = codec.encode_file(clip, tmp_path / "clip.nvc", options=EncodeOptions(frames=3))
    assert result.frames == 3


def test_the_intra_period_can_be_chosen(clip: Path) -> None:
    data = toy_codec(LowDelay(32)).encode(clip, options=EncodeOptions(intra_period=3))
    kinds = "".join(frame.kind for frame in stream_info(data).frames)
    assert kinds == "IPPIPPIPP"


def test_progress_is_told_after_every_picture(clip: Path, tmp_path: Path) -> None:
    codec = toy_codec()
    told: list[Progress] = []
    codec.encode_file(clip, tmp_path / "clip.nvc", progress=told.append)
    assert [one.frames for one in told] == list(range(1, 10))
    assert told[-1].size <= (tmp_path / "clip.nvc").stat().st_size

    told.clear()
    codec.decode_file(tmp_path / "clip.nvc", tmp_path / "out.y4m", progress=told.append)
    assert {one.total for one in told} == {9}
    assert sorted(one.size for one in told) == [one.size for one in told]


def test_what_exists_is_kept_unless_told_otherwise(clip: Path, tmp_path: Path) -> None:
    codec = toy_codec()
    target = tmp_path / "clip.nvc"
    target.write_bytes(b"precious")
    with pytest.raises(VideoError, match="exists already"):
        codec.encode_file(clip, target)
    assert target.read_bytes() == b"precious"
    codec.encode_file(clip, target, overwrite=True)
    assert len(codec.decode(target)) == 9


def test_a_damaged_stream_leaves_no_file_behind(clip: Path, tmp_path: Path) -> None:
    codec = toy_codec()
    data = codec.encode(clip)
    before = sorted(tmp_path.iterdir())
    for damaged in (data[:-1], data[: len(data) // 2], data[:200] + bytes([data[200] ^ 0xFF]) + data[201:]):
        with pytest.raises(StreamError):
            codec.decode_file(damaged, tmp_path / "out.y4m")
    assert sorted(tmp_path.iterdir()) == before


def test_pictures_of_a_cut_stream_come_until_the_cut() -> None:
    codec = toy_codec()
    data = codec.encode(toy_pictures(9))
    video = codec.decode(data[: len(data) // 2], DecodeOptions(frames=2))
    assert len(video) == 2


def test_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    for call in (toy_codec().decode, toy_codec().encode):
        with pytest.raises(NvczooError, match=r"nowhere\.nvc"):
            call(tmp_path / "nowhere.nvc")


@pytest.mark.parametrize("options", [DecodeOptions(start=-1), DecodeOptions(frames=0)], ids=str)
def test_a_part_that_cannot_be_is_refused(options: DecodeOptions) -> None:
    codec = toy_codec()
    with pytest.raises(SettingError, match="give at least"):
        codec.decode(codec.encode(toy_pictures(2)), options)


def test_what_is_no_stream_is_refused() -> None:
    with pytest.raises(SettingError, match="int is no stream"):
        toy_codec().decode(7)  # pyright: ignore[reportArgumentType]


def test_an_opened_reader_can_be_encoded(clip: Path) -> None:
    codec = toy_codec()
    with open_video(clip) as reader:
        assert codec.encode(reader) == codec.encode(clip)


def test_pictures_of_uneven_size_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="Picture 1 is 24x18"):
        toy_codec().encode_file([*toy_pictures(1), *toy_pictures(1, 24)], tmp_path / "clip.nvc")
    assert list(tmp_path.iterdir()) == []


def test_a_stream_goes_through_a_pipe_of_its_own(tmp_path: Path, capfdbinary: pytest.CaptureFixture) -> None:
    codec = toy_codec()
    path = tmp_path / "long.y4m"
    with create_video(path, replace(INFO, frame_count=None)) as writer:
        for picture in toy_pictures(4):
            writer.write(picture)
    codec.encode_file(path, "-")
    data = capfdbinary.readouterr().out
    assert data == codec.encode(path)
