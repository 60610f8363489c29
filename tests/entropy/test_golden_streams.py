"""Streams that were written once and are kept: whoever changes the format finds out here."""

from pathlib import Path

import numpy as np
import pytest
import torch
from coder_cases import Part, decode, encode

from nvczoo.entropy.coders import NativeCoder, ReferenceCoder, paths
from nvczoo.entropy.tables import laplace_tables
from nvczoo.interfaces import EntropyCoder

GOLDEN = Path(__file__).parent / "golden"  # made by the make.py there
WORKLOADS = ("W1", "W2", "W3")
CODERS = (*paths(), "reference")
ARRAYS = {"symbols", "rows", "cut"}


def coder(name: str, options: str) -> EntropyCoder:
    lanes, streams, checksum, fingerprint = map(int, options.split("-"))
    if name == "reference":
        return ReferenceCoder(lanes, streams, bool(checksum), bool(fingerprint))
    return NativeCoder(lanes, streams, bool(checksum), bool(fingerprint), path=name)


def load(workload: str) -> tuple[list[Part], dict[str, bytes]]:
    with np.load(GOLDEN / f"{workload}.npz") as file:
        symbols, rows, cut = file["symbols"], file["rows"], int(file["cut"])
        streams = {name: file[name].tobytes() for name in file.files if name not in ARRAYS}
    parts = [
        Part(torch.from_numpy(symbols[part]), torch.from_numpy(rows[part]), laplace_tables())
        for part in (slice(cut), slice(cut, None))
    ]
    return parts, streams


@pytest.mark.parametrize("name", CODERS)
@pytest.mark.parametrize("workload", WORKLOADS)
def test_kept_streams_are_read_and_written_alike(workload: str, name: str) -> None:
    parts, streams = load(workload)
    assert len(streams) == 7
    for options, data in streams.items():
        for part, symbols in zip(parts, decode(coder(name, options), data, parts), strict=True):
            assert torch.equal(part.symbols, symbols), options
        assert encode(coder(name, options), parts) == data, options


def test_kept_streams_hold_what_they_should() -> None:
    for workload in WORKLOADS:
        parts, _ = load(workload)
        symbols = torch.cat([part.symbols for part in parts])
        assert {int(symbols.min()), int(symbols.max())} == {-(2**31), 2**31 - 1}
