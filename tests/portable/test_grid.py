import pytest
import torch

from nvczoo.errors import SettingError
from nvczoo.portable import Grid, nearest


def test_halves_go_to_the_even_neighbour_on_both_sides_of_zero() -> None:
    x = torch.tensor([-2.5, -1.5, -1.0, -0.5, 0.5, 1.5, 2.5])
    assert nearest(x).tolist() == [-2.0, -2.0, -1.0, 0.0, 0.0, 2.0, 2.0]


def test_rounding_is_that_of_integers() -> None:
    integers = torch.arange(-5000, 5000)
    below, odd = integers >> 6, (integers >> 6) & 1
    assert torch.equal(nearest(integers / 64.0).long(), below + ((integers & 63) + odd > 32))


def test_the_float_below_a_half_is_not_rounded_twice() -> None:
    below = torch.nextafter(torch.tensor(0.5), torch.tensor(0.0))
    assert (below + 0.5).floor() == 1  # what the usual way makes of it
    assert nearest(below) == 0


def test_what_is_settled_stays_where_it_is() -> None:
    grid = Grid(9)
    settled = grid.settle(40 * torch.randn(1000))
    assert torch.equal(grid.settle(settled), settled)
    assert torch.equal((settled * 2**9).round(), settled * 2**9)


def test_values_beyond_the_grid_stop_at_its_ends() -> None:
    grid = Grid(0, bits=8)
    assert grid.settle(torch.tensor([-1e9, 1e9])).tolist() == [-128.0, 127.0]


@pytest.mark.parametrize("reach", [1e-3, 0.9999, 1.0, 77.7, 32767.0, 1e6])
def test_the_grid_for_a_range_is_the_finest_that_holds_it(reach: float) -> None:
    grid = Grid.holding(reach)
    assert grid.most * grid.step >= reach > grid.most * grid.step / 2


def test_a_grid_with_more_bits_than_a_float32_has_is_refused() -> None:
    with pytest.raises(SettingError, match="2 to 24 bits"):
        Grid(4, bits=25)
