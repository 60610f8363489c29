"""A parser of .nvc streams, written from docs/bitstream.md alone; shares nothing with nvczoo."""

import struct
from fractions import Fraction
from typing import Any

MAGIC = bytes.fromhex("894E56430D0A1A0A")
USUAL: dict[str, dict[str, Any]] = {
    "low-delay": {"intra_period": 32, "long_term": 4, "pattern": [0], "refresh": 0, "intra_q": 0},
    "hierarchical": {"size": 32, "intra_period": 32},
}


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


class Fields:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        assert self.at + count <= len(self.data)
        self.at += count
        return self.data[self.at - count : self.at]

    def rest(self) -> int:
        return len(self.data) - self.at

    def unsigned(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little")

    def varint(self) -> int:
        value = 0
        for place in range(9):
            byte = self.unsigned(1)
            value += (byte & 127) * 128**place
            if byte < 128:
                assert byte or not place
                return value
        raise AssertionError("varint too long")

    def signed(self) -> int:
        value = self.varint()
        return -(value + 1) // 2 if value % 2 else value // 2

    def text(self) -> str:
        return self.take(self.varint()).decode()

    def ratio(self) -> Fraction:
        return Fraction(self.varint(), self.varint())


def packets(stream: bytes) -> list[tuple[int, int, bytes]]:
    """Return (type, byte offset, payload) of all packets."""
    assert stream[:8] == MAGIC
    fields = Fields(stream)
    fields.take(8)
    found = []
    while fields.rest():
        offset = fields.at
        kind = fields.unsigned(1)
        length = fields.varint()
        assert length <= 64 << 20
        head = stream[offset : fields.at]
        size = 2 if length < 256 else 4
        checksum = fields.unsigned(size)
        payload = fields.take(length)
        assert checksum == crc32c(head + payload) % 256**size
        found.append((kind, offset, payload))
    return found


def header(payload: bytes) -> dict[str, Any]:
    f = Fields(payload)
    assert f.unsigned(1) == 1
    flags = f.varint()
    h: dict[str, Any] = {"symbols": bool(flags & 1), "pictures": bool(flags & 2)}
    h |= {"model": f.text(), "identity": f.take(16), "width": f.varint(), "height": f.varint()}
    h |= {"frame_rate": f.ratio(), "time_base": f.ratio(), "aspect": f.ratio(), "rotation": f.varint()}
    h["colour"] = struct.unpack("5B", f.take(5))
    h["gop"] = f.text()
    h["options"] = USUAL.get(h["gop"], {}) | dict(option(f) for _ in range(f.varint()))
    h |= {"coder": f.text(), "profile": f.text(), "fingerprint": f.unsigned(4), "environment": f.text()}
    h |= {"q": Fraction(f.unsigned(2), 256), "start": f.signed()}
    h["tracks"] = [track(f) for _ in range(f.varint())]
    h["layers"] = [f.text() for _ in range(f.varint())]
    h["base_size"] = (f.varint(), f.varint()) if h["layers"] else None
    h["base_only"] = bool(h["layers"]) and bool(flags & 4)
    return h


def option(f: Fields) -> tuple[str, Any]:
    name, kind = f.text(), f.unsigned(1)
    assert kind in (0, 1)
    return name, f.signed() if kind == 0 else [f.signed() for _ in range(f.varint())]


def track(f: Fields) -> dict[str, Any]:
    t: dict[str, Any] = {"number": f.varint()}
    kind, setup_format, flags = f.unsigned(1), f.unsigned(1), f.unsigned(1)
    t |= {"kind": ("audio", "subtitle")[kind], "setup_format": ("matroska", "mp4")[setup_format]}
    t |= {"default": bool(flags & 1), "forced": bool(flags & 2)}
    t |= {"codec": f.text(), "time_base": f.ratio(), "setup": f.take(f.varint())}
    t["language"] = f.text() if flags & 4 else None
    t["title"] = f.text() if flags & 8 else None
    return t


def expected_time(h: dict[str, Any], n: int) -> int:
    units = h["frame_rate"] * h["time_base"]
    m, d = units.numerator, units.denominator
    return h["start"] + (2 * n * d + m) // (2 * m)


def frame(payload: bytes, h: dict[str, Any]) -> dict[str, Any]:
    f = Fields(payload)
    flags = f.varint()
    assert flags < 512
    p: dict[str, Any] = {"intra": bool(flags & 1), "frame": f.varint()}
    count = f.varint() if flags & 2 else 1
    p["times"] = [
        expected_time(h, n) + (f.signed() if flags & 4 else 0) for n in range(p["frame"], p["frame"] + count)
    ]
    more = f.signed() if flags & 8 else None
    p["q"] = Fraction(f.unsigned(2), 256) if more == 0 else h["q"] + (more or 0)
    p["group"] = f.varint() if flags & 16 else None
    p["symbols"] = f.unsigned(2) if flags & 32 else None
    p["picture"] = f.unsigned(4) if flags & 64 else None
    p["level"] = f.varint() if flags & 128 else 0
    p["further"] = f.varint() if flags & 256 else 0
    p["main"] = f.take(f.rest())
    return p


def layer(payload: bytes, h: dict[str, Any]) -> dict[str, Any]:
    f = Fields(payload)
    p: dict[str, Any] = {"name": h["layers"][f.varint()], "frame": f.varint()}
    flags = f.varint()
    assert flags < 4
    p["symbols"] = f.unsigned(2) if flags & 1 else None
    p["picture"] = f.unsigned(4) if flags & 2 else None
    return p | {"data": f.take(f.rest())}


def frames_of(middle: list[tuple[int, int, bytes]], h: dict[str, Any]) -> list[dict[str, Any]]:
    """Return all frames, each with the layers in the packets that follow its own."""
    frames = []
    for at, (kind, offset, payload) in enumerate(middle):
        if kind == 2:
            own = frame(payload, h) | {"offset": offset}
            following = middle[at + 1 : at + 1 + own["further"]]
            assert all(kind == 0x87 for kind, _, _ in following)
            own["further"] = [layer(one, h) for _, _, one in following]
            assert all(one["frame"] == own["frame"] for one in own["further"])
            frames.append(own)
    assert sum(kind == 0x87 for kind, _, _ in middle) == sum(len(one["further"]) for one in frames)
    return frames


def track_packet(payload: bytes) -> dict[str, Any]:
    f = Fields(payload)
    p: dict[str, Any] = {"track": f.varint()}
    flags = f.varint()
    assert flags < 8
    p["keyframe"] = flags & 1
    p["pts"] = f.signed() if flags & 2 else None
    p["dts"] = f.signed() if flags & 4 else p["pts"]
    return p | {"duration": f.varint(), "data": f.take(f.rest())}


def parse(stream: bytes) -> dict[str, Any]:
    """Return header, frames, track packets, totals and index of a whole stream."""
    found = packets(stream)
    assert [kind for kind, _, _ in found[-3:]] == [3, 0x85, 0x86]
    assert found[0][0] == 1
    h = header(found[0][2])
    middle = found[1:-3]
    assert all(kind == 2 or kind >= 0x80 for kind, _, _ in middle)
    frames = frames_of(middle, h)
    tracks = [track_packet(payload) for kind, _, payload in middle if kind == 0x84]

    end = Fields(found[-3][2])
    totals = (end.varint(), end.varint(), end.varint())
    assert end.rest() == 0

    index = Fields(found[-2][2])
    length, entries, at = index.varint(), [], (0, 0)
    for _ in range(index.varint()):
        at = (at[0] + index.varint(), at[1] + index.varint())
        entries.append(at)

    footer = stream[-20:]
    assert footer[:2] == bytes([0x86, 16])
    assert footer[-8:] == b"NVCINDEX"
    assert int.from_bytes(footer[4:12], "little") == found[-2][1]
    return {
        "header": h,
        "frames": frames,
        "tracks": tracks,
        "totals": totals,
        "length": length,
        "index": entries,
    }


def references(h: dict[str, Any], count: int) -> list[tuple[int, tuple[int, ...], int]]:
    """Return (frame, references, level) of every step, in coding order."""
    o = h["options"]
    if h["gop"] == "all-intra":
        return [(n, (), 0) for n in range(count)]
    if h["gop"] == "low-delay":
        return [low_delay(o, n) for n in range(count)]
    assert h["gop"] == "hierarchical"
    steps: list[tuple[int, tuple[int, ...], int]] = [(0, (), 0)]
    before = 0
    while before < count - 1:
        last = min(before + o["size"], count - 1)
        intra = o["intra_period"] != -1 and last % o["intra_period"] == 0
        steps += [(last, () if intra else (before, before), 0), *between(before, last, 1)]
        before = last
    return steps


def low_delay(o: dict[str, Any], n: int) -> tuple[int, tuple[int, ...], int]:
    i = 0 if o["intra_period"] == -1 else n // o["intra_period"] * o["intra_period"]
    level = o["pattern"][(n - i) % len(o["pattern"])]
    if n == i:
        return n, (), level
    return n, (n - 1, max(n - o["long_term"], i)) if o["long_term"] > 0 else (n - 1,), level


def between(a: int, b: int, level: int) -> list[tuple[int, tuple[int, ...], int]]:
    m = (a + b) // 2
    if m == a:
        return []
    pair = (b, a) if b - m < m - a else (a, b)
    return [(m, pair, level), *between(a, m, level + 1), *between(m, b, level + 1)]
