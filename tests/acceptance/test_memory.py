"""1920x1080 fits in 6 GB, and a long clip takes no more than a short one."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

MAX_MEMORY = 6e9  # bytes
FLAT = 1.05  # of the memory at half of the clip, when an intra frame has followed P frames
FRAMES = 100

# Runs in a process of its own, so that the peak is its own. Pictures are made on the way: a textured
# plane that moves, two pixels a frame.
PROGRAM = """
import json, resource, sys
from fractions import Fraction
import torch
import nvczoo
from nvczoo.video import Picture, VideoInfo

FRAMES = int(sys.argv[1])
WIDTH, HEIGHT = 1920, 1080

def picture(number):
    row, column = torch.arange(HEIGHT)[:, None], torch.arange(WIDTH)[None] + 2 * number
    y = (128 + 60 * torch.sin(row / 17) * torch.cos(column / 23) + 20 * ((row // 8 + column // 8) % 2)).byte()
    small = slice(None, None, 2)
    return Picture(y, (y // 4 + 96)[small, small], (y // 8 + 112)[small, small], number)

def peak():
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

codec = nvczoo.load("ev-nvc-s")
info = VideoInfo(WIDTH, HEIGHT, frame_rate=Fraction(25), time_base=Fraction(1, 25))
encoder, packets, peaks = codec.encoder(info, 20), [], {"encode": [], "decode": []}
for number in range(FRAMES):
    packets += encoder.push(picture(number))
    peaks["encode"].append(peak())
packets += encoder.flush()
decoder, frames = codec.decoder(), 0
for packet in packets:
    frames += len(decoder.push(packet))
    peaks["decode"].append(peak())
assert frames == FRAMES
print(json.dumps(peaks))
"""


def test_full_hd_fits_and_memory_stays_flat() -> None:
    command = [sys.executable, "-c", PROGRAM, str(FRAMES)]
    output = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout
    for peaks in json.loads(output).values():
        assert peaks[-1] < MAX_MEMORY
        assert peaks[-1] < FLAT * peaks[len(peaks) // 2]
