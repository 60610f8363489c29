"""Integer probability tables, identical on every platform.

Float64 serves up to a fixed point of 40 bits, and only through ``nvczoo.entropy.exact``; all further
steps are integer arithmetic. docs/coder.md states the rules.
"""

import hashlib
from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import cache
from heapq import heapify, heapreplace

import numpy as np

from nvczoo.entropy import exact
from nvczoo.entropy.ladder import SCALE_BITS, SCALES
from nvczoo.errors import SettingError, ShapeError
from nvczoo.interfaces import TableSet
from nvczoo.interfaces.coder import MAX_TABLE_SYMBOLS

PRECISION = 14  # bits; more costs rate in the coder, less in the tables
FIXED_POINT_BITS = 40
ONE = 1 << FIXED_POINT_BITS
REACH = MAX_TABLE_SYMBOLS // 2 - 1  # a zero-mean row runs from -REACH to REACH at most
ROOT_HALF = 0.7071067811865476
PMF_SLACK = 1e-6  # a probability mass function may exceed 1 by this much


def quantise(weights: np.ndarray, precision: int = PRECISION) -> np.ndarray:
    """Return frequencies >= 1 that sum to 2**precision, in proportion to int64 ``weights``.

    A deficit goes to the largest remainders, a surplus is taken where it costs least; among
    equals the lower index comes first. Weights must be below 2**46.
    """
    total = 1 << precision
    if not 1 <= weights.size <= total:
        raise ShapeError(f"a table row of {precision} bits holds 1 to {total} symbols, not {weights.size}")
    whole = int(weights.sum())
    if whole <= 0 or int(weights.min()) < 0:
        raise SettingError("the weights of a table row must not be negative, nor all zero")
    scaled = weights.astype(np.int64) * total
    shares = scaled // whole
    frequencies = np.maximum(shares, 1)
    missing = total - int(frequencies.sum())
    if missing >= 0:
        remainders = np.where(shares > 0, scaled % whole, -1)
        frequencies[np.argsort(-remainders, kind="stable")[:missing]] += 1
    else:
        _take(frequencies, weights, -missing)
    return frequencies


def _take(frequencies: np.ndarray, weights: np.ndarray, surplus: int) -> None:
    """Lower ``frequencies`` by ``surplus`` units, each where weight / (frequency - 1) is smallest."""
    heap = [
        (Fraction(int(weights[i]), int(frequencies[i]) - 1), int(i)) for i in np.flatnonzero(frequencies > 1)
    ]
    heapify(heap)
    for _ in range(surplus):
        _, i = heap[0]
        frequencies[i] -= 1
        left = int(frequencies[i]) - 1
        # A symbol at frequency 1 has nothing to give: it sorts behind all others.
        price = Fraction(int(weights[i]), left) if left else Fraction(1 << 64)
        heapreplace(heap, (price, i))


def _table_set(rows: Iterable[tuple[np.ndarray, int]], precision: int) -> TableSet:
    """Return a TableSet from (weights with the escape's last, smallest symbol) of each row."""
    rows = list(rows)
    cdfs = [np.concatenate(([0], np.cumsum(quantise(weights, precision)))) for weights, _ in rows]
    arrays = (
        np.concatenate(cdfs).astype(np.uint32),
        np.array([weights.size for weights, _ in rows], dtype=np.int32),
        np.array([offset for _, offset in rows], dtype=np.int32),
    )
    for array in arrays:
        array.setflags(write=False)
    return TableSet(*arrays, precision=precision)


def _zero_mean(survival: Callable[[np.ndarray], np.ndarray], precision: int) -> TableSet:
    """Return one row per rung of the ladder; ``survival(x)`` is the mass above x >= 0 at scale 1."""
    edges = np.arange(REACH + 1) + 0.5
    rows = []
    for scale in SCALES:
        above = np.floor(survival(edges / (scale / 2.0**SCALE_BITS)) * ONE + 0.5).astype(np.int64)
        sides = above[:-1] - above[1:]  # of 1, 2, 3 ...
        reach = int(np.count_nonzero(sides >= ONE >> precision))
        sides = sides[:reach]
        weights = np.concatenate((sides[::-1], [ONE - 2 * above[0]], sides, [2 * above[reach]]))
        rows.append((weights, -reach))
    return _table_set(rows, precision)


@cache
def laplace_tables(precision: int = PRECISION) -> TableSet:
    """Return the zero-mean Laplace tables, one row per rung of the ladder."""
    return _zero_mean(lambda x: 0.5 * exact.exp(-x), precision)


