import numpy as np
import pytest
import torch
from portable_model import a_quantized_model, pictures
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from nvczoo import _coder
from nvczoo.entropy.coders import paths
from nvczoo.errors import SettingError, ShapeError
from nvczoo.portable import (
    Grid,
    PortableConv2d,
    PortableLeakyReLU,
    PortableOnGrid,
    PortableWarp,
    kernels,
    portable_modules,
)
from nvczoo.portable.blocks import PortableResidualBlock
from nvczoo.portable.grid import MOST_BITS
from nvczoo.portable.kernels import WHOLE, Channels, Cut, rounding
from nvczoo.portable.module import PortableModule
from nvczoo.portable.readiness import keep_to_the_reference, make_ready
from nvczoo.portable.sums import _cut

GRID, FINER, WIDE = Grid(10), Grid(12), Grid(4, MOST_BITS)
ODD = (2, 7, 5, 3)  # fills no vector
LARGE = (1, 48, 60, 70)  # more than one block, and more than a thread takes at a time
BITS_OF_PARTS = {3: 1, 11: 2, 13: 3}  # of the weights below


@pytest.fixture(params=[name for name in paths() if name != "emulator"], autouse=True)
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Take each set of instructions that this machine has."""
    monkeypatch.setenv("NVCZOO_CODER", request.param)
    return request.param


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the kernels that ran."""
    noted: list[str] = []

    def noting(name: str) -> None:
        kernel = getattr(_coder, name)

        def noted_kernel(*args: object, **named: object) -> None:
            noted.append(name)
            kernel(*args, **named)

        monkeypatch.setattr(_coder, name, noted_kernel)

    noting("grid_pass")
    noting("grid_warp")
    return noted


