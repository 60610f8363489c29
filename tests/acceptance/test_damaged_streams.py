"""Ten thousand damaged streams: an error that names the packet, or the right pictures."""

import io
import random
import resource
from collections.abc import Callable, Sequence

import pytest
import torch

import nvczoo
from nvczoo.codec import DecodeOptions, EncodeOptions, Video
from nvczoo.codec.arithmetic import arithmetic_of
from nvczoo.codec.packet import MAGIC, framed
from nvczoo.codec.raw_packets import RawPackets
from nvczoo.errors import StreamError
from nvczoo.video import Picture

pytestmark = pytest.mark.slow

CASES, BATCHES = 10_000, 20
MAX_GROWTH = 2 << 20  # KiB of memory that damage may make a decoder take
Contents = Sequence[tuple[int, bytes]]  # type and payload of each packet
NAMED = ("acket", "stream", "Stream", "header")  # what an error's message points at


def truncated(draw: random.Random, data: bytes, packets: Contents) -> bytes:
    return data[: draw.randrange(len(data))]


def flipped(draw: random.Random, data: bytes, packets: Contents) -> bytes:
    return _flipped(draw, data)


def cut_out(draw: random.Random, data: bytes, packets: Contents) -> bytes:
    start = draw.randrange(len(data))
    return data[:start] + data[start + draw.randint(1, 40) :]


def reordered(draw: random.Random, data: bytes, packets: Contents) -> bytes:
    order = list(packets)
    draw.shuffle(order)
    return _joined(order[: draw.randint(1, len(order))])


def forged(draw: random.Random, data: bytes, packets: Contents) -> bytes:
    """Damage one packet and make its checksum right again, as an attacker would."""
    contents = list(packets)
    chosen = draw.randrange(len(contents))
    kind, payload = contents[chosen]
    contents[chosen] = (
        kind,
        _flipped(draw, payload) if draw.random() < 0.8 else payload[: len(payload) // 2],
    )
    return _joined(contents)


def _flipped(draw: random.Random, data: bytes) -> bytes:
    damaged = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 8))):
        damaged[draw.randrange(len(damaged))] ^= 1 << draw.randrange(8)
    return bytes(damaged)


def _joined(contents: Contents) -> bytes:
    return MAGIC + b"".join(framed(kind, payload) for kind, payload in contents)


def _contents(data: bytes) -> Contents:
    """Return what the packets of a sound stream hold."""
    source = RawPackets(io.BytesIO(data))
    source.take(len(MAGIC))
    found = [(raw.type, bytes(raw.payload)) for raw in iter(source.next, None)]
    assert _joined(found) == data
    return found


DAMAGES: tuple[Callable[[random.Random, bytes, Contents], bytes], ...] = (
    truncated,
    flipped,
    cut_out,
    reordered,
    forged,
    forged,  # twice: the only damage that gets past the packets' checksums
)


@pytest.fixture(scope="module")
def stream(codec: nvczoo.VideoCodec, tiny_video: Video) -> bytes:
    return codec.encode(tiny_video, 40, EncodeOptions(picture_checksums=True))


def _decoded(codec: nvczoo.VideoCodec, data: bytes) -> tuple[Picture, ...] | StreamError:
    try:
        return tuple(codec.decode(data, DecodeOptions(max_pixels=1 << 22)))
    except StreamError as error:
        return error


@pytest.mark.parametrize("batch", range(BATCHES))
def test_damage_is_told_or_harmless(
    batch: int, codec: nvczoo.VideoCodec, stream: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Neither changes between the cases, and both take longer than decoding four small pictures.
    identity, known = codec.identity, arithmetic_of(codec, codec.precision)
    monkeypatch.setattr(type(codec), "identity", identity)
    monkeypatch.setattr("nvczoo.codec.arithmetic.arithmetic_of", lambda *_: known)
    right = tuple(codec.decode(stream))
    packets = _contents(stream)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    told = 0
    for case in range(batch * CASES // BATCHES, (batch + 1) * CASES // BATCHES):
        draw = random.Random(case)
        damaged = DAMAGES[case % len(DAMAGES)](draw, stream, packets)
        decoded = _decoded(codec, damaged)
        if isinstance(decoded, StreamError):
            assert any(word in str(decoded) for word in NAMED), f"case {case}: {decoded}"
            told += 1
            continue
        assert len(decoded) == len(right), f"case {case}"
        for one, other in zip(decoded, right, strict=True):
            assert all(map(torch.equal, one.planes, other.planes)), f"case {case} is silently wrong"
    assert told > 0.8 * CASES / BATCHES
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MAX_GROWTH
