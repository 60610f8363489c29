import numpy as np
import torch
from orders import every_order
from torch import Tensor

from nvczoo.layers import BlockFetch
from nvczoo.layers.block_fetch import TAP_BITS, WINDOW_BITS, fetched, integer_taps, integer_window
from nvczoo.portable import Grid
from nvczoo.portable.fetching import PortableBlockFetch


def a_picture(channels: int = 2) -> Tensor:
    return torch.rand(2, channels, 24, 32, generator=torch.Generator().manual_seed(3))


def a_field(block: int, precision: int) -> Tensor:
    steps = torch.randn(2, 2, 24 // block, 32 // block, generator=torch.Generator().manual_seed(4))
    return (steps * 4 * precision).round() / precision


def test_it_is_the_float_layer_to_half_a_step() -> None:
    grid = Grid(12)
    for block, precision in ((8, 8), (4, 16)):
        picture, field = grid.settle(a_picture()), a_field(block, precision)
        found = PortableBlockFetch(block, precision, grid)(picture, field)
        expected = BlockFetch(block, precision)(picture, field)
        assert (found - expected).abs().max() <= 0.5 * grid.step + 1e-6
        assert torch.equal(found, grid.settle(found))


def test_sums_are_those_of_integers() -> None:
    """float64 holds them all: numpy's int64, which cannot round, says the same."""
    picture = (a_picture(1) * 65535).round() - 32768
    field, taps, window = a_field(8, 8), integer_taps(8, 8), integer_window(8)
    found = fetched(picture.double(), field, taps.double(), window.double())
    cut = fetched(picture.double() * 2.0**-20, field, taps.double(), window.double()) * 2.0**20
    assert torch.equal(found, cut)
    assert np.array_equal(found.numpy(), found.round().numpy())
    bound = 32768 * int(taps.abs().sum(2).max()) ** 2 * int(window[:8, :8].max() * 4)
    assert bound < 2**53
    whole = fetched_in_integers(picture[:1], field[:1], taps, window)
    assert np.array_equal(found[0, 0].numpy().astype(np.int64), whole)


def fetched_in_integers(picture: Tensor, field: Tensor, taps: Tensor, window: Tensor) -> np.ndarray:
    """Return the same for one picture, square by square, in int64."""
    image = picture[0, 0].numpy().astype(np.int64)
    height, width = image.shape
    block, reach = len(window) // 2, taps.shape[2]
    moved = np.pad((field[0] * len(taps)).numpy().astype(np.int64), ((0, 0), (1, 1), (1, 1)), mode="edge")
    total = np.zeros((height + 2 * block, width + 2 * block), np.int64)
    for row, column in np.ndindex(*moved.shape[1:]):
        right, down = moved[:, row, column]
        top, left = (row - 1) * block - block // 2, (column - 1) * block - block // 2
        rows = np.clip(top + down // len(taps) - 5 + np.arange(reach), 0, height - 1)
        columns = np.clip(left + right // len(taps) - 5 + np.arange(reach), 0, width - 1)
        seen = image[rows][:, columns]
        square = taps[down % len(taps)].numpy() @ seen @ taps[right % len(taps)].numpy().T * window.numpy()
        for y, x in np.ndindex(*square.shape):
            if 0 <= top + y < height and 0 <= left + x < width:
                total[top + y, left + x] += square[y, x]
    return total[:height, :width]


def test_what_is_flat_stays_flat_and_nothing_leaves_the_grid() -> None:
    grid = Grid(15)
    move = PortableBlockFetch(8, 8, grid)
    flat = torch.full((2, 1, 24, 32), 0.25)
    assert torch.equal(move(flat, a_field(8, 8)), flat)
    checks = (torch.rand(2, 1, 24, 32, generator=torch.Generator().manual_seed(5)) > 0.5).float() * 2 - 1
    found = move(checks, a_field(8, 8))
    assert found.max() <= grid.most * grid.step
    assert found.min() >= grid.least * grid.step


def test_no_order_changes_a_bit() -> None:
    move, both = PortableBlockFetch(8, 8, Grid(13)), a_picture()
    field = a_field(8, 8)
    expected = move(both, field)
    for name, found in every_order(lambda x: move(x, matching(field, x)), both):
        assert torch.equal(found, expected), name


def matching(field: Tensor, images: Tensor) -> Tensor:
    """Return the fields of these images: of the first alone, or of all again and again."""
    if len(images) == 1:
        return field[:1] if torch.equal(images[0], a_picture()[0].to(images.dtype)) else field[1:]
    return field.repeat(len(images) // len(field), 1, 1, 1)


def test_scales_are_undone() -> None:
    assert 2 * TAP_BITS + WINDOW_BITS == 30
    ones = torch.ones(1, 1, 24, 32)
    field = torch.zeros(1, 2, 3, 4)
    taps, window = integer_taps(8, 8).double(), integer_window(8).double()
    assert torch.equal(fetched(ones.double(), field, taps, window), ones.double() * 2.0**30)
