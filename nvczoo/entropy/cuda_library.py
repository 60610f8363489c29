"""The functions of csrc/cuda/library.cpp: of the optional CUDA library, and of the emulator of a warp."""

import ctypes
import os
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_uint, c_uint32, c_uint64, c_void_p
from functools import cache
from pathlib import Path
from typing import NoReturn

import numpy as np

from nvczoo import _coder
from nvczoo.errors import (
    CorruptStream,
    NvczooError,
    SettingError,
    ShapeError,
    TableMismatch,
    TruncatedStream,
    UnsupportedStream,
)
from nvczoo.interfaces import TableSet

INTERFACE = 2  # what csrc/cuda/library.cpp says of itself
NO_FINGERPRINT = 256
MAX_STREAMS = 1024
PLACE = "NVCZOO_CUDA_LIBRARY"  # in the environment: the library's file
NAME = "libnvczoo_cuda.so"

# In the order of `Outcome` in csrc/cuda/library.cpp.
_ERRORS = (
    *(ShapeError, SettingError, CorruptStream, TruncatedStream, UnsupportedStream, TableMismatch),
    NvczooError,
)
_SIGNATURES = {
    "tables": (c_void_p, c_size_t, c_void_p, c_void_p, c_size_t, c_uint, POINTER(c_void_p)),
    "forget_tables": (c_void_p,),
    "tables_size": (c_void_p,),
    "tables_checksum": (c_void_p,),
    "pack_tables": (c_void_p, c_void_p),
    "open": (c_void_p, c_size_t, c_void_p, c_void_p, POINTER(c_uint), POINTER(c_uint)),
    "decode": (c_void_p, c_uint, c_uint, c_void_p, c_void_p, c_void_p, c_int, c_void_p, c_uint64, c_void_p),
    "finish": (c_void_p, c_uint, c_void_p, c_void_p),
    "raise": (c_uint32,),
    "pack_part": (c_void_p, c_void_p, c_void_p, c_void_p, c_int, c_uint64, c_void_p),
    "encode": (c_void_p, c_uint, c_void_p, c_uint, c_uint, c_void_p, c_uint64, c_void_p),
    "gather": (c_void_p, c_uint, c_void_p, c_void_p, c_void_p),
    "encoded": (c_void_p, c_uint, POINTER(c_uint64)),
    "blob": (c_void_p, c_uint, c_void_p, c_uint, c_int, c_uint, c_void_p),
    "devices": (POINTER(c_int),),
}
_RESULTS = {
    "tables_size": c_size_t,
    "tables_checksum": c_uint,
    "encoded": c_uint32,
    "blob": c_size_t,
    "forget_tables": None,
    "pack_tables": None,
    "pack_part": None,
}


class CudaLibrary:
    """Calls by name; those that report an error raise it."""

    def __init__(self, file: str) -> None:
        self._library = ctypes.CDLL(file)
        self._library.nvczoo_cuda_message.restype = c_char_p
        if self._library.nvczoo_cuda_interface() != INTERFACE:
            raise SettingError(f"{file} was built for another version of nvczoo; build it again")
        for name, types in _SIGNATURES.items():
            function = getattr(self._library, f"nvczoo_cuda_{name}")
            function.argtypes, function.restype = types, _RESULTS.get(name, c_int)
        self.stream_size, self.part_size, self.encoded_size = (
            getattr(self._library, f"nvczoo_cuda_{kind}_size")() for kind in ("stream", "part", "encoded")
        )

    def call(self, name: str, *arguments: object) -> int:
        """Return what the function returns, or raise the error that it reports."""
        result = getattr(self._library, f"nvczoo_cuda_{name}")(*arguments)
        if name not in _RESULTS and result:
            self._fail(result)
        return result

    def devices(self) -> int:
        """Return how many GPUs there are; raises if there is no driver."""
        count = c_int()
        self.call("devices", byref(count))
        return count.value

    def _fail(self, outcome: int) -> NoReturn:
        raise _ERRORS[outcome - 1](self._library.nvczoo_cuda_message().decode())


class HostTables:
    """Tables checked by the library, before they are brought to a device."""

    def __init__(self, library: CudaLibrary, tables: TableSet) -> None:
        self._library = library
        arrays = (
            np.ascontiguousarray(tables.cdfs, np.uint32),
            np.ascontiguousarray(tables.sizes, np.int32),
            np.ascontiguousarray(tables.offsets, np.int32),
        )
        cdfs, sizes, offsets = (array.ctypes.data for array in arrays)
        self.handle = c_void_p()
        library.call(
            "tables",
            *(cdfs, arrays[0].size, sizes, offsets, arrays[1].size, tables.precision, byref(self.handle)),
        )

    def packed(self) -> np.ndarray:
        """Return the bytes that belong on the device, uint8."""
        out = np.empty(self._library.call("tables_size", self.handle), np.uint8)
        self._library.call("pack_tables", self.handle, out.ctypes.data)
        return out

    @property
    def fingerprint(self) -> int:
        """The byte by which a stream names these tables."""
        return self._library.call("tables_checksum", self.handle) & 0xFF

    def __del__(self) -> None:
        if self.handle:
            self._library.call("forget_tables", self.handle)


@cache
def emulator() -> CudaLibrary:
    """Return the library that acts out warps on the CPU: a part of the extension, there for tests."""
    return CudaLibrary(str(_coder.__file__))


@cache
def cuda() -> CudaLibrary:
    """Return the library for CUDA, loaded when first asked for; raises SettingError if it is not there."""
    beside = Path(str(_coder.__file__)).parent / NAME  # where it is installed to
    file = os.environ.get(PLACE, str(beside))
    if not Path(file).exists():
        raise SettingError(
            f"The coder's library for CUDA is not here ({file}); install nvczoo with "
            f"`pip install . -C cmake.define.NVCZOO_CUDA=ON`, which needs nvcc, or name the file in {PLACE}"
        )
    return CudaLibrary(file)
