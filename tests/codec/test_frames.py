"""The border: what goes in comes out, at every size and in every layout."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nvczoo.codec.frames import chroma_size, image_from_planes, padded_size, planes_from_image
from nvczoo.errors import ShapeError
from nvczoo.interfaces import Layout
from nvczoo.video.colour import Planes

LOSSLESS: tuple[Layout, ...] = ("packed420", "yuv444")


def random_planes(size: tuple[int, int], seed: int = 0, batch: tuple[int, ...] = ()) -> Planes:
    generator = torch.Generator().manual_seed(seed)
    small = chroma_size(size)
    y, u, v = (
        torch.randint(0, 256, (*batch, *shape), generator=generator, dtype=torch.uint8)
        for shape in (size, small, small)
    )
    return y, u, v


@settings(deadline=None, max_examples=60)
@given(
    height=st.integers(1, 70),
    width=st.integers(1, 70),
    stride=st.sampled_from([1, 2, 16, 24, 64]),
    layout=st.sampled_from(LOSSLESS),
)
def test_codes_survive_the_way_in_and_out(height: int, width: int, stride: int, layout: Layout) -> None:
    planes = random_planes((height, width))
    image = image_from_planes(planes, layout, stride)
    returned = planes_from_image(image, (height, width), layout)
    for given_plane, plane in zip(planes, returned, strict=True):
        assert torch.equal(given_plane, plane[0])


@pytest.mark.parametrize("layout", ["packed420", "yuv444", "rgb"])
def test_images_are_padded_to_the_stride_and_lie_in_0_to_1(layout: Layout) -> None:
    image = image_from_planes(random_planes((35, 50)), layout, 16)
    expected = (1, 6, 24, 32) if layout == "packed420" else (1, 3, 48, 64)
    assert tuple(image.shape) == expected
    assert image.dtype == torch.float32
    assert image.min() >= 0
    assert image.max() <= 1
    assert image.is_contiguous(memory_format=torch.channels_last)


def test_padding_repeats_the_last_row_and_column() -> None:
    y, u, v = random_planes((3, 5))
    image = image_from_planes((y, u, v), "yuv444", 8)
    luma = (image[0, 0] * 255).round().byte()
    assert torch.equal(luma[2:, :5], y[2].expand(6, 5))
    assert torch.equal(luma[:3, 4:], y[:, 4:].expand(3, 4))


def test_packed_channels_are_top_left_top_right_bottom_left_bottom_right_u_v() -> None:
    y = torch.tensor([[10, 20], [30, 40]], dtype=torch.uint8)
    u, v = torch.tensor([[50]], dtype=torch.uint8), torch.tensor([[60]], dtype=torch.uint8)
    image = image_from_planes((y, u, v), "packed420", 2)
    assert (image.flatten() * 255).round().tolist() == [10, 20, 30, 40, 50, 60]


def test_a_batch_is_a_row_of_single_pictures() -> None:
    planes = random_planes((10, 14), batch=(3,))
    together = image_from_planes(planes, "packed420", 16)
    for at in range(3):
        y, u, v = (plane[at] for plane in planes)
        assert torch.equal(together[at : at + 1], image_from_planes((y, u, v), "packed420", 16))


def test_values_outside_0_to_1_are_clamped_and_halves_round_to_even() -> None:
    image = torch.tensor([-1.0, 2.0, 0.5 / 255, 1.5 / 255, 2.5 / 255, 1.0]).reshape(1, 6, 1, 1)
    y, u, v = planes_from_image(image, (2, 2), "packed420")
    assert y.flatten().tolist()[:2] == [0, 255]
    assert (u.item(), v.item()) == (2, 255)


def test_in_gamut_colours_survive_the_rgb_layout() -> None:
    small = torch.full((4, 4), 120, dtype=torch.uint8)
    planes = (torch.arange(60, 124, dtype=torch.uint8).reshape(8, 8), small, small + 10)
    image = image_from_planes(planes, "rgb", 8)
    for given_plane, plane in zip(planes, planes_from_image(image, (8, 8), "rgb"), strict=True):
        assert torch.equal(given_plane, plane[0])


def test_padded_sizes_are_even() -> None:
    assert padded_size((1, 1), 1) == (2, 2)
    assert padded_size((240, 352), 16) == (240, 352)
    assert padded_size((241, 353), 15) == (270, 360)


@pytest.mark.parametrize(
    "planes",
    [
        (torch.zeros(4, 4), torch.zeros(2, 2), torch.zeros(2, 2)),
        (torch.zeros(4, 4).byte(), torch.zeros(2, 2).byte(), torch.zeros(4, 4).byte()),
        (torch.zeros(0, 4).byte(), torch.zeros(0, 2).byte(), torch.zeros(0, 2).byte()),
        (torch.zeros(4).byte(), torch.zeros(2).byte(), torch.zeros(2).byte()),
    ],
)
def test_planes_that_do_not_fit_are_refused(planes: Planes) -> None:
    with pytest.raises(ShapeError):
        image_from_planes(planes, "yuv444", 2)
