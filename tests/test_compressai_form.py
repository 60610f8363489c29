"""A codec of ours as CompressAI's own evaluation sees its models."""

import warnings

import pytest
import torch
from cli.tiny_model import CARD
from torch import Tensor

import nvczoo
from nvczoo.compressai_form import CompressaiForm
from nvczoo.errors import ShapeError, StreamError

SIZE = (48, 80)


@pytest.fixture(scope="module")
def form(tmp_path_factory: pytest.TempPathFactory) -> CompressaiForm:
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "card.toml").write_text(CARD)
    return CompressaiForm(nvczoo.create(folder, seed=5), q=40)


@pytest.fixture(scope="module")
def frames() -> list[Tensor]:
    generator = torch.Generator().manual_seed(2)
    wide = torch.rand(1, 3, 7, 11, generator=generator).repeat_interleave(8, 2).repeat_interleave(8, 3)
    return [wide[:, :, at : at + SIZE[0], at : at + SIZE[1]].contiguous() for at in (0, 2, 4)]


def test_pictures_come_back_as_they_were_estimated(form: CompressaiForm, frames: list[Tensor]) -> None:
    x = torch.cat(frames)
    with torch.inference_mode():
        estimated = form(x)
    packed = form.compress(x)
    found = form.decompress(packed["strings"], packed["shape"])["x_hat"]
    assert found.shape == x.shape
    assert torch.allclose(found, estimated["x_hat"], atol=1e-5)
    assert all(len(layer) == len(x) for layer in packed["strings"])
    bits = sum(-one.log2().sum() for one in estimated["likelihoods"].values())
    written = 8 * sum(len(one) for layer in packed["strings"] for one in layer)
    assert written == pytest.approx(float(bits), rel=0.05, abs=64 * 8 * len(x))


def test_a_video_comes_back_as_it_was_estimated(form: CompressaiForm, frames: list[Tensor]) -> None:
    with torch.inference_mode():
        estimated = form(frames)
    strings, shapes = form.compress(frames)
    found = form.decompress(strings, shapes)
    for frame, one, other in zip(frames, found, estimated["x_hat"], strict=True):
        assert frame.shape == one.shape
        assert torch.allclose(one, other, atol=1e-5)
    assert [set(one) for one in estimated["likelihoods"]][1] >= {"motion.latent"}


def test_a_gradient_of_rate_and_distortion_reaches_the_weights(
    form: CompressaiForm, frames: list[Tensor]
) -> None:
    out = form(frames[0])
    loss = (out["x_hat"] - frames[0]).square().mean() - sum(
        one.log().mean() for one in out["likelihoods"].values()
    )
    loss.backward()
    reached = [one for one in form.codec.intra.parameters() if one.grad is not None and one.grad.any()]
    form.zero_grad()
    assert reached


def test_the_evaluation_script_of_compressai_runs_on_it(form: CompressaiForm, frames: list[Tensor]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        script = pytest.importorskip("compressai.utils.eval_model.__main__")
        x = torch.nn.functional.interpolate(frames[0], (192, 320))  # its MS-SSIM needs as much
        real, estimated = script.inference(form, x[0]), script.inference_entropy_estimation(form, x[0])
    assert real["bpp"] == pytest.approx(estimated["bpp"], rel=0.05)
    packed = form.compress(x)
    decoded = form.decompress(packed["strings"], packed["shape"])["x_hat"].clamp(0, 1)
    mse = ((decoded - x) * 255).round().square().mean()
    assert real["psnr-rgb"] == pytest.approx(float(10 * torch.log10(255**2 / mse)), abs=0.1)


def test_there_are_no_tables_to_bring_up_to_date(form: CompressaiForm) -> None:
    assert form.update(force=True) is False
    assert form.aux_loss() == 0


def test_what_is_no_picture_is_told(form: CompressaiForm) -> None:
    with pytest.raises(ShapeError, match=r"\[B, 3, H, W\], not \[1, 1, 8, 8\]"):
        form(torch.zeros(1, 1, 8, 8))
    with pytest.raises(ShapeError, match="one by one"):
        form.compress([torch.zeros(2, 3, 16, 16)])


def test_damaged_strings_are_told(form: CompressaiForm, frames: list[Tensor]) -> None:
    packed = form.compress(frames[0])
    with pytest.raises(StreamError):
        form.decompress([[packed["strings"][0][0][:-4]]], packed["shape"])
