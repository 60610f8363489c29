from collections.abc import Sequence

import numpy as np

class Tables:
    def __init__(self, cdfs: np.ndarray, sizes: np.ndarray, offsets: np.ndarray, precision: int) -> None: ...
    @property
    def checksum(self) -> int: ...

class Encoder:
    def __init__(
        self,
        lanes: int = 0,
        streams: int = 1,
        checksum: bool = False,
        fingerprint: bool = False,
        threads: int = 1,
        path: str = "",
        for_gpu: bool = False,
    ) -> None: ...
    def push(self, symbols: np.ndarray, indexes: np.ndarray, tables: Tables, inner: int = 0) -> None: ...
    def finish(self) -> bytes: ...

class Decoder:
    def __init__(self, data: bytes | memoryview, threads: int = 1, path: str = "") -> None: ...
    def decode(self, indexes: np.ndarray, tables: Tables, out: np.ndarray, inner: int = 0) -> None: ...
    def finish(self) -> None: ...

def paths() -> list[str]: ...
def path(name: str = "") -> str: ...
def crc32c(data: bytes | memoryview | np.ndarray, initial: int = 0) -> int: ...
def exact_exp(values: np.ndarray, out: np.ndarray) -> None: ...
def exact_log(values: np.ndarray, out: np.ndarray) -> None: ...
def grid_pass(
    source: np.ndarray,
    out: np.ndarray,
    roundings: Sequence[tuple[float, float, float, float, float]],
    scales: Sequence[float] = ...,
    gains: np.ndarray | None = None,
    offsets: np.ndarray | None = None,
    added: np.ndarray | None = None,
    added_rounding: tuple[float, float, float, float, float] = ...,
    cuts: int = 1,
    bits: int = 1,
    threads: int = 1,
    path: str = "",
) -> None: ...
def grid_warp(
    pixels: np.ndarray,
    flow: np.ndarray,
    weights: np.ndarray,
    out: np.ndarray,
    first_tap: int,
    most_shift: float,
    rounding: tuple[float, float, float, float, float],
    threads: int = 1,
    path: str = "",
) -> None: ...
