import pytest
import torch
from nvczoo.plugins.ev_nvc.block_transform import BlockTransform


def textured(count: int = 4, channels: int = 6, side: int = 64) -> torch.Tensor:
    """Return images around zero whose neighbours are alike."""
    generator = torch.Generator().manual_seed(5)
    coarse = torch.randn(count, channels, side // 4, side // 4, generator=generator)
    return torch.nn.functional.interpolate(coarse, scale_factor=4.0, mode="bicubic")


@pytest.mark.parametrize("channels", [3, 6])
@pytest.mark.parametrize("more", [0, 40])
def test_with_all_directions_images_come_back(channels: int, more: int) -> None:
    blocks, images = BlockTransform(channels, 64 * channels + more), textured(channels=channels)
    for _ in range(2):  # before it has seen images, and after
        assert torch.allclose(blocks.synthesise(blocks.analyse(images)), images, atol=1e-5)
        blocks.start_from(images)


def test_few_directions_hold_most_of_what_it_started_from() -> None:
    blocks, images = BlockTransform(6, 96), textured()
    blocks.start_from(images)
    left = images - blocks.synthesise(blocks.analyse(images))
    assert left.square().sum() < 0.02 * images.square().sum()


def test_latents_of_equal_steps_make_chroma_more_exact() -> None:
    """A unit of each direction is worth as much as one of luma, or half as much as one of chroma."""
    blocks, images = BlockTransform(6, 384), textured()
    blocks.start_from(images)
    noise = torch.rand(4, 384, 8, 8, generator=torch.Generator().manual_seed(1)) - 0.5
    power = blocks.synthesise(noise).square().mean(dim=(0, 2, 3))
    assert torch.allclose(power[:4], torch.full((4,), 1 / 12), rtol=0.1)
    assert torch.allclose(power[4:], torch.full((2,), 1 / 48), rtol=0.1)


def test_nothing_of_it_is_trained() -> None:
    assert list(BlockTransform(6, 64).parameters()) == []


def test_weights_bring_the_basis_with_them() -> None:
    trained, fresh = BlockTransform(6, 384), BlockTransform(6, 384)
    trained.start_from(textured())
    fresh.load_state_dict(trained.state_dict())
    assert torch.equal(fresh.analyse(textured()), trained.analyse(textured()))
