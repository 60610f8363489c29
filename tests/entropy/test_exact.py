"""The functions must be accurate, and give the same bits everywhere."""

import hashlib
import math

import numpy as np
import pytest
import torch

from nvczoo.entropy import exact
from nvczoo.errors import ShapeError

UNIT = 2.0**-52
GOLDEN = {
    "exp": "58d0c775af361f9a",
    "log": "dc9f80fb8e606fc7",
    "sigmoid": "54076e80c5ecf68f",
    "tanh": "e6ba43154e30b988",
    "softplus": "f49697960b426809",
    "erf": "4d38e7776a837b30",
}


def relative(got: np.ndarray, wanted: np.ndarray) -> float:
    return float((np.abs(got - wanted) / np.abs(wanted)).max())


def test_exp_is_accurate_to_two_units() -> None:
    x = np.linspace(-700, 709, 100_001)
    assert relative(exact.exp(x), np.exp(x)) < 2 * UNIT


def test_exp_reaches_its_limits_quietly() -> None:
    got = exact.exp(np.array([-1e300, -746.0, -745.0, 0.0, 709.75, 710.0, np.inf, -np.inf, np.nan]))
    assert got[:2].tolist() == [0.0, 0.0]
    assert got[2] == 5e-324
    assert got[3] == 1.0
    assert got[4] == pytest.approx(math.exp(709.75), rel=2 * UNIT)
    assert got[5:8].tolist() == [math.inf, math.inf, 0.0]
    assert math.isnan(got[8])


def test_log_is_accurate_to_four_units() -> None:
    x = np.concatenate(
        (np.linspace(0.25, 0.999, 50_001), np.linspace(1.001, 9, 50_001), 2.0 ** np.arange(-1000, 1000))
    )
    x = x[x != 1]
    assert relative(exact.log(x), np.log(x)) < 4 * UNIT


def test_log_reaches_its_limits_quietly() -> None:
    got = exact.log(np.array([0.0, -0.0, -1.0, 1.0, 5e-324, np.inf, np.nan]))
    assert got[:2].tolist() == [-math.inf, -math.inf]
    assert math.isnan(got[2])
    assert got[3] == 0.0
    assert got[4] == pytest.approx(math.log(5e-324), rel=4 * UNIT)
    assert got[5] == math.inf
    assert math.isnan(got[6])


def test_the_other_functions_are_accurate() -> None:
    x = np.linspace(-40, 40, 20_001)
    wanted = torch.from_numpy(x)
    assert relative(exact.sigmoid(x), torch.sigmoid(wanted).numpy()) < 8 * UNIT
    assert np.abs(exact.tanh(x) - np.tanh(x)).max() < 2 * UNIT
    assert (np.abs(exact.softplus(x) - np.logaddexp(0, x)) < 2 * UNIT * np.maximum(1, x)).all()
    assert np.abs(exact.erf(x) - torch.erf(wanted).numpy()).max() < 16 * UNIT


def test_shapes_are_kept() -> None:
    assert exact.exp(np.zeros((2, 3, 4))).shape == (2, 3, 4)
    assert exact.log(np.float64(1.0)).shape == ()
    assert exact.exp(np.zeros((0,))).shape == (0,)


def test_a_view_that_is_not_contiguous_is_computed_in_its_own_order() -> None:
    x = np.arange(12.0).reshape(3, 4).T
    assert np.array_equal(exact.exp(x), np.stack([exact.exp(row) for row in x]))


def test_the_binding_refuses_other_types_and_sizes() -> None:
    from nvczoo import _coder

    with pytest.raises(ShapeError, match="values must be contiguous"):
        _coder.exact_exp(np.zeros(3, dtype=np.float32), np.zeros(3))
    with pytest.raises(ShapeError, match="same number"):
        _coder.exact_exp(np.zeros(3), np.zeros(4))


@pytest.mark.parametrize("name", GOLDEN)
def test_the_bits_are_those_of_every_other_machine(name: str) -> None:
    grid = np.arange(-4096, 4097) / 128.0
    x = (grid + 32.5) if name == "log" else grid
    digest = hashlib.sha256(getattr(exact, name)(x).astype("<f8").tobytes()).hexdigest()
    assert digest[:16] == GOLDEN[name]
