"""The ladder of scales that zero-mean distributions are tabulated on.

Rung ``i`` is the scale 2**(i/6 - 4.5): 64 rungs, six to the octave, 0.044 to 64. A scale half a
rung off costs less than 0.1 % in rate, and at the lowest rung a zero costs 2e-5 bit.
Networks predict the *position* on the ladder, a real number, so that the rung is found by rounding
alone and no logarithm stands between encoder and decoder.
"""

RUNGS = 64
RUNGS_PER_OCTAVE = 6
LOWEST_OCTAVE = -4.5
SCALE_BITS = 32  # scales are given as integers in units of 2**-32


def _integer_root(value: int, degree: int) -> int:
    """Return the rounded-down ``degree``-th root of a positive integer."""
    low, high = 0, 1 << (value.bit_length() // degree + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**degree <= value else (low, middle)
    return low


def rung_scale(rung: int) -> int:
    """Return the scale of a rung in units of 2**-SCALE_BITS, found in integers alone."""
    sixths = rung + round(LOWEST_OCTAVE * RUNGS_PER_OCTAVE) + SCALE_BITS * RUNGS_PER_OCTAVE
    return _integer_root(1 << sixths, RUNGS_PER_OCTAVE)


SCALES = tuple(rung_scale(rung) for rung in range(RUNGS))
