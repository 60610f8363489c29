"""What one process writes, another reads to the bit: narrow and untrained models."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from narrow_models import NARROW

import nvczoo
from nvczoo.codec import Video

DECODE = """
import hashlib, sys, torch, nvczoo
sys.path.insert(0, sys.argv[1])
from narrow_models import NARROW
for path in sys.argv[2:]:
    name = path.rsplit("/", 1)[-1].removesuffix(".nvc").partition(" ")[0]
    video = nvczoo.create(name, parts=NARROW[name]).decode(path)
    print(path.rsplit("/", 1)[-1], hashlib.sha256(video.to_rgb().numpy().tobytes()).hexdigest())
"""
PRECISIONS = ("float32", "bfloat16")


def digest(video: Video) -> str:
    return hashlib.sha256(video.to_rgb().numpy().tobytes()).hexdigest()


@pytest.mark.slow
def test_streams_decode_to_the_bit_in_a_fresh_process(tmp_path: Path) -> None:
    video = (torch.rand(2, 3, 64, 80, generator=torch.Generator().manual_seed(0)) * 255).byte()
    expected, paths = [], []
    for name in NARROW:
        for precision in PRECISIONS:
            codec = nvczoo.create(name, parts=NARROW[name], precision=precision)
            path = tmp_path / f"{name} {precision}.nvc"
            path.write_bytes(codec.encode(video, q=40.0))
            expected.append(f"{path.name} {digest(codec.decode(path))}")
            paths.append(str(path))
    command = [sys.executable, "-c", DECODE, str(Path(__file__).parents[1]), *paths]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert found.stdout.split("\n")[:-1] == expected
