"""A codec of ours as CompressAI's evaluation of videos sees its ssf2020."""

import warnings
from pathlib import Path

import pytest
import torch
from cli.tiny_model import CARD
from torch import Tensor

import nvczoo
from nvczoo.codec.video_codec import VideoCodec
from nvczoo.compressai_video import CompressaiVideoForm
from nvczoo.errors import SettingError

SIDE, FRAMES = 192, 3  # of a clip; its MS-SSIM needs as much


@pytest.fixture(scope="module")
def codec(tmp_path_factory: pytest.TempPathFactory) -> VideoCodec:
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "card.toml").write_text(CARD)
    return nvczoo.create(folder, seed=5)


@pytest.fixture
def form(codec: VideoCodec) -> CompressaiVideoForm:
    return CompressaiVideoForm(codec, q=40)


def moving(height: int, width: int) -> list[Tensor]:
    """Return frames [1, 3, height, width] of a texture that moves two pixels a frame."""
    coarse = torch.rand(1, 3, height // 8 + 2, width // 8 + 2, generator=torch.Generator().manual_seed(2))
    wide = coarse.repeat_interleave(8, 2).repeat_interleave(8, 3)
    return [wide[:, :, at : at + height, at : at + width].contiguous() for at in range(0, 2 * FRAMES, 2)]


def test_frames_decode_as_they_were_encoded_and_as_the_video_does(form: CompressaiVideoForm) -> None:
    frames = moving(48, 80)
    shown, packed = form.encode_keyframe(frames[0])
    coded = [(shown, packed)]
    for frame in frames[1:]:
        shown, packed = form.encode_inter(frame, shown.clamp(0, 1))
        coded.append((shown, packed))
    again = form.decode_keyframe(coded[0][1]["strings"], coded[0][1]["shape"])
    whole = form.decompress(*form.compress(frames))  # with all that the codec remembers of earlier frames
    assert torch.equal(again, coded[0][0])
    assert torch.equal(again, whole[0])
    for (encoded, packed), expected in zip(coded[1:], whole[1:], strict=True):
        again = form.decode_inter(again.clamp(0, 1), packed["strings"], packed["shape"])
        assert torch.equal(again, encoded)
        assert torch.equal(again, expected)


def test_another_frame_than_the_last_is_refused(form: CompressaiVideoForm) -> None:
    frames = moving(48, 80)
    with pytest.raises(SettingError, match="not the frame that was coded last"):
        form.encode_inter(frames[1], frames[0])
    form.encode_keyframe(frames[0])
    with pytest.raises(SettingError, match="not the frame that was coded last"):
        form.encode_inter(frames[1], frames[0])


def test_codecs_that_do_not_code_in_order_are_refused(codec: VideoCodec) -> None:
    with pytest.raises(SettingError, match="load it with gop='low-delay'"):
        CompressaiVideoForm(nvczoo.create("evc-ss"))


@pytest.mark.slow
def test_the_evaluation_script_of_compressai_runs_on_it(form: CompressaiVideoForm, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        script = pytest.importorskip("compressai.utils.video.eval_model.__main__")
    clip = tmp_path / f"clip_{SIDE}x{SIDE}_25fps_8bit_420.yuv"
    clip.write_bytes(b"".join(raw(frame) for frame in moving(SIDE, SIDE)))
    (tmp_path / "out").mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        real = script.eval_model(form, clip, tmp_path / "out" / "clip.bin", keep_binaries=True)
        estimated = script.eval_model_entropy_estimation(form, clip)
    seconds = FRAMES / 25
    size = next((tmp_path / "out").iterdir()).stat().st_size
    assert real["bitrate"] == pytest.approx(size * 8 / 1000 / seconds, rel=0.01)
    assert real["bitrate"] == pytest.approx(estimated["bitrate"], rel=0.1)
    assert real["psnr-rgb"] == pytest.approx(estimated["psnr-rgb"], abs=0.01)


def raw(frame: Tensor) -> bytes:
    """Return the bytes of a frame [1, 3, H, W] taken for Y, U and V, in 4:2:0."""
    y, u, v = (frame[0] * 200 + 28).byte()
    return b"".join(plane.contiguous().numpy().tobytes() for plane in (y, u[::2, ::2], v[::2, ::2]))
