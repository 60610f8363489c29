"""Make the small goldens beside this file from the full parity fixtures in ``../shared/parity``.

    python tests/parity/small/make.py

They let somebody who has only the repository see that each family computes what the published code does;
``tests/parity/test_small_goldens.py`` reads them. ``frames.npz`` holds the pictures (uint8 RGB), a family's
file what belongs to the first frames of one run of its fixtures:

- ``parameters/PLACE``: names, shapes and ranges of the published tensors, as JSON in bytes; the values follow
  from the names by ``uniform`` in the test;
- ``N/PART``: the integers that the published code codes for frame N, under nvczoo's names of the parts;
- ``N/bits``: what they cost by its estimate;
- ``N/picture``: every eighth row and column of its picture, in 0..1.
"""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

HERE = Path(__file__).parent
PARITY = HERE.parents[3] / "shared" / "parity"
EVERY = 8  # rows and columns of a picture
PLACES = {"intra": "intra", "inter": "inter"}
INTRA = {"intra": "y", "intra.hyper": "z"}
INTER = {"frame": "y", "frame.hyper": "z", "motion": "mv_y", "motion.hyper": "mv_z"}


@dataclass(frozen=True)
class Source:
    """Which run of which fixtures."""

    family: str
    run: str
    frames: tuple[int, ...] = (0, 1)  # of the shared clip
    suffix: str = ""  # of the names of integers
    bits: str = "bits"
    places: dict[str, str] = field(default_factory=lambda: PLACES)  # ours and theirs


SOURCES = {
    "dcvc-tcm": Source("dcvc-tcm", "q0", suffix="_q"),
    "dcvc-hem": Source("dcvc-hem", "crop", bits="bits_published"),
    "dcvc-dc": Source("dcvc-dc", "anchor2_crop", bits="bits_published"),
    "dcvc-fm": Source("dcvc-fm", "i50_p37_72x88"),
    "evc-ss": Source("evc", "ss_q1", (6,), places={"intra": "intra-ss"}),
}


def small(source: Source) -> dict[str, np.ndarray]:
    """Return what is kept of a run."""
    golden = load_file(PARITY / source.family / "golden.safetensors")
    manifest = json.loads((PARITY / source.family / "manifest.json").read_text())
    found = {}
    for ours, theirs in source.places.items():
        text = json.dumps(manifest["parts"][theirs]["params"], separators=(",", ":"))
        found[f"parameters/{ours}"] = np.frombuffer(text.encode(), np.uint8)
    for number, frame in enumerate(source.frames):
        at = f"{source.run}/frame{frame}/"
        for ours, theirs in (INTER if number else INTRA).items():
            found[f"{number}/{ours}"] = _narrowed(golden[f"{at}{theirs}{source.suffix}"])
        found[f"{number}/bits"] = golden[at + source.bits]
        found[f"{number}/picture"] = golden[f"{at}x_hat"][..., ::EVERY, ::EVERY]
    return found


def _narrowed(integers: np.ndarray) -> np.ndarray:
    narrow = integers.astype(np.int8)
    assert np.array_equal(narrow, integers)
    return narrow


def main() -> None:
    """Write all files; names on the command line choose some."""
    clip = np.load(PARITY / "frames.npz")["rgb"]
    used = sorted({frame for source in SOURCES.values() for frame in source.frames})
    np.savez_compressed(HERE / "frames.npz", **{str(number): clip[number] for number in used})
    for name in sys.argv[1:] or SOURCES:
        np.savez_compressed(HERE / f"{name}.npz", **small(SOURCES[name]))


if __name__ == "__main__":
    main()
