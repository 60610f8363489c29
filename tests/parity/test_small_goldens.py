"""The first frames of each family against what the published code computes, without the full fixtures.

The files in ``small`` are made by ``make.py`` there, which says what they hold.
"""

import hashlib
import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import goldens
import numpy as np
import pytest
import torch
from goldens import CodedFrame
from torch import Tensor, nn

import nvczoo
from nvczoo.entropy.lattice import CHECKERBOARD, FOUR_PART, Lattice
from nvczoo.published import translated

FOLDER = Path(__file__).parent / "small"
EVERY = 8  # rows and columns of a picture
PICTURE_TOLERANCE = 2e-5
BITS_TOLERANCE = 1e-6
PARTS = ({"intra"}, {"frame", "motion"})  # of an intra frame, and of any other
Q_OF_ANCHOR = 21.0  # q of the second of four anchors, from 0 to 63


@dataclass(frozen=True)
class Run:
    """How the published run was set."""

    q: float | tuple[float, float]
    size: tuple[int, int]
    frames: tuple[int, ...] = (0, 1)  # of the clip
    lattice: Lattice | None = None  # None: one pass
    parts: dict[str, object] = field(default_factory=dict)
    zero_padded: bool = False


ANCHORED = {"rate_sampler": "anchored"}
RUNS = {
    "dcvc-tcm": Run(30.0, (128, 192), zero_padded=True),
    "dcvc-hem": Run(2 * Q_OF_ANCHOR, (84, 108), lattice=CHECKERBOARD, parts=ANCHORED, zero_padded=True),
    "dcvc-dc": Run(2 * Q_OF_ANCHOR, (84, 108), lattice=FOUR_PART, parts=ANCHORED),
    "dcvc-fm": Run((50.0, 37.0), (72, 88), lattice=FOUR_PART),
    "evc-ss": Run(Q_OF_ANCHOR, (64, 128), (6,), CHECKERBOARD, ANCHORED, zero_padded=True),
}


def uniform(name: str, shape: list[int], low: float, high: float) -> Tensor:
    """Return float32 values that follow from a name alone: SplitMix64, started with its SHA-256."""
    start = np.uint64(int.from_bytes(hashlib.sha256(f"|{name}".encode()).digest()[:8], "little"))
    count = np.prod(shape, dtype=np.int64)
    with np.errstate(over="ignore"):
        z = start + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    unit = (z >> np.uint64(40)).astype(np.float64) / float(1 << 24)
    return torch.from_numpy((low + (high - low) * unit).astype(np.float32).reshape(shape))


@cache
def golden(model: str) -> dict[str, np.ndarray]:
    with np.load(FOLDER / f"{model}.npz") as file:
        return dict(file)


def fill(module: nn.Module, model: str, place: str) -> None:
    family, part = ("evc", model.replace("evc", place)) if model.startswith("evc") else (model, place)
    entries = json.loads(golden(model)[f"parameters/{place}"].tobytes())
    tensors = {
        one["key"]: uniform(f"{family}/{part}/{one['key']}", one["shape"], one["low"], one["high"])
        for one in entries
        if one["low"] is not None
    }
    module.load_state_dict(translated(tensors, module.published, module))


@cache
def coded(model: str) -> list[CodedFrame]:
    run = RUNS[model]
    codec = nvczoo.create(model, **run.parts)
    for place in ("intra", "inter") if codec.inter is not None else ("intra",):
        fill(getattr(codec, place), model, place)
    height, width = run.size
    frames = []
    with np.load(FOLDER / "frames.npz") as clip:
        for number in run.frames:
            image = torch.from_numpy(clip[str(number)][None, :, :height, :width].astype(np.float32) / 255)
            image = goldens.ycbcr(image) if codec.layout == "yuv444" else image
            frames.append(goldens.zero_padded(image, codec.stride) if run.zero_padded else image)
    return goldens.coded(codec, run.q, frames)


CASES = [(model, number) for model, run in RUNS.items() for number in range(len(run.frames))]


@pytest.mark.parametrize(("model", "number"), CASES)
def test_integers_bits_and_pictures_are_the_published_ones(model: str, number: int) -> None:
    one, expected, run = coded(model)[number], golden(model), RUNS[model]
    for part in PARTS[number]:
        notes = one.counter.notes
        found = notes[f"{part}.symbols"] if run.lattice is None else one.symbols(part, run.lattice)
        assert np.array_equal(found.numpy(), expected[f"{number}/{part}"])
        assert np.array_equal(notes[f"{part}.hyper.symbols"].numpy(), expected[f"{number}/{part}.hyper"])
    assert float(one.counter.total) == pytest.approx(float(expected[f"{number}/bits"]), rel=BITS_TOLERANCE)
    height, width = run.size
    picture = one.reference.frame[..., :height:EVERY, :width:EVERY].numpy()
    assert np.abs(picture - expected[f"{number}/picture"]).max() < PICTURE_TOLERANCE
