"""The coder on a GPU: a warp for each sub-stream, everything asynchronous until somebody asks for bytes.

The kernels compile for all their targets and their logic is tested by an emulator of warps, but they have
not run on a GPU yet. Memory and streams are torch's; the library itself is not linked to torch.
"""

from ctypes import byref, c_uint, c_uint64

import numpy as np
import torch
from torch import Tensor

from nvczoo.entropy import cuda_library
from nvczoo.entropy.coders import FORMAT
from nvczoo.entropy.cuda_library import MAX_STREAMS, NO_FINGERPRINT, CudaLibrary, HostTables
from nvczoo.errors import SettingError, ShapeError
from nvczoo.interfaces import EntropyCoder, TableSet

LANES = (1, 2, 4, 8, 16, 32, 64)
ESCAPE_WORDS = 4  # at most, beside the word of the escape itself
SPARE_WORDS = 64 * (ESCAPE_WORDS + 1) + 64  # room for the longest row that may come
NO_ROOM = 8  # Fault::kNoRoom in csrc/include/nvczoo/faults.hpp


def _cuda() -> CudaLibrary:
    if not torch.cuda.is_available():
        raise SettingError(
            "the coder 'cuda' needs a GPU, and torch finds none; 'native' codes on the processor, and reads "
            "and writes the same bytes"
        )
    return cuda_library.cuda()


class _Device:
    """Where to work, by which library, and the tables that are there."""

    def __init__(self, name: str) -> None:
        self.device = torch.device(name)
        self.library: CudaLibrary = cuda_library.emulator() if self.device.type == "cpu" else _cuda()
        self._tables: dict[int, tuple[TableSet, HostTables, Tensor]] = {}

    @property
    def queue(self) -> int:
        """The handle of torch's current stream."""
        if self.device.type == "cpu":
            return 0
        return torch.cuda.current_stream(self.device).cuda_stream

    def put(self, array: np.ndarray) -> Tensor:
        """Return a copy on the device."""
        return torch.from_numpy(array).to(self.device)

    def empty(self, count: int, dtype: torch.dtype = torch.uint8) -> Tensor:
        """Return memory of the device."""
        return torch.empty(count, dtype=dtype, device=self.device)

    def tables(self, tables: TableSet) -> tuple[HostTables, Tensor]:
        """Return the tables on the host and on the device, copied when first seen."""
        known = self._tables.get(id(tables))
        if known is None or known[0] is not tables:
            host = HostTables(self.library, tables)
            known = self._tables[id(tables)] = (tables, host, self.put(host.packed()))
        return known[1:]

    def bring(self, tensor: Tensor, kinds: tuple[torch.dtype, ...], name: str) -> Tensor:
        """Return the tensor, or a copy on the device of one on the CPU, if kernels can read it."""
        return self.check(tensor.to(self.device) if tensor.device.type == "cpu" else tensor, kinds, name)

    def check(self, tensor: Tensor, kinds: tuple[torch.dtype, ...], name: str) -> Tensor:
        """Return the tensor if kernels can read it where it is."""
        if tensor.dtype not in kinds or not tensor.is_contiguous() or tensor.device.type != self.device.type:
            raise ShapeError(
                f"{name} must be contiguous, on {self.device} and {' or '.join(map(str, kinds))}; "
                f"got {tensor.dtype} on {tensor.device}"
            )
        return tensor


INDEXES = (torch.uint8, torch.uint16)


