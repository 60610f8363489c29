"""Hostile streams: an nvczoo error that names the place, or the right pictures."""

import random

import independent_parser
import pytest
from toy import toy_codec, toy_pictures

from nvczoo.codec import EncodeOptions, Video, VideoCodec
from nvczoo.codec.packet import PacketType, framed
from nvczoo.errors import StreamError

Sound = tuple[VideoCodec, bytes, Video]


@pytest.fixture(scope="module")
def sound() -> Sound:
    codec = toy_codec(layered=True)
    data = codec.encode(toy_pictures(3, 9, 7), options=EncodeOptions(picture_checksums=True))
    return codec, data, codec.decode(data)


def check(sound: Sound, damaged: bytes) -> bool:
    """Return whether the damage was reported; if it was not, the pictures must be right."""
    codec, _, original = sound
    try:
        video = codec.decode(damaged)
    except StreamError:
        return True
    assert len(video) == len(original)
    assert all(one.same(other) for one, other in zip(video, original, strict=True))
    return False


def split(data: bytes) -> list[tuple[int, bytes]]:
    """Return (type, payload) of each packet."""
    return [(packet_type, payload) for packet_type, _, payload in independent_parser.packets(data)]


def joined(data: bytes, packets: list[tuple[int, bytes]]) -> bytes:
    return data[:8] + b"".join(framed(packet_type, payload) for packet_type, payload in packets)


def test_splitting_and_joining_changes_nothing(sound: Sound) -> None:
    _, data, _ = sound
    assert joined(data, split(data)) == data


def test_a_stream_cut_off_anywhere_is_reported(sound: Sound) -> None:
    _, data, _ = sound
    assert all(check(sound, data[:length]) for length in range(len(data)))


def test_any_flipped_bit_is_reported(sound: Sound) -> None:
    _, data, _ = sound
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 1 << at % 8
        assert check(sound, bytes(damaged))


def test_damage_under_a_right_packet_checksum_is_reported_or_harmless(sound: Sound) -> None:
    _, data, _ = sound
    packets = split(data)
    chance = random.Random(7)
    for _ in range(400):
        number = chance.randrange(len(packets))
        packet_type, payload = packets[number]
        damaged = bytearray(payload)
        for _ in range(chance.choice((1, 1, 2, 8))):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        check(sound, joined(data, [*packets[:number], (packet_type, bytes(damaged)), *packets[number + 1 :]]))


def test_packets_lost_doubled_or_swapped_are_reported(sound: Sound) -> None:
    _, data, _ = sound
    packets = split(data)
    frames = [number for number, (packet_type, _) in enumerate(packets) if packet_type == PacketType.FRAME]
    for number in frames:
        assert check(sound, joined(data, packets[:number] + packets[number + 1 :]))
        assert check(sound, joined(data, packets[: number + 1] + packets[number:]))
    swapped = packets[:]
    swapped[frames[1]], swapped[frames[2]] = swapped[frames[2]], swapped[frames[1]]
    assert check(sound, joined(data, swapped))


@pytest.mark.slow
def test_ten_thousand_random_damages_are_reported_or_harmless(sound: Sound) -> None:
    _, data, _ = sound
    chance = random.Random(11)
    for _ in range(10_000):
        damaged = bytearray(data)
        for _ in range(chance.choice((1, 1, 2, 16))):
            damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        check(sound, bytes(damaged[: chance.choice((len(data), chance.randrange(len(data))))]))
