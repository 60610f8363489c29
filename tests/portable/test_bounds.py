import pytest
import torch

from nvczoo.errors import SettingError
from nvczoo.portable import Grid
from nvczoo.portable.bounds import part_bits, parts_needed, prove, reach


def test_the_bound_is_met_by_the_worst_input() -> None:
    torch.manual_seed(0)
    weight = torch.randint(-127, 128, (4, 3, 3, 3))
    bias = torch.tensor([5, -7, 0, 100])
    signs = weight.sign() * torch.where(bias < 0, -1, 1).view(-1, 1, 1, 1)
    worst = [int((weight[o] * 9 * signs[o]).sum() + bias[o]) for o in range(4)]
    assert reach(weight, bias, 9) == max(abs(one) for one in worst)


@pytest.mark.parametrize(("dtype", "bits"), [(torch.float32, 24), (torch.float64, 53)])
def test_a_proof_ends_where_the_type_does(dtype: torch.dtype, bits: int) -> None:
    prove("x", 1 << bits, dtype)
    assert float(torch.tensor(1 << bits, dtype=dtype) + 1) == 1 << bits  # one more is lost
    with pytest.raises(SettingError, match="fewer bits"):
        prove("x", (1 << bits) + 1, dtype)


def test_light_weights_need_one_sum_heavier_ones_more_and_the_heaviest_have_none() -> None:
    grid = Grid(8)
    assert parts_needed(torch.full((1, 512), 1), grid) == 1
    assert parts_needed(torch.full((1, 576), 127), grid) == 2
    assert parts_needed(torch.full((1, 576), 700), grid) == 3
    assert parts_needed(torch.full((1, 576), 32767), grid) is None


def test_each_part_of_a_cut_stays_within_the_bound_and_no_fewer_would() -> None:
    grid = Grid(8)
    for heaviest in range(513, 1 << 20, 997):
        parts = parts_needed(torch.full((1, 1), heaviest), grid)
        if parts is not None:
            assert heaviest << (part_bits(grid, parts) - 1) <= 1 << 24
        fewer = (parts or 4) - 1
        assert fewer == 0 or heaviest << (part_bits(grid, fewer) - 1) > 1 << 24
