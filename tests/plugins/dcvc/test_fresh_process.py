"""What one process writes, another reads to the bit: all models of the family, narrow and untrained."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from narrow_models import NARROW

import nvczoo

FAMILY = sorted(name for name in NARROW if name.startswith("dcvc"))
DECODE = """
import hashlib, sys, torch, nvczoo
sys.path.insert(0, sys.argv[1])
from narrow_models import NARROW
torch.set_num_threads(1)
for path in sys.argv[2:]:
    torch.manual_seed(0)
    name = path.rsplit("/", 1)[-1].removesuffix(".nvc")
    video = nvczoo.create(name, parts=NARROW[name]).decode(path)
    print(name, hashlib.sha256(video.to_rgb().numpy().tobytes()).hexdigest())
"""


@pytest.mark.slow
@pytest.mark.skipif(torch.get_num_threads() != 1, reason="both processes must compute with one thread")
def test_streams_decode_to_the_bit_in_a_fresh_process(tmp_path: Path) -> None:
    video = (torch.rand(2, 3, 64, 80, generator=torch.Generator().manual_seed(0)) * 255).byte()
    expected = []
    for name in FAMILY:
        torch.manual_seed(0)
        codec = nvczoo.create(name, parts=NARROW[name])
        (tmp_path / f"{name}.nvc").write_bytes(codec.encode(video, q=40.0))
        decoded = codec.decode(tmp_path / f"{name}.nvc").to_rgb()
        expected.append(f"{name} {hashlib.sha256(decoded.numpy().tobytes()).hexdigest()}")
    paths = [(tmp_path / f"{name}.nvc").as_posix() for name in FAMILY]
    command = [sys.executable, "-c", DECODE, str(Path(__file__).parents[2]), *paths]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert found.stdout.split("\n")[:-1] == expected
