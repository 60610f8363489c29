import io
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from video_clips import Clip, grey_frame

from nvczoo.errors import VideoError
from nvczoo.video import Track, TrackPacket, VideoInfo, can_hold, create_video, open_video

RATE = 48000
NUMBERS = {"flt": (np.float32, 1), "s16": (np.int16, 2**15), "s32": (np.int32, 2**31)}
SUBTITLES = (
    "1\n00:00:00,100 --> 00:00:00,400\nHello <i>there</i>\n\n2\n00:00:00,600 --> 00:00:00,900\nBye\n\n"
)
Packets = list[TrackPacket]


def film(path: Path, codecs: Sequence[str] = ("aac",), subtitles: bool = False) -> Path:
    """Write a second of video with noise as sound in each codec, and two lines of subtitles."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 32, 32, "yuv420p"
        sounds = [container.add_stream(codec, rate=RATE, layout="stereo") for codec in codecs]
        for sound in sounds:
            sound.metadata["language"] = "deu"
        lines = av.open(io.BytesIO(SUBTITLES.encode()), format="srt") if subtitles else None
        text = container.add_stream_from_template(lines.streams[0]) if lines else None
        for index in range(25):
            frame = grey_frame(32)
            frame.pts = index
            container.mux(video.encode(frame))
            for sound in sounds:
                container.mux(sound.encode(noise(sound, index)))
        if lines and text:
            for packet in lines.demux():
                if packet.size:
                    packet.stream = text
                    container.mux(packet)
            lines.close()
        for stream in (video, *sounds):
            container.mux(stream.encode(None))
    return path


def noise(sound: av.AudioStream, index: int) -> av.AudioFrame:
    samples = sound.codec_context.frame_size or 1024
    frame = av.AudioFrame(sound.codec_context.format.name, "stereo", samples)
    generator = np.random.default_rng(index)
    kind, scale = NUMBERS[frame.format.name.removesuffix("p")]
    for plane in frame.planes:
        values = generator.normal(0, 0.1 * scale, plane.buffer_size // np.dtype(kind).itemsize)
        plane.update(values.astype(kind).tobytes())
    frame.sample_rate, frame.pts = RATE, index * samples
    return frame


def take(path: Path) -> tuple[VideoInfo, Clip, Packets]:
    packets: Packets = []
    clip: Clip = []
    with open_video(path) as reader:
        for picture in reader:
            clip.append(picture)
            packets.extend(reader.take_packets())
        packets.extend(reader.take_packets())
    return reader.info, clip, packets


def put(path: Path, info: VideoInfo, clip: Clip, packets: Packets) -> Path:
    tracks = [Track.from_dict(track.to_dict()) for track in info.tracks]
    with create_video(path, info, tracks=tracks) as writer:
        for packet in packets:
            writer.write_packet(packet)
        for picture in clip:
            writer.write(picture)
    return path


def seconds(info: VideoInfo, packets: Packets, track: int) -> list[float]:
    base = info.tracks[track].time_base
    return [
        float(packet.pts * base) for packet in packets if packet.track == track and packet.pts is not None
    ]


def payload(packets: Packets, track: int = 0) -> list[bytes]:
    return [packet.data for packet in packets if packet.track == track]


@pytest.mark.parametrize("codec", ["aac", "libmp3lame", "libopus", "flac", "ac3", "eac3", "alac"])
@pytest.mark.parametrize("ending", ["mkv", "mp4"])
def test_sound_is_carried_bit_for_bit(tmp_path: Path, codec: str, ending: str) -> None:
    info, clip, packets = take(film(tmp_path / "in.mkv", [codec]))

    copy, _, found = take(put(tmp_path / f"out.{ending}", info, clip, packets))

    assert len(payload(packets)) > 10
    assert payload(found) == payload(packets)
    assert copy.tracks[0].codec == info.tracks[0].codec
    assert copy.tracks[0].language == "deu"
    wanted = seconds(info, packets, 0)
    assert seconds(copy, found, 0) == pytest.approx([time - min(wanted[0], 0) for time in wanted], abs=0.03)


@pytest.mark.parametrize("ending", ["mkv", "mp4"])
def test_carried_sound_decodes_to_the_same_samples(tmp_path: Path, ending: str) -> None:
    source = film(tmp_path / "in.mp4", ["aac"])
    info, clip, packets = take(source)
    target = put(tmp_path / f"out.{ending}", info, clip, packets)

    def samples(path: Path) -> np.ndarray:
        with av.open(str(path)) as container:
            return np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)

    wanted, found = samples(source), samples(target)
    shift = found.shape[1] - wanted.shape[1]  # Matroska keeps the encoder's delay, MP4 hides it

    assert 0 <= shift <= 1024
    assert np.array_equal(found[:, shift:], wanted)


def test_several_tracks_stay_apart_and_interleave(tmp_path: Path) -> None:
    info, clip, packets = take(film(tmp_path / "in.mkv", ["aac", "libopus"], subtitles=True))

    copy, _, found = take(put(tmp_path / "out.mkv", info, clip, packets))

    assert [track.codec for track in copy.tracks] == ["aac", "opus", "subrip"]
    assert [track.kind for track in copy.tracks] == ["audio", "audio", "subtitle"]
    for track in range(3):
        assert payload(found, track) == payload(packets, track) != []
    assert payload(found, 2) == [b"Hello <i>there</i>", b"Bye"]
    assert [packet.duration for packet in found if packet.track == 2] == [300, 300]


def test_text_crosses_between_matroska_and_mp4(tmp_path: Path) -> None:
    info, clip, packets = take(film(tmp_path / "in.mkv", ["aac"], subtitles=True))

    middle = take(put(tmp_path / "middle.mp4", info, clip, packets))
    copy, _, found = take(put(tmp_path / "out.mkv", *middle))

    assert [track.codec for track in middle[0].tracks] == ["aac", "mov_text"]
    assert middle[0].tracks[1].setup_format == "mp4"
    assert [track.codec for track in copy.tracks] == ["aac", "subrip"]
    assert payload(found, 1) == [b"Hello there", b"Bye"]
    assert seconds(copy, found, 1) == pytest.approx([0.1, 0.6], abs=0.03)
    assert [packet.duration for packet in found if packet.track == 1] == [300, 300]


def test_what_is_not_carried_is_named(tmp_path: Path) -> None:
    path = tmp_path / "in.mkv"
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 32, 32, "yuv420p"
        container.add_attachment("letters.ttf", "font/ttf", b"none")
        container.mux(video.encode(grey_frame(32)))
        container.mux(video.encode(None))

    with open_video(path) as reader:
        assert reader.left_out == ("stream 1 (attachment, letters.ttf)",)


def test_packets_come_along_with_the_pictures(tmp_path: Path) -> None:
    with open_video(film(tmp_path / "in.mkv")) as reader:
        next(reader)
        first = reader.take_packets()
        rest = [packet for _ in reader for packet in reader.take_packets()]

    assert 0 < len(first) < 25
    assert len(rest) > 0


def test_without_tracks_nothing_waits(tmp_path: Path) -> None:
    with open_video(film(tmp_path / "in.mkv"), tracks=False) as reader:
        assert len(list(reader)) == 25
        assert reader.tracks == reader.take_packets() == ()


def test_waiting_packets_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nvczoo.video.libav_reader.MAX_WAITING_BYTES", 500)

    with (
        pytest.raises(VideoError, match=r"take_packets\(\) after each picture"),
        open_video(film(tmp_path / "in.mkv")) as reader,
    ):
        list(reader)


def test_a_format_that_cannot_hold_a_track_says_so(tmp_path: Path) -> None:
    info, clip, _ = take(film(tmp_path / "in.mkv", ["aac"], subtitles=True))
    sound, text = info.tracks

    assert [can_hold(name, sound) for name in ("a.mkv", "a.mp4", "a.webm", "a.y4m")] == [
        True,
        True,
        False,
        False,
    ]
    assert [can_hold(name, text) for name in ("a.mkv", "a.mp4", "a.webm")] == [True, True, False]
    with pytest.raises(VideoError, match=r"Track 0 \(aac, audio\) does not fit webm"):
        put(tmp_path / "out.webm", info, clip, [])
    opus = take(film(tmp_path / "opus.mkv", ["libopus"]))[0].tracks
    with pytest.raises(VideoError, match=r"no place for track 0 \(opus\); write .mkv"):
        put(tmp_path / "out.mov", replace(info, tracks=opus), clip, [])
    with pytest.raises(VideoError, match="y4m holds pictures only"):
        put(tmp_path / "out.y4m", info, clip, [])


def test_two_tracks_of_one_number_are_refused(tmp_path: Path) -> None:
    info, clip, _ = take(film(tmp_path / "in.mkv"))

    with pytest.raises(VideoError, match="Two tracks have the number 0"):
        put(tmp_path / "out.mkv", replace(info, tracks=info.tracks * 2), clip, [])


def test_a_setup_that_is_not_what_it_says_is_refused(tmp_path: Path) -> None:
    info, clip, _ = take(film(tmp_path / "in.mkv", ["aac"], subtitles=True))
    sound, text = info.tracks
    video = (tmp_path / "in.mkv").read_bytes()
    for track in (
        replace(sound, setup=b"\x1a\x45\xdf\xa3"),
        replace(sound, setup=b"garbage" * 100),
        replace(sound, setup=video),
        replace(sound, setup=text.setup),
        replace(sound, codec="mp3"),
        replace(sound, kind="subtitle"),
        replace(sound, setup_format="mp4"),
    ):
        with pytest.raises(VideoError, match="Track 0"):
            put(tmp_path / "out.mkv", replace(info, tracks=(track,)), clip, [])


@pytest.mark.parametrize("ending", ["mkv", "mp4"])
def test_damaged_setups_and_packets_raise_video_errors_only(tmp_path: Path, ending: str) -> None:
    info, clip, packets = take(film(tmp_path / "in.mkv", ["aac"], subtitles=ending == "mkv"))
    generator = random.Random(11)
    failures = 0
    for _ in range(60):
        setup = bytearray(info.tracks[0].setup)
        for _ in range(generator.randrange(3)):
            setup[generator.randrange(len(setup))] = generator.randrange(256)
        hostile = [
            replace(
                packet,
                pts=generator.choice([packet.pts, None, generator.randrange(-(10**9), 10**9)]),
                dts=generator.choice([packet.dts, None, generator.randrange(-(10**9), 10**9)]),
                duration=generator.choice([packet.duration, 0, 10**9]),
                data=generator.choice([packet.data, generator.randbytes(generator.randrange(1, 3000))]),
            )
            for packet in generator.sample(packets, generator.randrange(1, 5))
        ]
        tracks = (replace(info.tracks[0], setup=bytes(setup)), *info.tracks[1:])
        try:
            put(tmp_path / f"out.{ending}", replace(info, tracks=tracks), clip, hostile)
        except VideoError:
            failures += 1
    assert failures > 10
