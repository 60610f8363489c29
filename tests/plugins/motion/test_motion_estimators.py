import pytest
import torch
from nvczoo.plugins.motion.block_matching import BlockMatching
from nvczoo.plugins.motion.spynet import SpyNet

from nvczoo.interfaces import MotionEstimator


def textured(height: int = 96, width: int = 128) -> torch.Tensor:
    torch.manual_seed(0)
    coarse = 0.25 + 0.5 * torch.rand(1, 3, height // 4, width // 4)  # nowhere flat, nowhere clipped
    return torch.nn.functional.interpolate(coarse, size=(height, width), mode="bicubic")


@pytest.mark.parametrize(("right", "down"), [(5, -3), (-7, 2), (0, 9), (0, 0)])
def test_block_matching_finds_whole_pixel_motion(right: int, down: int) -> None:
    reference = textured()
    frame = torch.roll(reference, (-down, -right), (2, 3))
    flow = BlockMatching()(frame, reference)[..., 24:72, 24:104]
    error = flow - torch.tensor([right, down]).view(1, 2, 1, 1)
    assert error.abs().median() < 0.05
    assert error.abs().mean() < 0.5


def test_block_matching_finds_half_pixels() -> None:
    wide = textured(96, 256)
    frame, reference = wide[..., 1::2], wide[..., ::2]  # half a pixel apart
    flow = BlockMatching()(frame, reference)[..., 16:80, 16:112]
    assert flow[:, 0].mean() == pytest.approx(0.5, abs=0.15)
    assert flow[:, 1].abs().mean() < 0.15


@pytest.mark.parametrize("widths", [(32, 64, 32, 16), (16, 32, 16, 8), (8, 8)])
def test_spynet_starts_with_no_motion_where_nothing_moves(widths: tuple[int, ...]) -> None:
    flow = SpyNet(widths=widths)(textured(), textured())
    assert flow.abs().max() < 1e-4


@pytest.mark.parametrize(("right", "down"), [(3, 0), (-3, 2), (0, -4)])
def test_spynet_knows_the_direction_of_motion_before_training(right: int, down: int) -> None:
    reference = textured()
    frame = torch.roll(reference, (-down, -right), (2, 3))
    with torch.no_grad():
        flow = SpyNet(widths=(16, 32, 16, 8))(frame, reference)[..., 16:-16, 16:-16]
    true = torch.tensor([right, down]).view(1, 2, 1, 1).float()
    assert (flow - true).norm(dim=1).mean() < 0.8 * true.norm()


def test_spynet_learns_a_shift() -> None:
    torch.manual_seed(0)
    estimator = SpyNet(levels=3, skip=1, widths=(16, 16), kernel=5)
    optimizer = torch.optim.Adam(estimator.parameters(), 1e-3)
    reference = textured()
    frame = torch.roll(reference, -4, 3)
    errors = []
    for _ in range(60):
        error = (
            (estimator(frame, reference) - torch.tensor([4.0, 0.0]).view(1, 2, 1, 1))[..., 8:-8].abs().mean()
        )
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        errors.append(error.item())
    assert errors[-1] < min(0.3, errors[0] / 2)


@pytest.mark.parametrize("skip", [0, 1, 2])
def test_skipping_fine_levels_keeps_the_size_and_saves_networks(skip: int) -> None:
    estimator = SpyNet(levels=4, skip=skip, widths=(8, 8), kernel=3)
    assert len(estimator.levels) == 4 - skip
    assert estimator(textured(), textured()).shape == (1, 2, 96, 128)


@pytest.mark.parametrize("estimator", [SpyNet(widths=(8,), kernel=3), BlockMatching()])
def test_every_picture_of_a_batch_is_estimated_alone(estimator: MotionEstimator) -> None:
    torch.manual_seed(0)
    frames, references = torch.rand(2, 3, 32, 32), torch.rand(2, 3, 32, 32)
    both = estimator(frames, references)
    assert torch.allclose(both[1:], estimator(frames[1:], references[1:]), atol=1e-5)
