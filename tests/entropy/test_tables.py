"""Tables: every row sums up, costs little, and is the same everywhere."""

from math import fsum

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvczoo.entropy import tables as t
from nvczoo.entropy.coders import prepared
from nvczoo.entropy.ladder import RUNGS, SCALE_BITS, SCALES
from nvczoo.errors import SettingError, ShapeError
from nvczoo.interfaces import TableSet

GOLDEN = {
    "laplace": "ec658ebf4e7fe057",
    "gaussian": "f4a5b663c6baaecf",
    "logistic": "1ec178ff44dac515",
}
FAMILIES = {"laplace": t.laplace_tables, "gaussian": t.gaussian_tables, "logistic": t.logistic_tables}


def rows_of(tables: TableSet) -> list[np.ndarray]:
    return np.split(t.frequencies(tables), np.cumsum(tables.sizes)[:-1])


@pytest.mark.parametrize("name", FAMILIES)
def test_the_tables_are_those_of_every_other_machine(name: str) -> None:
    assert t.fingerprint(FAMILIES[name]())[:16] == GOLDEN[name]


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("precision", [12, 14, 16])
def test_ladder_tables_are_symmetric_and_complete(name: str, precision: int) -> None:
    tables = FAMILIES[name](precision)
    assert len(tables.sizes) == RUNGS
    for row, offset in zip(rows_of(tables), tables.offsets, strict=True):
        assert row.sum() == 1 << precision
        assert row.min() >= 1
        inside = row[:-1]
        assert offset == -(len(inside) // 2)
        assert np.abs(inside - inside[::-1]).max() <= 1
        assert inside[len(inside) // 2] >= inside.max() - 1


def laplace_probability(symbol: np.ndarray, scale: float) -> np.ndarray:
    outer = 0.5 * np.exp(-(np.abs(symbol) - 0.5) / scale) * -np.expm1(-1 / scale)
    return np.where(symbol == 0, -np.expm1(-0.5 / scale), outer)


def test_laplace_tables_cost_little_more_than_the_distribution() -> None:
    tables = t.laplace_tables()
    for row, offset, scale in zip(rows_of(tables), tables.offsets, SCALES, strict=True):
        symbols = np.arange(offset, offset + len(row) - 1)
        p = laplace_probability(symbols, scale / 2**SCALE_BITS)
        ideal = -fsum(p * np.log2(p))
        coded = fsum(p * (tables.precision - np.log2(row[:-1])))
        assert coded - ideal < 0.0005 * ideal + 0.0002


@given(
    arrays.arrays(np.int64, st.integers(1, 300), elements=st.integers(0, 1 << 40)).filter(
        lambda w: w.sum() > 0
    ),
    st.integers(12, 16),
)
def test_quantised_weights_sum_up_and_stay_near_their_share(weights: np.ndarray, precision: int) -> None:
    frequencies = t.quantise(weights, precision)
    assert frequencies.sum() == 1 << precision
    assert frequencies.min() >= 1
    shares = weights * (1 << precision) // weights.sum()
    assert (frequencies <= np.maximum(shares, 1) + 1).all()
    larger = weights[:, None] > weights[None, :]
    assert (frequencies[:, None] + 1 >= frequencies[None, :])[larger].all()


def test_a_deficit_goes_to_the_largest_remainders_the_lower_index_first() -> None:
    assert t.quantise(np.array([1, 1, 1]), 12).tolist() == [1366, 1365, 1365]


def test_a_surplus_is_taken_where_it_costs_least() -> None:
    frequencies = t.quantise(np.array([1 << 39, 1 << 39, 0, 0]), 12)
    assert frequencies.tolist() == [2047, 2047, 1, 1]
    frequencies = t.quantise(np.array([5, 4091, 0]), 12)
    assert frequencies.tolist() == [5, 4090, 1]


def test_as_many_symbols_as_the_table_is_long_share_it_evenly() -> None:
    assert (t.quantise(np.arange(4096), 12) == 1).all()


@pytest.mark.parametrize("weights", [[], [0, 0], [3, -1]])
def test_impossible_weights_are_refused(weights: list[int]) -> None:
    with pytest.raises(SettingError):
        t.quantise(np.array(weights, dtype=np.int64))


def test_a_pmf_is_cut_to_its_likely_symbols() -> None:
    pmf = np.array([[0.0, 1e-9, 0.25, 1e-7, 0.7, 1e-6], [0.5, 0.5, 0, 0, 0, 0]])
    tables = t.tables_from_pmf(pmf, np.array([-3, 7]))
    assert tables.offsets.tolist() == [-1, 7]
    assert tables.sizes.tolist() == [4, 3]
    rows = rows_of(tables)
    assert rows[0].tolist() == [4096, 1, 11468, 819]
    assert rows[1].tolist() == [8191, 8192, 1]


def test_a_pmf_without_likely_symbols_keeps_its_best() -> None:
    tables = t.tables_from_pmf(np.full((1, 100), 1e-7), np.array([0]))
    assert tables.sizes.tolist() == [101]
    assert rows_of(tables)[0][-1] == 16384 - 100


@pytest.mark.parametrize("bad", [-0.1, 1.1, np.nan, np.inf])
def test_a_pmf_that_is_none_is_refused(bad: float) -> None:
    with pytest.raises(SettingError):
        t.tables_from_pmf(np.array([[0.1, bad]]), np.array([0]))


def test_shapes_that_disagree_are_refused() -> None:
    with pytest.raises(ShapeError):
        t.tables_from_pmf(np.ones(3), np.zeros(3))
    with pytest.raises(ShapeError):
        t.tables_from_pmf(np.full((1, 5000), 1 / 5000), np.zeros(1))
    with pytest.raises(ShapeError):
        t.tables_from_cdfs(np.zeros((2, 5)), np.array([5]), np.array([0, 0]))
    with pytest.raises(ShapeError):
        t.tables_from_cdfs(np.zeros((1, 5)), np.array([6]), np.array([0]))


def test_compressai_tables_are_taken_over_in_proportion() -> None:
    models = pytest.importorskip("compressai.entropy_models")
    model = models.GaussianConditional([0.11, 1.0, 20.0])
    model.update_scale_table([0.11, 1.0, 20.0], force=True)
    cdfs, sizes, offsets = (
        buffer.numpy() for buffer in (model.quantized_cdf, model.cdf_length, model.offset)
    )
    tables = t.tables_from_cdfs(cdfs, sizes, offsets)
    prepared(tables)  # checks every row
    assert tables.offsets.tolist() == offsets.tolist()
    for row, cdf, size in zip(rows_of(tables), cdfs, sizes, strict=True):
        assert len(row) == size - 1
        wanted = np.diff(cdf[:size]) / 4
        assert (np.abs(row - np.maximum(wanted, 1)) <= np.maximum(0.01 * wanted, 1.01)).all()


def test_the_price_list_is_minus_log2_of_the_frequencies() -> None:
    tables = t.tables_from_pmf(np.array([[0.5, 0.25]]), np.array([0]))
    assert t.table_bits(tables).tolist() == [1.0, 2.0, 2.0]


def test_fingerprints_tell_apart_what_differs() -> None:
    pmf = np.array([[0.5, 0.25]])
    base = t.tables_from_pmf(pmf, np.array([0]))
    others = (
        t.tables_from_pmf(pmf, np.array([1])),
        t.tables_from_pmf(pmf, np.array([0]), precision=13),
        t.tables_from_pmf(pmf[:, ::-1], np.array([0])),
    )
    assert t.fingerprint(base) == t.fingerprint(t.tables_from_pmf(pmf, np.array([0])))
    assert len({t.fingerprint(tables) for tables in (base, *others)}) == 4
    assert len({prepared(tables).checksum for tables in (base, *others)}) == 4


def test_tables_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        t.laplace_tables().cdfs[0] = 1


ROW = (np.array([0, 5, 4096], np.uint32), np.array([2], np.int32), np.array([0], np.int32))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"precision": 11}, SettingError, "precision of 11"),
        ({"precision": 17}, SettingError, "precision of 17"),
        ({"precision": 13}, SettingError, "from 0 to 8192"),
        ({"cdfs": np.array([0, 0, 4096], np.uint32)}, SettingError, "needs a frequency"),
        ({"cdfs": np.array([1, 5, 4096], np.uint32)}, SettingError, "from 0 to 4096"),
        ({"cdfs": np.array([0, 5, 4096, 0], np.uint32)}, ShapeError, "more cumulative"),
        ({"cdfs": np.array([0, 4096], np.uint32)}, ShapeError, "end within"),
        ({"cdfs": np.zeros(0, np.uint32)}, ShapeError, "end within"),
        ({"sizes": np.array([1], np.int32)}, ShapeError, "1 symbols"),
        ({"sizes": np.array([-5], np.int32)}, ShapeError, "-5 symbols"),
        ({"sizes": np.array([4097], np.int32)}, ShapeError, "4097 symbols"),
        ({"sizes": np.zeros(0, np.int32), "offsets": np.zeros(0, np.int32)}, ShapeError, "1 to 4096 rows"),
        ({"offsets": np.array([0, 1], np.int32)}, ShapeError, "2 offsets"),
        ({"offsets": np.array([2**31 - 1], np.int32)}, SettingError, "do not fit"),
    ],
)
def test_the_coder_refuses_tables_that_could_mislead_it(change: dict, error: type, message: str) -> None:
    given = dict(zip(("cdfs", "sizes", "offsets"), ROW, strict=True)) | {"precision": 12} | change
    with pytest.raises(error, match=message):
        prepared(TableSet(**given))


def test_tables_are_prepared_once() -> None:
    tables = TableSet(*ROW, precision=12)
    assert prepared(tables) is prepared(tables)