class CudaEncoder:
    """Collects parts on the device; ``run`` codes them there, ``collect`` fetches the bytes."""

    def __init__(self, place: _Device, lanes: int, streams: int, checksum: bool, fingerprint: bool) -> None:
        self._place = place
        self._lanes, self._streams = lanes, streams
        self._checksum, self._fingerprint = checksum, fingerprint
        self._parts: list[tuple[Tensor, Tensor, HostTables, Tensor]] = []

    def push(self, symbols: Tensor, indexes: Tensor, tables: TableSet) -> None:
        """Add int32 ``symbols`` [N] with table rows ``indexes`` [N], uint8 or uint16.

        On the device they are lent; what is on the CPU is copied there.
        """
        place = self._place
        symbols = place.bring(symbols, (torch.int32,), "symbols")
        indexes = place.bring(indexes, INDEXES, "indexes")
        if symbols.numel() != indexes.numel():
            raise ShapeError(f"{symbols.numel()} symbols but {indexes.numel()} indexes were given")
        self._parts.append((symbols, indexes, *place.tables(tables)))

    def prepare(self, words_per_symbol: int = 1) -> None:
        """Allocate what ``run`` needs; a stream full of escapes has 5 words per symbol."""
        library, count = self._place.library, len(self._parts)
        packed = np.zeros((count, library.part_size), np.uint8)
        for row, (symbols, indexes, host, tables) in zip(packed, self._parts, strict=True):
            library.call(
                "pack_part",
                *(host.handle, tables.data_ptr(), symbols.data_ptr(), indexes.data_ptr()),
                *(indexes.dtype == torch.uint16, symbols.numel(), row.ctypes.data),
            )
        longest = sum(-(-symbols.numel() // self._streams) for symbols, *_ in self._parts)
        self._room = words_per_symbol * longest + SPARE_WORDS
        self._packed = self._place.put(packed)
        self._coded = self._place.empty(self._streams * library.encoded_size)
        self._scratch = self._place.empty(self._streams * self._room, torch.int16)
        self._words = self._place.empty(self._streams * self._room, torch.int16)

    def run(self) -> None:
        """Queue the kernels; nothing is waited for, so a graph can capture it."""
        place, coded = self._place, self._coded.data_ptr()
        scratch, queue = self._scratch.data_ptr(), place.queue
        place.library.call(
            "encode",
            *(coded, self._streams, self._packed.data_ptr(), len(self._parts)),
            *(self._lanes, scratch, self._room, queue),
        )
        place.library.call("gather", coded, self._streams, scratch, self._words.data_ptr(), queue)

    def collect(self) -> bytes | None:
        """Return the coded bytes, once the device has them; None if the room did not suffice."""
        library, total = self._place.library, c_uint64()
        coded = self._coded.cpu()
        fault = library.call("encoded", coded.data_ptr(), self._streams, byref(total))
        if fault == NO_ROOM:
            return None
        library.call("raise", fault)
        words = self._words[: total.value].cpu()
        first = next(host for symbols, _, host, _ in self._parts if symbols.numel())
        fingerprint = first.fingerprint if self._fingerprint else NO_FINGERPRINT
        options = (
            coded.data_ptr(),
            self._streams,
            words.data_ptr(),
            self._lanes,
            self._checksum,
            fingerprint,
        )
        out = np.empty(library.call("blob", *options, None), np.uint8)
        library.call("blob", *options, out.ctypes.data)
        return out.tobytes()

    def finish(self) -> bytes:
        """Return the coded bytes."""
        if not any(symbols.numel() for symbols, *_ in self._parts):
            return b""
        for words_per_symbol in (1, 1 + ESCAPE_WORDS):
            self.prepare(words_per_symbol)
            self.run()
            data = self.collect()
            if data is not None:
                return data
        raise ShapeError("the buffer for the coded data is too small")


class CudaDecoder:
    """Answers part by part on the device. What is wrong with the data is told by ``finish``."""

    def __init__(self, place: _Device, data: bytes | memoryview) -> None:
        self._place = place
        library = place.library
        host = np.frombuffer(data, np.uint8)
        self._data = place.put(host.copy())
        states = np.zeros((MAX_STREAMS, library.stream_size), np.uint8)
        count, fingerprint = c_uint(), c_uint()
        library.call(
            "open",
            *(host.ctypes.data, host.size, self._data.data_ptr(), states.ctypes.data),
            *(byref(count), byref(fingerprint)),
        )
        self._count, self._fingerprint = count.value, fingerprint.value
        self._states = place.put(states[: self._count])

    def decode(self, indexes: Tensor, tables: TableSet, out: Tensor | None = None) -> Tensor:
        """Queue the decoding of int32 symbols for ``indexes`` [N], uint8 or uint16.

        With ``indexes`` and ``out`` on the device nothing is allocated, and a graph can capture the call.
        Without ``out`` the symbols are returned where the indexes are: on the CPU, that waits for them.
        """
        place, asked_from = self._place, indexes.device
        indexes = place.bring(indexes, INDEXES, "indexes")
        symbols = place.empty(indexes.numel(), torch.int32).view(indexes.shape) if out is None else out
        place.check(symbols, (torch.int32,), "out")
        if symbols.numel() != indexes.numel():
            raise ShapeError(f"there is room for {symbols.numel()} symbols, not {indexes.numel()}")
        host, device = place.tables(tables)
        place.library.call(
            "decode",
            *(self._states.data_ptr(), self._count, self._fingerprint, host.handle, device.data_ptr()),
            *(indexes.data_ptr(), indexes.dtype == torch.uint16, symbols.data_ptr(), indexes.numel()),
            place.queue,
        )
        if indexes.numel():
            self._fingerprint = NO_FINGERPRINT
        return symbols if out is not None else symbols.to(asked_from)

    def finish(self) -> None:
        """Wait, and raise CorruptStream or TruncatedStream unless the data was used up exactly."""
        place = self._place
        fault = torch.zeros(1, dtype=torch.int32, device=place.device)
        place.library.call("finish", self._states.data_ptr(), self._count, fault.data_ptr(), place.queue)
        place.library.call("raise", int(fault.item()))


class CudaCoder(EntropyCoder):
    """The coder on a GPU; ``device="cpu"`` acts out its warps, slowly, for tests.

    The bytes are those of ``NativeCoder`` with the same ``lanes`` and ``streams``, which here do not
    follow from the payload: a warp takes a stream, 32 or 64 lanes fill it.
    """

    format = FORMAT

    def __init__(
        self,
        lanes: int = 32,
        streams: int = 64,
        checksum: bool = False,
        fingerprint: bool = False,
        device: str = "cuda",
    ) -> None:
        if lanes not in LANES or not 1 <= streams <= MAX_STREAMS:
            raise SettingError(
                f"{lanes} lanes and {streams} sub-streams were asked for; "
                f"{', '.join(map(str, LANES))} lanes and 1 to {MAX_STREAMS} sub-streams are possible"
            )
        self._place = _Device(device)
        self._options = (lanes, streams, checksum, fingerprint)

    def encoder(self) -> CudaEncoder:
        """Return an empty encoder."""
        return CudaEncoder(self._place, *self._options)

    def decoder(self, data: bytes | memoryview) -> CudaDecoder:
        """Return a decoder at the start of ``data``."""
        return CudaDecoder(self._place, data)
