from itertools import product

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from nvczoo.layers import BlockFetch, block_fetch, denser, warp
from nvczoo.layers.block_fetch import (
    LOBES,
    TAP_BITS,
    WINDOW_BITS,
    fetched,
    integer_taps,
    integer_window,
    lanczos_taps,
)

BLOCK, PRECISION = 8, 8


def an_image(batch: int = 2, channels: int = 1, height: int = 32, width: int = 48) -> Tensor:
    return torch.rand(batch, channels, height, width, generator=torch.Generator().manual_seed(1))


def a_field(image: Tensor, block: int = BLOCK, precision: int = PRECISION, reach: float = 3.0) -> Tensor:
    height, width = (side // block for side in image.shape[-2:])
    steps = torch.randn(len(image), 2, height, width, generator=torch.Generator().manual_seed(2))
    return (steps * reach * precision).round() / precision


def by_hand(image: Tensor, field: Tensor, block: int, precision: int) -> Tensor:
    """Return, place by place, four displaced samples of twelve by twelve taps each."""
    height, width = image.shape[-2:]
    taps, window = lanczos_taps(precision).tolist(), integer_window(block).tolist()
    result = torch.zeros(height, width, dtype=torch.float64)
    for row, column in product(range(height), range(width)):
        first = (row + block // 2) // block - 1, (column + block // 2) // block - 1
        for down, right in product((0, 1), repeat=2):
            at = first[0] + down, first[1] + right
            inside = [min(max(one, 0), field.shape[2 + dim] - 1) for dim, one in enumerate(at)]
            moved = field[0, :, inside[0], inside[1]]
            whole = [int(torch.floor(one)) for one in moved]
            between = [round(float(one - start) * precision) for one, start in zip(moved, whole, strict=True)]
            value = 0.0
            for j, i in product(range(2 * LOBES), repeat=2):
                y = min(max(row + whole[1] + j - LOBES + 1, 0), height - 1)
                x = min(max(column + whole[0] + i - LOBES + 1, 0), width - 1)
                value += float(image[0, 0, y, x]) * taps[between[1]][j] * taps[between[0]][i]
            in_square = [p - (a * block - block // 2) for p, a in zip((row, column), at, strict=True)]
            result[row, column] += value * window[in_square[0]][in_square[1]]
    return result / 2.0 ** (2 * TAP_BITS + WINDOW_BITS)


@pytest.mark.parametrize(("block", "precision"), [(8, 8), (4, 16)])
def test_every_sample_is_what_the_definition_says(block: int, precision: int) -> None:
    image = an_image(1, 1, 16, 24)
    field = a_field(image, block, precision)
    found = BlockFetch(block, precision)(image, field)[0, 0]
    assert torch.allclose(found.double(), by_hand(image, field, block, precision), atol=1e-6)


def test_whole_displacements_move_exactly_and_repeat_the_border() -> None:
    image = an_image()
    field = torch.zeros(2, 2, 4, 6)
    field[:, 0], field[:, 1] = 4.0, -2.0
    moved = BlockFetch(BLOCK, PRECISION)(image, field)
    padded = F.pad(image, (0, 4, 2, 0), mode="replicate")
    assert torch.allclose(moved, padded[..., :32, 4:], atol=1e-6)


def test_what_is_flat_stays_flat_wherever_it_is_fetched_from() -> None:
    image = torch.full((1, 2, 32, 48), 0.7)
    for reach in (1.0, 40.0, 1e6):
        moved = BlockFetch(BLOCK, PRECISION)(image, a_field(image, reach=reach))
        assert torch.allclose(moved, image, atol=1e-6)


def test_weights_sum_to_a_power_of_two() -> None:
    for precision in (8, 16):
        taps = integer_taps(BLOCK, precision)
        assert (taps.sum(2) == 1 << TAP_BITS).all()
        assert (taps.abs().sum(2) < 2 << TAP_BITS).all()
    for block in (4, 8):
        window = integer_window(block)
        halves = slice(block), slice(block, None)
        assert (
            sum(window[down, right] for down, right in product(halves, repeat=2)) == 1 << WINDOW_BITS
        ).all()


def test_strips_are_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    image = an_image()
    field, fetch = a_field(image), BlockFetch(BLOCK, PRECISION)
    whole = fetch(image, field)
    for few in (1, 16):
        monkeypatch.setattr(block_fetch, "BLOCKS_AT_ONCE", few)
        assert torch.equal(fetch(image, field), whole)


def test_the_gradient_reaches_the_image() -> None:
    image = an_image(1, 2, 8, 8).double().requires_grad_()
    taps, window = integer_taps(4, 4).double() / 2**TAP_BITS, integer_window(4).double() / 2**WINDOW_BITS
    field = a_field(image, 4, 4)
    assert torch.autograd.gradcheck(lambda x: fetched(x, field, taps, window), image)


def test_autocast_does_not_shorten_it() -> None:
    image = an_image()
    field, fetch = a_field(image), BlockFetch(BLOCK, PRECISION)
    with torch.autocast("cpu", torch.bfloat16):
        found = fetch(image, field)
    assert torch.equal(found, fetch(image, field))


def test_eight_fetches_blur_less_than_eight_of_a_cubic_kernel() -> None:
    texture = torch.sin(2.2 * torch.arange(96.0)) + torch.sin(1.1 * torch.arange(96.0)[:, None])
    image = cubic = sinc = (texture[None, None] + 2) / 4
    for step in (0.375, -0.375) * 4:
        field = torch.full((1, 2, 12, 12), step)
        sinc = BlockFetch(BLOCK, PRECISION)(sinc, field)
        flow = torch.full((1, 2, 96, 96), step)
        grid = flow.movedim(1, -1) * 2 / 95 + _places(96)
        cubic = F.grid_sample(cubic, grid, mode="bicubic", padding_mode="border", align_corners=True)
    inside = (..., slice(24, 72), slice(24, 72))
    lost = [(one[inside] - image[inside]).square().mean().sqrt() for one in (sinc, cubic)]
    assert lost[0] < lost[1] / 4


def _places(side: int) -> Tensor:
    along = torch.linspace(-1, 1, side)
    return torch.stack(torch.meshgrid(along, along, indexing="xy"), -1)[None]


@pytest.mark.parametrize("times", [1, 2, 4])
def test_a_denser_image_has_the_same_samples_and_others_between(times: int) -> None:
    along = torch.arange(40.0)
    image = (torch.sin(0.9 * along) + torch.cos(0.7 * along[:30, None]))[None, None]
    dense = denser(image, times)
    assert dense.shape == (1, 1, 29 * times + 1, 39 * times + 1)
    assert torch.allclose(dense[..., ::times, ::times], image, atol=1e-6)
    fine = torch.arange(40.0 * times - times + 1) / times
    expected = torch.sin(0.9 * fine) + torch.cos(0.7 * fine[: 29 * times + 1, None])
    inside = (..., slice(8 * times, -8 * times), slice(8 * times, -8 * times))
    assert torch.allclose(dense[0, 0][inside], expected[inside], atol=0.01)


def test_bilinear_samples_of_a_denser_image_are_nearer_to_what_is_fetched() -> None:
    image = an_image(1)
    field = torch.full((1, 2, 4, 6), 0.375)
    fetch = BlockFetch(BLOCK, PRECISION)(image, field)
    plain = warp(image, torch.full((1, 2, 32, 48), 0.375))
    dense = warp(denser(image, 2), torch.full((1, 2, 63, 95), 0.75))[..., ::2, ::2]
    inside = (..., slice(8, -8), slice(8, -8))
    off = [(one[inside] - fetch[inside]).square().mean() for one in (dense, plain)]
    assert off[0] < off[1] / 2