def numbers(shape: tuple[int, ...] = ODD, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return numbers on and off grids, ties among them, and what a network should never meet."""
    torch.manual_seed(0)
    x = 20 * torch.randn(shape, dtype=dtype)
    x.view(-1)[::3] = ((x * 1024).round() / 1024 + 0.5 / 1024).view(-1)[::3]  # ties of GRID
    inf, nan = float("inf"), float("nan")
    strange = [inf, -inf, nan, -0.0, 0.0, 1e-40, -1e-40, 3e38, -3e38, 31.9995, -32.0, -32.0005]
    strange += [0.5 / 1024, -0.5 / 1024, 0.49999997 / 1024]
    x.view(-1)[: len(strange)] = torch.tensor(strange, dtype=dtype)
    return x.contiguous(memory_format=torch.channels_last)


def assert_same(found: Tensor, expected: Tensor) -> None:
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    assert torch.equal(found.isnan(), expected.isnan())
    found, expected = found.nan_to_num(), expected.nan_to_num()
    assert torch.equal(found, expected)
    assert torch.equal(found.signbit(), expected.signbit())  # of zeros


def assert_quick_and_same(module: PortableModule, *tensors: Tensor) -> None:
    """Compare a module that hurries with the same one that keeps to torch."""
    module.quick = False
    expected = module(*tensors)
    module.quick = True
    assert_same(module(*tensors), expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [ODD, LARGE, (1, 1, 1, 16)])
@pytest.mark.parametrize("grid", [GRID, WIDE, Grid(-3, 2)])
def test_a_pass_settles_as_torch_does(grid: Grid, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    x = numbers(shape, dtype)
    assert_same(kernels.settled(x, [rounding(grid, grid.step)]), grid.settle(x))


def test_a_number_that_was_changed_is_seen() -> None:
    x = numbers()
    settled = kernels.settled(x, [rounding(GRID, GRID.step)])
    with pytest.raises(AssertionError):
        assert_same(settled, FINER.settle(x))


@pytest.mark.parametrize("shape", [(0, 3, 4, 4), (2, 0, 4, 4), (1, 3, 0, 4)])
def test_nothing_becomes_nothing(shape: tuple[int, ...]) -> None:
    assert kernels.settled(torch.zeros(shape), [rounding(GRID, WHOLE)]).shape == shape


@pytest.mark.parametrize("strange", ["planes", "a slice", "every other pixel", "one number for all"])
def test_where_numbers_lie_does_not_matter(strange: str) -> None:
    x = numbers((2, 8, 6, 4))
    given = {
        "planes": x.contiguous(),
        "a slice": x[:, 2:5],
        "every other pixel": x[:, :, ::2, 1::2],
        "one number for all": x[:1, :1, :1, :1].expand(2, 3, 4, 5),
    }[strange]
    assert_same(kernels.settled(given, [rounding(GRID, GRID.step)]), GRID.settle(given))


@pytest.mark.parametrize(("bits", "parts"), [(16, 1), (8, 2), (6, 3)])
def test_parts_are_those_of_torch(bits: int, parts: int) -> None:
    x = numbers(LARGE)
    found = kernels.settled(x, [rounding(GRID, WHOLE)], Cut(parts, bits))
    expected = list(_cut(GRID.units(x), bits, parts))
    for one, (part, scale), own in zip(found.chunk(parts), expected, Cut(parts, bits).scales, strict=True):
        assert scale == own
        assert_same(one, part)


@pytest.mark.parametrize("slope", [0.0, 0.01, 0.3, 1.0])
def test_leaky_relus_are_the_same(slope: float) -> None:
    assert_quick_and_same(PortableLeakyReLU(slope, GRID, FINER), numbers(LARGE))


def test_returning_to_a_grid_is_the_same() -> None:
    assert_quick_and_same(PortableOnGrid(GRID), numbers(LARGE, torch.float64))


def a_conv(bits: int, channels: int = 24, **shape: int) -> PortableConv2d:
    torch.manual_seed(0)
    conv = nn.Conv2d(24, channels, **shape).requires_grad_(False)  # pyright: ignore[reportArgumentType]
    made = PortableConv2d.of(conv, GRID, FINER, bits)
    made.hurry()
    return made


@pytest.mark.parametrize("bits", BITS_OF_PARTS)
@pytest.mark.parametrize(
    "shape", [{"kernel_size": 3, "padding": 1, "stride": 2}, {"kernel_size": 1}, {"kernel_size": 3}]
)
def test_convolutions_are_the_same(bits: int, shape: dict[str, int]) -> None:
    for channels in (1, 7, 24):
        conv = a_conv(bits, channels, **shape)
        assert conv.quick
        assert conv.cut.parts == conv.parts
        for x in (numbers((2, 24, 18, 11)), conv._worst_input() * GRID.step):
            assert_quick_and_same(conv, x.contiguous(memory_format=torch.channels_last))


def test_convolutions_come_in_one_two_and_three_parts() -> None:
    found = {bits: a_conv(bits, kernel_size=3).parts for bits in BITS_OF_PARTS}
    assert found == BITS_OF_PARTS


def test_sums_at_the_bound_are_put_together_as_torch_does() -> None:
    parts = torch.randint(-(1 << 24), (1 << 24) + 1, (6, 7, 5, 3)).float()
    parts[0, :, 0, 0], parts[2, :, 0, 0], parts[4, :, 0, 0] = 1 << 24, -(1 << 24), 1 << 24
    parts = parts.contiguous(memory_format=torch.channels_last)
    gains = 2.0 ** -torch.arange(10, 17, dtype=torch.float64)
    offsets = torch.arange(-3, 4, dtype=torch.float64) * gains
    cut = Cut(3, 6)
    total = offsets.view(-1, 1, 1).clone()
    for part, scale in zip(parts.chunk(3), cut.scales, strict=True):
        total = total + part.double() * scale * gains.view(-1, 1, 1)
    whole = Grid(0, MOST_BITS)
    found = kernels.finished(parts, cut, Channels(gains, offsets), [rounding(whole, WHOLE)])
    assert_same(found, whole.settle(total))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_residual_blocks_are_the_same(dtype: torch.dtype) -> None:
    first, second = (a_conv(bits, kernel_size=3, padding=1) for bits in (11, 13))
    block = PortableResidualBlock(first, second, 0.01, Grid(11), GRID)
    assert_quick_and_same(block, numbers((2, 24, 18, 11), dtype))


@pytest.mark.parametrize("shape", [(2, 6, 9, 7), (1, 1, 24, 30), (1, 48, 40, 36), (1, 3, 1, 1)])
@pytest.mark.parametrize("reach", [0.7, 9.0, 1e6])
def test_warps_are_the_same(shape: tuple[int, ...], reach: float) -> None:
    batch, _, *sides = shape
    flow = reach * torch.randn(batch, 2, *sides)
    flow[0, :, 0, 0] = torch.tensor([float("inf"), float("-inf")])
    assert_quick_and_same(PortableWarp(GRID), torch.randn(shape), flow)


def test_flows_that_are_no_numbers_stay_within_the_picture() -> None:
    move = PortableWarp(GRID)
    move.quick = True
    assert torch.equal(
        move(torch.ones(1, 2, 4, 4), torch.full((1, 2, 4, 4), float("nan"))), torch.ones(1, 2, 4, 4)
    )


def test_warps_with_four_taps_are_weighed_sums() -> None:
    torch.manual_seed(0)
    pixels, flow = torch.randint(-99, 99, (1, 3, 6, 5)).float(), 4 * torch.randn(1, 2, 6, 5)
    weights = torch.randint(-9, 30, (4, 256)).double()
    whole = Grid(0, MOST_BITS)
    found = kernels.fetched(pixels, flow, weights, -1, 2.0**22, rounding(whole, WHOLE))
    right, down = (flow[0] * 256).round().long()
    for row in range(6):
        for column in range(5):
            y, x = (row << 8) + int(down[row, column]), (column << 8) + int(right[row, column])
            y, x = min(max(y, -512), 7 << 8), min(max(x, -512), 6 << 8)  # two pixels outside all taps are
            rows = [min(max((y >> 8) + tap, 0), 5) for tap in (-1, 0, 1, 2)]
            columns = [min(max((x >> 8) + tap, 0), 4) for tap in (-1, 0, 1, 2)]
            patch = pixels[0].double()[:, rows][:, :, columns]
            expected = torch.einsum("cij,i,j->c", patch, weights[:, y & 255], weights[:, x & 255])
            assert torch.equal(found[0, :, row, column].double(), expected)


def test_threads_change_nothing() -> None:
    x, threads = numbers((2, 48, 60, 70)), torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        assert_same(kernels.settled(x, [rounding(GRID, GRID.step)]), GRID.settle(x))
        assert_quick_and_same(PortableWarp(GRID), x, 5 * torch.randn(2, 2, 60, 70))
    finally:
        torch.set_num_threads(threads)


def test_kernels_leave_what_is_watched_to_torch(calls: list[str]) -> None:
    module, x = PortableOnGrid(GRID), numbers()
    module.hurry()
    with FakeTensorMode() as mode:
        module(mode.from_tensor(x))
    module(x.half())
    module(x[0])
    module(x.clone().requires_grad_())
    torch.compile(module, backend="eager", fullgraph=True)(x)
    assert not calls
    module(x)
    assert calls == ["grid_pass"]


def test_a_model_that_keeps_to_the_reference_takes_no_kernel(calls: list[str]) -> None:
    codec = a_quantized_model().codec
    data = codec.encode(pictures(), q=30)
    del calls[:]
    quick = tuple(codec.decode(data))
    assert set(calls) == {"grid_pass", "grid_warp"}
    try:
        keep_to_the_reference(codec)
        del calls[:]
        slow = tuple(codec.decode(data))
        assert not calls
        assert not any(module.quick for _, module in portable_modules(codec))
    finally:
        make_ready(codec)
    assert len(quick) == len(slow) == 3
    assert all(one.same(other) for one, other in zip(quick, slow, strict=True))


FLAT = (1.0, 1.0, -8.0, 7.0, 1.0)


def array(size: int = 6, dtype: type = np.float32) -> np.ndarray:
    return np.zeros(size, dtype)


@pytest.mark.parametrize(
    "given",
    [
        {"out": array(5)},
        {"out": array(6), "cuts": 2},
        {"scales": [1.0, 2.0]},
        {"scales": [1.0, 1.0, 1.0, 1.0]},
        {"scales": []},
        {"gains": array(4, np.float64), "offsets": array(4, np.float64)},
        {"gains": array(3, np.float64)},
        {"added": array(5)},
        {"added": array(6), "roundings": []},
        {"roundings": [FLAT] * 4},
        {"roundings": [(1.0, float("nan"), -8.0, 7.0, 1.0)]},
        {"roundings": [(1.0, 1.0, -8.5, 7.0, 1.0)]},
        {"roundings": [(1.0, 1.0, -8.0, 1e300, 1.0)]},
        {"cuts": 0},
        {"bits": 0},
        {"bits": 60},
        {"source": array(6, np.int32)},
        {"source": array(12)[::2]},
        {"out": array(6, np.float64)},
        {"path": "none such"},
    ],
)
def test_a_pass_refuses_what_does_not_fit(given: dict[str, object]) -> None:
    right: dict[str, object] = {"source": array(), "out": array(), "roundings": [FLAT]}
    _coder.grid_pass(**right)  # pyright: ignore[reportArgumentType]
    with pytest.raises((ShapeError, SettingError)):
        _coder.grid_pass(**(right | given))  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    "given",
    [
        {"flow": array(30)},
        {"out": array(47)},
        {"pixels": array(48)},
        {"weights": np.zeros((3, 4))},
        {"weights": np.zeros((2, 3))},
        {"weights": np.zeros((2, 2048))},
        {"first_tap": 1},
        {"first_tap": -2},
        {"most_shift": 1e30},
        {"most_shift": float("nan")},
    ],
)
def test_a_warp_refuses_what_does_not_fit(given: dict[str, object]) -> None:
    right: dict[str, object] = {
        "pixels": np.zeros((1, 4, 4, 3), np.float32),
        "flow": array(32),
        "weights": np.zeros((2, 4)),
        "out": array(48),
        "first_tap": 0,
        "most_shift": 64.0,
        "rounding": FLAT,
    }
    _coder.grid_warp(**right)  # pyright: ignore[reportArgumentType]
    with pytest.raises((ShapeError, SettingError)):
        _coder.grid_warp(**(right | given))  # pyright: ignore[reportArgumentType]
