"""Made the golden streams, once: ``python tests/entropy/golden/make.py``. Never again for the same format.

Symbols are Laplace of 64 scales from 0.11 to 64: drawn evenly (W1, 4 bits a symbol), skewed to small ones
as in intra frames (W2, 0.9 bit), or as in inter frames (W3, 0.2 bit); a few escape.
"""

from pathlib import Path

import numpy as np
import torch

from nvczoo.entropy.coders import NativeCoder
from nvczoo.entropy.ladder import SCALE_BITS, SCALES
from nvczoo.entropy.tables import laplace_tables

HERE = Path(__file__).parent
SPREADS = {"W1": 1e9, "W2": 9.0, "W3": 2.5}
COUNT, CUT = 5_003, 3_211  # symbols, and those of them in the first part
ESCAPES = 4
# lanes, sub-streams, checksum, fingerprint
OPTIONS = [
    (1, 1, 0, 0),
    (4, 1, 1, 0),
    (8, 1, 0, 1),
    (16, 1, 0, 0),
    (32, 3, 1, 1),
    (64, 1, 0, 0),
    (64, 2, 0, 0),
]


def main() -> None:
    """Write a file per workload."""
    for name, spread in SPREADS.items():
        rng = np.random.default_rng(7)
        likelihood = np.exp(-np.arange(len(SCALES)) / spread)
        rows = rng.choice(len(SCALES), COUNT, p=likelihood / likelihood.sum()).astype(np.uint8)
        symbols = np.round(rng.laplace(0, np.array(SCALES)[rows] / 2**SCALE_BITS)).astype(np.int32)
        symbols[rng.choice(COUNT, ESCAPES, replace=False)] = (-(2**31), 2**31 - 1, 300, -70_000)
        streams = {}
        for options in OPTIONS:
            encoder = NativeCoder(*options[:2], *map(bool, options[2:])).encoder()
            for part in (slice(CUT), slice(CUT, None)):
                encoder.push(torch.from_numpy(symbols[part]), torch.from_numpy(rows[part]), laplace_tables())
            streams["-".join(map(str, options))] = np.frombuffer(encoder.finish(), np.uint8)
        np.savez_compressed(HERE / f"{name}.npz", symbols=symbols, rows=rows, cut=CUT, **streams)


if __name__ == "__main__":
    main()
