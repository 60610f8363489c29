"""Coding order is channels last, and what comes back is in that format."""

import torch

from nvczoo.entropy.coding_order import flat, places, settled, unflat

SHAPE = torch.Size((2, 3, 4, 5))


def _latent() -> torch.Tensor:
    return torch.arange(SHAPE.numel()).view(SHAPE)


def test_channels_of_a_place_come_one_after_the_other() -> None:
    assert flat(_latent())[:6].tolist() == [0, 20, 40, 1, 21, 41]


def test_what_was_made_flat_comes_back_without_a_copy_and_channels_last() -> None:
    values = flat(_latent())
    back = unflat(values, SHAPE)
    assert torch.equal(back, _latent())
    assert back.data_ptr() == values.data_ptr()
    assert back.is_contiguous(memory_format=torch.channels_last)


def test_any_format_settles_in_the_same_one() -> None:
    slices = torch.zeros(2, 3, 4, 1).expand(SHAPE), _latent(), torch.zeros(2, 6, 4, 5)[:, ::2]
    assert len({settled(values).stride() for values in slices}) == 1
    assert settled(torch.zeros(7)).stride() == (1,)


def test_a_mask_picks_the_same_elements_again_and_for_other_sizes() -> None:
    mask = torch.rand(1, *SHAPE[1:], generator=torch.Generator().manual_seed(3)) < 0.5
    for shape in (SHAPE, SHAPE, torch.Size((5, *SHAPE[1:]))):
        values = torch.arange(shape.numel()).view(shape)
        picked = flat(values)[places(mask, shape)]
        assert torch.equal(picked, flat(values)[flat(mask.expand(shape))])
