import pytest
import torch

from nvczoo.errors import SettingError
from nvczoo.portable import Grid
from nvczoo.portable.bounds import low_bits, prove, reach


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


def test_light_weights_need_one_sum_heavier_ones_two_and_the_heaviest_have_none() -> None:
    grid = Grid(8)
    assert low_bits(torch.full((1, 512), 1), grid) == 16
    assert low_bits(torch.full((1, 576), 127), grid) == 8
    assert low_bits(torch.full((1, 576), 32767), grid) is None


def test_both_parts_of_a_split_stay_within_the_bound() -> None:
    for heaviest in range(513, 1 << 17, 997):
        low = low_bits(torch.full((1, 1), heaviest), Grid(8))
        if low is not None:
            assert heaviest << (low - 1) <= 1 << 24
            assert heaviest << (15 - low) <= 1 << 24
        assert (low is None) == (heaviest > 1 << 17)
