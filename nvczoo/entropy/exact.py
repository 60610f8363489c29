"""Functions of float64 arrays that give the same bits on every machine.

They use + - * / and square roots, which IEEE 754 rounds in one way only, in a fixed order; no
mathematical library stands between two machines. Errors are a few units in the last place.
"""

import numpy as np

from nvczoo import _coder

TWO_OVER_ROOT_PI = 1.1283791670955126
ERF_TERMS = 160  # x**2 to the power 160 over 321!! is below 2**-60 for x < ERF_ONE
ERF_ONE = 6.0  # from here on erf rounds to 1


def exp(x: np.ndarray) -> np.ndarray:
    """Return e**x, 0 and inf beyond the range of float64."""
    values = np.asarray(x, dtype=np.float64, order="C")
    out = np.empty_like(values)
    _coder.exact_exp(values, out)
    return out


def log(x: np.ndarray) -> np.ndarray:
    """Return the natural logarithm; -inf at 0 and NaN below."""
    values = np.asarray(x, dtype=np.float64, order="C")
    out = np.empty_like(values)
    _coder.exact_log(values, out)
    return out


def sigmoid(x: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + e**-x)."""
    x = np.asarray(x, dtype=np.float64)
    tail = exp(-np.abs(x))
    return np.where(x < 0, tail, 1.0) / (1.0 + tail)


def tanh(x: np.ndarray) -> np.ndarray:
    """Return the hyperbolic tangent; absolute error below 2**-51, so small results lose digits."""
    x = np.asarray(x, dtype=np.float64)
    tail = exp(-2.0 * np.abs(x))
    return np.where(x < 0, -1.0, 1.0) * ((1.0 - tail) / (1.0 + tail))


def softplus(x: np.ndarray) -> np.ndarray:
    """Return log(1 + e**x); error below 2**-51 of the larger of 1 and x, so small results lose digits."""
    x = np.asarray(x, dtype=np.float64)
    return np.where(x < 0, 0.0, x) + log(1.0 + exp(-np.abs(x)))


def erf(x: np.ndarray) -> np.ndarray:
    """Return the error function; absolute error below 2**-48."""
    x = np.asarray(x, dtype=np.float64)
    positive = np.abs(x)
    inside = np.where(positive < ERF_ONE, positive, 0.0)
    term = inside
    total = inside
    for n in range(1, ERF_TERMS):  # the series whose terms are all positive: nothing cancels
        term = term * (inside * inside) / (n + 0.5)
        total = total + term
    value = TWO_OVER_ROOT_PI * exp(-inside * inside) * total
    return np.where(x < 0, -1.0, 1.0) * np.where(positive < ERF_ONE, value, 1.0)
