import pytest
import torch

from nvczoo.errors import ShapeError
from nvczoo.video.colour import (
    BT709_FULL,
    ColourMatrix,
    in_layout,
    planes_from_rgb,
    rgb_from_planes,
    rgb_image,
    rgb_of_layout,
    ycbcr_image,
)

MATRICES = (BT709_FULL, ColourMatrix(0.299, 0.114, full_range=False), ColourMatrix(0.2126, 0.0722, False))


def flat(colour: tuple[int, int, int], size: tuple[int, int] = (4, 6)) -> torch.Tensor:
    return torch.tensor(colour, dtype=torch.uint8).reshape(3, 1, 1).expand(3, *size).contiguous()


@pytest.mark.parametrize("matrix", MATRICES)
def test_greys_have_no_chroma_and_return_exactly(matrix: ColourMatrix) -> None:
    for grey in range(256):
        y, u, v = planes_from_rgb(flat((grey, grey, grey)), matrix)
        assert (u == 128).all()
        assert (v == 128).all()
        allowed = 0 if matrix.full_range else 1  # 220 codes for 256 greys
        back = rgb_from_planes((y, u, v), matrix).int()
        assert (back - grey).abs().max() <= allowed


def test_known_bt709_full_range_codes() -> None:
    for colour, codes in (
        ((255, 0, 0), (54, 99, 255)),
        ((0, 255, 0), (182, 30, 12)),
        ((0, 0, 255), (18, 255, 116)),
    ):
        found = tuple(int(plane.flatten()[0]) for plane in planes_from_rgb(flat(colour)))
        assert found == codes


@pytest.mark.parametrize("matrix", MATRICES)
def test_flat_colours_return_within_two_steps(matrix: ColourMatrix) -> None:
    generator = torch.Generator().manual_seed(1)
    for _ in range(100):
        red, green, blue = torch.randint(30, 220, (3,), generator=generator).tolist()
        picture = flat((red, green, blue))
        back = rgb_from_planes(planes_from_rgb(picture, matrix), matrix)
        assert (back.int() - picture.int()).abs().max() <= 2


def test_odd_sizes_and_leading_dimensions_are_kept() -> None:
    rgb = torch.randint(0, 256, (2, 3, 5, 7), dtype=torch.uint8)
    planes = planes_from_rgb(rgb)
    assert [tuple(plane.shape) for plane in planes] == [(2, 5, 7), (2, 3, 4), (2, 3, 4)]
    assert rgb_from_planes(planes).shape == rgb.shape


@pytest.mark.parametrize("matrix", MATRICES)
def test_float_conversions_undo_each_other_inside_the_gamut(matrix: ColourMatrix) -> None:
    rgb = torch.rand(1, 3, 8, 8)
    assert torch.allclose(rgb_image(ycbcr_image(rgb, matrix), matrix), rgb, atol=1e-5)


def test_integer_and_float_conversion_agree() -> None:
    planes = planes_from_rgb(torch.randint(0, 256, (3, 8, 8), dtype=torch.uint8))
    doubled = [plane.repeat_interleave(2, 0).repeat_interleave(2, 1) for plane in planes[1:]]
    image = torch.stack((planes[0], *doubled)).float()[None] / 255
    close = rgb_image(image, BT709_FULL) * 255 - rgb_from_planes(planes).float()
    assert close.abs().max() <= 0.51


def test_pictures_of_another_type_or_shape_are_refused() -> None:
    with pytest.raises(ShapeError, match="uint8"):
        planes_from_rgb(torch.zeros(3, 4, 4))
    with pytest.raises(ShapeError, match="3, H, W"):
        planes_from_rgb(torch.zeros(4, 4, 3, dtype=torch.uint8))


@pytest.mark.parametrize("layout", ["rgb", "yuv444", "packed420"])
def test_layouts_are_converted_there_and_back(layout: str) -> None:
    rgb = 0.3 + 0.4 * torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(1))
    rgb = rgb.repeat_interleave(2, 2).repeat_interleave(2, 3)  # chroma is the same in each 2x2 block
    there = in_layout(rgb, layout)
    assert there.shape == ((1, 6, 4, 4) if layout == "packed420" else (1, 3, 8, 8))
    assert torch.allclose(rgb_of_layout(there, layout), rgb, atol=1e-5)
