"""Every path of the native coder writes the same bytes, reads what any wrote, and fails alike."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from coder_cases import (
    LANES,
    Part,
    counted_part,
    decode,
    encode,
    laplace_part,
    random_part,
    random_parts,
    random_tables,
    table_set,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from nvczoo.entropy.coders import NativeCoder, active_path, paths
from nvczoo.entropy.tables import PRECISION, gaussian_tables, laplace_tables
from nvczoo.errors import SettingError, StreamError

PATHS = paths()


def outcome(data: bytes, parts: list[Part], path: str) -> list[list[int]] | type[StreamError]:
    try:
        return [symbols.tolist() for symbols in decode(NativeCoder(path=path), data, parts)]
    except StreamError as error:
        return type(error)


def check(parts: list[Part], lanes: int, streams: int = 1) -> None:
    written = {encode(NativeCoder(lanes, streams, path=path), parts) for path in PATHS}
    assert len(written) == 1
    (data,) = written
    for path in PATHS:
        for part, symbols in zip(parts, decode(NativeCoder(path=path), data, parts), strict=True):
            assert torch.equal(part.symbols, symbols), path


def test_every_machine_has_the_scalar_path_and_the_emulator_of_a_warp() -> None:
    assert PATHS[-2:] == ["scalar", "emulator"]
    assert active_path() in PATHS


@settings(max_examples=150, deadline=None)
@given(random_parts(), st.sampled_from(LANES), st.sampled_from([1, 2, 5]))
def test_paths_agree_on_random_parts(parts: list[Part], lanes: int, streams: int) -> None:
    check(parts, lanes, streams)


@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 70_000),
    st.integers(0, 1 << 32),
    st.sampled_from([16, 32, 64]),
    st.sampled_from([0.0, 0.01]),
)
def test_paths_agree_on_long_parts(count: int, seed: int, lanes: int, escapes: float) -> None:
    rng = np.random.default_rng(seed)
    tables = random_tables(rng, int(rng.choice([1, 5, 64, 65, 300])), int(rng.choice([PRECISION, 12, 16])))
    check([random_part(rng, tables, count, len(tables.sizes) > 256, escapes)], lanes)


@pytest.mark.parametrize("lanes", LANES)
def test_paths_agree_on_several_passes_and_their_tail(lanes: int) -> None:
    sizes = (4_000, 1, 63, 64, 65, 1_277, 0, 2_500)
    parts = [laplace_part(laplace_tables(), size, 9.0, seed) for seed, size in enumerate(sizes)]
    check(parts, lanes)


@pytest.mark.parametrize("lanes", [16, 32, 64])
def test_paths_agree_on_every_quotient(lanes: int) -> None:
    # Vectors divide in floating point: states of all sizes by frequencies of all sizes.
    rng = np.random.default_rng(1)
    for precision in (12, PRECISION, 16):
        rows = [
            (np.array([1 << bits, max((1 << precision) - (1 << bits), 1), 1]), -1)
            for bits in range(precision)
        ]
        tables = table_set(rows, precision)
        check([random_part(rng, tables, 30_000, wide=False, escapes=0.001)], lanes)


@pytest.mark.parametrize("lanes", [1, 8, 16, 32, 64])
def test_truncation_is_told_alike(lanes: int) -> None:
    parts = [counted_part(laplace_tables(), 300), counted_part(gaussian_tables(), 100)]
    data = encode(NativeCoder(lanes), parts)
    for end in range(0, len(data), 3):
        kinds = {outcome(data[:end], parts, path) for path in PATHS}  # type: ignore[arg-type]
        assert len(kinds) == 1, end


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 1 << 32), st.sampled_from([4, 16, 32, 64]))
def test_damage_is_told_alike(seed: int, lanes: int) -> None:
    rng = np.random.default_rng(seed)
    parts = [
        laplace_part(laplace_tables(), 900, 30.0, seed),
        laplace_part(gaussian_tables(), 155, 30.0, seed),
    ]
    data = bytearray(encode(NativeCoder(lanes), parts))
    for _ in range(int(rng.integers(1, 4))):
        data[rng.integers(len(data))] = rng.integers(256)
    first, *others = (outcome(bytes(data), parts, path) for path in PATHS)
    assert all(first == other for other in others)


def test_threads_change_nothing() -> None:
    part = laplace_part(laplace_tables(), 200_000, 9.0)
    data = encode(NativeCoder(64, 7), [part])
    assert encode(NativeCoder(64, 7, threads=3), [part]) == data
    assert torch.equal(decode(NativeCoder(threads=3), data, [part])[0], part.symbols)
    with pytest.raises(StreamError):
        decode(NativeCoder(threads=3), data[:-3000], [part])


def test_an_unknown_path_is_refused_by_name() -> None:
    with pytest.raises(SettingError, match=r"You ask for the coder's path 'sse'; .* scalar, emulator"):
        NativeCoder(path="sse")


@pytest.mark.parametrize("path", ["scalar", "mmx"])
def test_the_environment_chooses_the_path(path: str) -> None:
    program = "from nvczoo import _coder; print(_coder.path())"
    environment = {**os.environ, "NVCZOO_CODER": path}
    run = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    if path == "scalar":
        assert run.stdout.strip() == "scalar"
    else:
        assert run.returncode != 0
        assert "NVCZOO_CODER asks for the coder's path 'mmx'" in run.stderr