@cache
def gaussian_tables(precision: int = PRECISION) -> TableSet:
    """Return the zero-mean Gaussian tables, one row per rung of the ladder."""
    return _zero_mean(lambda x: 0.5 * (1.0 - exact.erf(x * ROOT_HALF)), precision)


@cache
def logistic_tables(precision: int = PRECISION) -> TableSet:
    """Return the zero-mean logistic tables, one row per rung of the ladder."""
    return _zero_mean(lambda x: exact.sigmoid(-x), precision)


def tables_from_pmf(pmf: np.ndarray, offsets: np.ndarray, precision: int = PRECISION) -> TableSet:
    """Return tables for probabilities ``pmf`` [R, S], float64, of the integers from ``offsets`` [R] on.

    Each row is cut to the symbols from the first to the last of probability 2**-precision or
    more; what is left of 1 goes to the escape. The result is as reproducible as ``pmf`` is.
    """
    pmf = np.asarray(pmf, dtype=np.float64)
    if pmf.ndim != 2 or np.shape(offsets) != pmf.shape[:1] or not pmf.size:
        raise ShapeError(f"pmf must be [R, S] and offsets [R]; got {pmf.shape} and {np.shape(offsets)}")
    # Written so that NaN fails too.
    if not (pmf.min() >= 0 and (np.cumsum(pmf, axis=1)[:, -1] <= 1 + PMF_SLACK).all()):
        raise SettingError("the rows of a pmf must not be negative, nor sum to more than 1")
    fixed = np.floor(pmf * ONE + 0.5).astype(np.int64)
    rows = []
    for weights, offset in zip(fixed, offsets, strict=True):
        kept = np.flatnonzero(weights >= min(ONE >> precision, int(weights.max())))
        first, last = int(kept[0]), int(kept[-1])
        inside = weights[first : last + 1]
        if inside.size >= MAX_TABLE_SYMBOLS:
            raise ShapeError(f"a row has {inside.size} likely symbols; {MAX_TABLE_SYMBOLS - 1} fit a table")
        rows.append((np.concatenate((inside, [max(ONE - int(inside.sum()), 0)])), int(offset) + first))
    return _table_set(rows, precision)


def tables_from_cdfs(
    cdfs: np.ndarray, sizes: np.ndarray, offsets: np.ndarray, precision: int = PRECISION
) -> TableSet:
    """Return tables for cumulative frequencies as CompressAI keeps them, requantised.

    ``cdfs`` [R, L] are integers, ``sizes`` [R] the used length of each row (symbols + 1, the last
    symbol being the escape), ``offsets`` [R] the smallest symbol of each row.
    """
    cdfs, sizes, offsets = (np.asarray(array) for array in (cdfs, sizes, offsets))
    if cdfs.ndim != 2 or sizes.shape != cdfs.shape[:1] or offsets.shape != cdfs.shape[:1] or not cdfs.size:
        raise ShapeError(
            f"cdfs must be [R, L], sizes and offsets [R]; got {cdfs.shape}, {sizes.shape}, {offsets.shape}"
        )
    longest = min(cdfs.shape[1], MAX_TABLE_SYMBOLS + 1)
    if sizes.min() < 3 or sizes.max() > longest:
        raise ShapeError(f"the sizes of the rows must lie in 3..{longest}; got {sizes.min()}..{sizes.max()}")
    rows = (
        (np.diff(row[:size].astype(np.int64)), int(offset))
        for row, size, offset in zip(cdfs, sizes, offsets, strict=True)
    )
    return _table_set(rows, precision)


def frequencies(tables: TableSet) -> np.ndarray:
    """Return the frequency of every symbol of every row, int64 [sum(sizes)]."""
    steps = np.diff(tables.cdfs.astype(np.int64))
    between_rows = np.cumsum(tables.sizes + 1)[:-1] - 1
    return np.delete(steps, between_rows)


def table_bits(tables: TableSet) -> np.ndarray:
    """Return the price in bits of every symbol of every row, float64 [sum(sizes)]; to report with."""
    with np.errstate(divide="ignore"):  # an escape without a frequency costs infinity
        return tables.precision - np.log2(frequencies(tables))


def fingerprint(tables: TableSet) -> str:
    """Return the SHA-256 of all integers of the tables, as hexadecimal digits."""
    digest = hashlib.sha256(f"nvczoo tables {tables.precision} {tables.sizes.size}\n".encode())
    for array, kind in ((tables.sizes, "<i4"), (tables.offsets, "<i4"), (tables.cdfs, "<u4")):
        digest.update(np.ascontiguousarray(array, dtype=kind).tobytes())
    return digest.hexdigest()
