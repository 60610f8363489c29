import pytest
import torch
from orders import assert_same_in_every_order

from nvczoo.errors import SettingError
from nvczoo.portable import Grid, PortableLeakyReLU, PortableTable, nearest


def test_the_slope_is_41_of_4096_rounded_once() -> None:
    grid = Grid(0)
    units = torch.arange(-32768, 32768)
    expected = torch.where(units < 0, nearest(units * 41 / 4096.0).long(), units)
    assert torch.equal(PortableLeakyReLU(0.01, grid)(units.float()).long(), expected)


@pytest.mark.parametrize("slope", [0.0, 0.01, 0.1, 0.2])
def test_it_is_close_to_the_float_activation(slope: float) -> None:
    x = 5 * torch.randn(2, 4, 8, 8)
    expected = torch.nn.functional.leaky_relu(x, slope)
    assert (PortableLeakyReLU(slope, Grid(10))(x) - expected).abs().max() < 0.003


@pytest.mark.parametrize("name", ["exp", "sigmoid", "softplus", "tanh"])
def test_tables_hold_the_function_and_no_order_changes_them(name: str) -> None:
    table = PortableTable(name, Grid(8, bits=12), Grid(10, bits=24))
    x = 3 * torch.randn(2, 3, 16, 16)
    function = torch.nn.functional.softplus if name == "softplus" else getattr(torch, name)
    near = (x * 256).round().clamp(-2048, 2047) / 256
    assert torch.allclose(table(x), function(near), atol=2**-10)
    assert_same_in_every_order(table, x)


def test_inputs_beyond_a_table_take_its_ends() -> None:
    table = PortableTable("tanh", Grid(4, bits=8), Grid(14))
    assert torch.equal(table(torch.tensor([-1e6, 1e6])), table(torch.tensor([-8.0, 127 / 16])))


def test_an_unknown_function_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingError, match="exp, sigmoid, softplus, tanh"):
        PortableTable("erf", Grid(4, bits=8), Grid(14))
