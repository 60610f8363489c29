"""Numbers and texts as bytes, little endian, and back with every bound checked."""

from __future__ import annotations

import struct

from nvczoo.errors import CorruptStream, TruncatedStream

MAX_VARINT_BYTES = 9  # 63 bits: all that a signed 64-bit integer of a container may hold
MAX_NAME_BYTES = 255  # of names and short texts, in UTF-8


class ByteWriter:
    """Appends fields to a byte string."""

    def __init__(self) -> None:
        self._parts = bytearray()

    def bytes(self) -> bytes:
        """Return all that was written."""
        return bytes(self._parts)

    def raw(self, data: bytes) -> ByteWriter:
        """Append bytes as they are."""
        self._parts += data
        return self

    def fixed(self, kind: str, *values: int) -> ByteWriter:
        """Append integers of fixed width; ``kind`` is a ``struct`` format without its byte order."""
        return self.raw(struct.pack(f"<{kind}", *values))

    def varint(self, *values: int) -> ByteWriter:
        """Append unsigned integers, seven bits per byte, the lowest first; bit 7: more follows."""
        for value in values:
            if not 0 <= value < 1 << 7 * MAX_VARINT_BYTES:
                raise ValueError(f"{value} does not fit a varint")
            while value >= 0x80:
                self._parts.append(value & 0x7F | 0x80)
                value >>= 7
            self._parts.append(value)
        return self

    def signed(self, *values: int) -> ByteWriter:
        """Append signed integers as varints: 0, -1, 1, -2, ... become 0, 1, 2, 3, ..."""
        return self.varint(*(2 * value if value >= 0 else -2 * value - 1 for value in values))

    def blob(self, data: bytes) -> ByteWriter:
        """Append a varint length and the bytes."""
        return self.varint(len(data)).raw(data)

    def text(self, text: str) -> ByteWriter:
        """Append a text in UTF-8, its length before it."""
        return self.blob(text.encode())


class ByteReader:
    """Takes fields from a byte string; raises TruncatedStream where it ends too early."""

    def __init__(self, data: bytes | memoryview, where: str) -> None:
        self._data = memoryview(data)
        self.where = where  # for messages: "packet 3 (frame) at byte 512"
        self._at = 0

    @property
    def left(self) -> int:
        """Bytes not yet taken."""
        return len(self._data) - self._at

    def corrupt(self, cause: str) -> CorruptStream:
        """Return the error to raise when a field has an impossible value."""
        return CorruptStream(f"{self.where}: {cause}")

    def raw(self, count: int, what: str) -> memoryview:
        """Take ``count`` bytes, without a copy."""
        if count > self.left:
            raise TruncatedStream(
                f"{self.where}: {what} needs {count} bytes at payload byte {self._at}, {self.left} are left"
            )
        self._at += count
        return self._data[self._at - count : self._at]

    def fixed(self, kind: str, what: str) -> int:
        """Take one integer of fixed width; ``kind`` is a ``struct`` format character."""
        return struct.unpack(f"<{kind}", self.raw(struct.calcsize(f"<{kind}"), what))[0]

    def varint(self, what: str, low: int = 0, high: int = (1 << 7 * MAX_VARINT_BYTES) - 1) -> int:
        """Take an unsigned integer between ``low`` and ``high``, written in its shortest form."""
        value = 0
        for place in range(MAX_VARINT_BYTES):
            byte = self.raw(1, what)[0]
            value |= (byte & 0x7F) << 7 * place
            if byte < 0x80:
                if byte == 0 and place:
                    raise self.corrupt(f"{what} is not in its shortest form")
                return self._checked(value, what, low, high)
        raise self.corrupt(f"{what} has more than {MAX_VARINT_BYTES} bytes")

    def signed(self, what: str) -> int:
        """Take a signed integer."""
        coded = self.varint(what)
        return -(coded + 1 >> 1) if coded & 1 else coded >> 1

    def blob(self, what: str, most: int) -> bytes:
        """Take a byte string of at most ``most`` bytes, its length before it."""
        return bytes(self.raw(self.varint(f"the length of {what}", high=most), what))

    def text(self, what: str, most: int = MAX_NAME_BYTES) -> str:
        """Take a text of at most ``most`` bytes."""
        try:
            return self.blob(what, most).decode()
        except UnicodeDecodeError as error:
            raise self.corrupt(f"{what} is not UTF-8") from error

    def finish(self) -> None:
        """Raise CorruptStream if something is left."""
        if self.left:
            raise self.corrupt(f"{self.left} bytes follow after the last field")

    def _checked(self, value: int, what: str, low: int, high: int) -> int:
        if not low <= value <= high:
            raise self.corrupt(f"{what} is {value}; from {low} to {high} is possible")
        return value
