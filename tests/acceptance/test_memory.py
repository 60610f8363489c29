"""1920x1080 fits in 6 GB, and a long clip takes no more memory than a short one."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

MAX_MEMORY = 6e9  # bytes
FULL_HD, LONG = (1920, 1080, 10), (640, 360, 65)  # width, height, frames
PERIODS = {FULL_HD: 4, LONG: 16}  # of intra frames, so that they follow P frames
FLAT = 1.1  # of the peak at half of the long clip; the allocator and the timing of threads make up to 1.07

# Runs in a process of its own, so that the peak is its own. Pictures are made on the way: a textured
# plane that moves, two pixels a frame.
PROGRAM = """
import gc, json, resource, sys
from fractions import Fraction
import torch
import nvczoo
from nvczoo.codec import EncodeOptions
from nvczoo.video import Picture, VideoInfo

WIDTH, HEIGHT, FRAMES, PERIOD = map(int, sys.argv[1:])

def picture(number):
    row, column = torch.arange(HEIGHT)[:, None], torch.arange(WIDTH)[None] + 2 * number
    y = (128 + 60 * torch.sin(row / 17) * torch.cos(column / 23) + 20 * ((row // 8 + column // 8) % 2)).byte()
    small = slice(None, None, 2)
    return Picture(y, (y // 4 + 96)[small, small], (y // 8 + 112)[small, small], number)

def seen():
    peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if number not in (FRAMES // 2, FRAMES - 1):
        return peak, None
    gc.collect()
    tensors = [one for one in gc.get_objects() if isinstance(one, torch.Tensor)]
    storages = {one.untyped_storage().data_ptr(): one.untyped_storage().nbytes() for one in tensors}
    return peak, sum(storages.values())

codec = nvczoo.load("ev-nvc-s")
info = VideoInfo(WIDTH, HEIGHT, frame_rate=Fraction(25), time_base=Fraction(1, 25))
encoder = codec.encoder(info, 20, EncodeOptions(intra_period=PERIOD))
packets, found = [], {"encode": [], "decode": []}
for number in range(FRAMES):
    packets += encoder.push(picture(number))
    found["encode"].append(seen())
packets += encoder.flush()
decoder, frames = codec.decoder(), 0
for number, packet in enumerate(packets):
    frames += len(decoder.push(packet))
    found["decode"].append(seen())
assert frames == FRAMES
print(json.dumps(found))
"""


def memory(width: int, height: int, frames: int) -> dict[str, list[tuple[int, int | None]]]:
    """Return the peak after each frame, in bytes, and at half and at the end what tensors hold.

    Of encoding and decoding, in a fresh process.
    """
    command = [
        sys.executable,
        "-c",
        PROGRAM,
        *map(str, (width, height, frames, PERIODS[width, height, frames])),
    ]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout)


def test_full_hd_fits() -> None:
    for found in memory(*FULL_HD).values():
        assert max(peak for peak, _ in found) < MAX_MEMORY


def test_memory_stays_flat() -> None:
    for found in memory(*LONG).values():
        half, last = (one for one in found if one[1] is not None)
        assert last[1] == half[1]
        assert last[0] < FLAT * half[0]
