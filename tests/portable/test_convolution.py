import pytest
import torch
from orders import assert_same_in_every_order, every_order
from torch import nn

from nvczoo.errors import SettingError
from nvczoo.portable import Grid, PortableConv2d
from nvczoo.portable.convolution import WEIGHT_BITS, fitting
from nvczoo.portable.sums import Sums, added, quick_sums, reference_sums

SOURCE, TARGET = Grid(10), Grid(10)
SHAPES = [
    {"kernel_size": 3, "padding": 1},
    {"kernel_size": 3, "padding": 1, "stride": 2},
    {"kernel_size": 1},
    {"kernel_size": 3, "padding": 1, "groups": 24},
    {"kernel_size": 3, "padding": 2, "dilation": 2, "bias": False},
]


def a_conv(seed: int = 0, **shape: int) -> nn.Conv2d:
    torch.manual_seed(seed)
    return nn.Conv2d(24, 24, **shape).eval().requires_grad_(False)  # pyright: ignore[reportArgumentType]


def an_input(batch: int = 2) -> torch.Tensor:
    torch.manual_seed(1)
    return 3 * torch.randn(batch, 24, 18, 22)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("bits", [8, 16])
def test_no_order_of_summation_changes_a_bit(shape: dict[str, int], bits: int) -> None:
    assert_same_in_every_order(PortableConv2d.of(a_conv(**shape), SOURCE, TARGET, bits), an_input())


def test_orders_do_change_the_float_convolution() -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(320, 64, 3, padding=1).requires_grad_(False)
    x = torch.randn(1, 320, 32, 32)
    found = [y for _, y in every_order(lambda x: conv(x.float()), x)]
    assert any(not torch.equal(y, conv(x)) for y in found)


@pytest.mark.parametrize("shape", SHAPES)
def test_sums_are_those_of_integers(shape: dict[str, int]) -> None:
    conv = PortableConv2d.of(a_conv(**shape), SOURCE, TARGET)
    units = SOURCE.units(an_input())
    form = conv.shape
    integers = torch.nn.functional.conv2d(
        units.long(), conv.weight.long(), None, form.stride, form.padding, form.dilation, form.groups
    )
    assert torch.equal(added(reference_sums(form, units, conv.weight)).long(), integers)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("bits", [4, 8, 10])
def test_sums_of_float32_are_the_reference(shape: dict[str, int], bits: int) -> None:
    conv = PortableConv2d.of(a_conv(**shape), SOURCE, TARGET, bits)
    extreme = torch.where(torch.rand(1, 24, 18, 22) < 0.5, -1e6, 1e6)
    expected = [conv(x) for x in (an_input(), extreme)]
    conv.hurry()
    assert conv.sums is not reference_sums
    for x, known in zip((an_input(), extreme), expected, strict=True):
        assert torch.equal(conv(x), known)


@pytest.mark.parametrize(("bits", "parts"), [(16, 1), (8, 2), (6, 3)])
def test_an_input_in_parts_has_the_sums_of_the_whole(bits: int, parts: int) -> None:
    units = torch.randint(-(1 << 15), 1 << 15, (2, 4, 9, 7)).double()
    units[0, 0, 0, :2] = torch.tensor([-(1 << 15), (1 << 15) - 1])
    weight = torch.randint(-3, 4, (5, 4, 3, 3))
    form = PortableConv2d.of(a_conv(kernel_size=3), SOURCE, TARGET).shape
    assert torch.equal(
        added(quick_sums(bits, parts)(form, units, weight)), added(reference_sums(form, units, weight))
    )


def test_a_path_that_is_wrong_on_the_worst_input_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    def shortened(bits: int, parts: int) -> Sums:
        return lambda shape, x, weight: quick_sums(bits, parts)(shape, x.bfloat16().float(), weight)

    monkeypatch.setattr("nvczoo.portable.convolution.quick_sums", shortened)
    conv = PortableConv2d.of(a_conv(kernel_size=3), SOURCE, TARGET, bits=8)
    conv.hurry()
    assert conv.sums is reference_sums


def test_narrow_inputs_need_one_sum() -> None:
    conv = PortableConv2d.of(a_conv(kernel_size=3), Grid(4, bits=8), TARGET, bits=8)
    conv.hurry()
    assert conv.parts == 1


def test_heavy_weights_keep_to_the_reference() -> None:
    conv = PortableConv2d.of(a_conv(kernel_size=3), SOURCE, TARGET, bits=16)
    conv.hurry()
    assert conv.sums is reference_sums


@pytest.mark.parametrize("bits", [8, 16])
def test_it_differs_from_the_float_convolution_by_its_roundings_alone(bits: int) -> None:
    conv, x = a_conv(kernel_size=3, padding=1).double(), an_input().double()
    found = PortableConv2d.of(conv, SOURCE, TARGET, bits)
    of_weights = torch.full((1, 24, 3, 3), float(found.unit.max()) / 2, dtype=torch.float64)
    allowed = torch.nn.functional.conv2d(x.abs() + SOURCE.step, of_weights, padding=1)
    allowed = allowed + SOURCE.step / 2 * conv.weight.abs().sum((1, 2, 3)).max() + TARGET.step
    assert ((found(x) - conv(x)).abs() < allowed).all()


def test_what_surrounds_a_convolution_does_not_reach_it() -> None:
    conv = PortableConv2d.of(a_conv(kernel_size=3), SOURCE, TARGET, bits=8)
    expected = conv(an_input())
    conv.hurry()
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(conv(an_input()), expected)


def test_a_state_dict_holds_all_that_the_numbers_need() -> None:
    first, second = (PortableConv2d.of(a_conv(seed, kernel_size=3), SOURCE, TARGET) for seed in (0, 1))
    assert not torch.equal(first(an_input()), second(an_input()))
    second.load_state_dict(first.state_dict())
    assert torch.equal(first(an_input()), second(an_input()))


def test_padding_with_other_than_zeros_is_refused() -> None:
    with pytest.raises(SettingError, match="only zeros"):
        PortableConv2d.of(nn.Conv2d(2, 2, 3, padding=1, padding_mode="reflect"), SOURCE, TARGET)


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_bits_that_fit_are_found_for_each_layer(parts: int) -> None:
    found = {}
    for fan_in in (2, 32, 512):
        torch.manual_seed(0)
        conv = nn.Conv2d(fan_in, 16, 3).requires_grad_(False)
        bits, grid = found[fan_in] = fitting(conv, SOURCE, parts)
        portable = PortableConv2d.of(conv, grid, TARGET, bits)
        portable.hurry()
        assert portable.parts is not None
        assert portable.parts <= parts
        assert grid.step * grid.least == SOURCE.step * SOURCE.least  # coarser, and as wide
        if bits + 2 <= WEIGHT_BITS:  # one bit may be left: inputs with more would cost as much
            finer = PortableConv2d.of(conv, grid, TARGET, bits + 2)
            assert finer.parts_allowed is None or finer.parts_allowed > parts
    together = [bits + grid.bits for bits, grid in found.values()]
    assert together == sorted(set(together), reverse=True)


def test_more_parts_leave_more_bits() -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(64, 16, 3).requires_grad_(False)
    bits, grids = zip(*(fitting(conv, SOURCE, parts) for parts in (1, 2, 3)), strict=True)
    together = [one + grid.bits for one, grid in zip(bits, grids, strict=True)]
    assert together == sorted(set(together))
