"""DCVC-HEM against what the published code computes; the rules are those of the fixtures' specification."""

from collections.abc import Iterator
from contextlib import contextmanager

import goldens
import numpy as np
import pytest
import torch
from goldens import CodedFrame, Watched
from nvczoo.plugins.dcvc.geometric_rate import AnchoredRate
from nvczoo.plugins.dcvc.published_keys import PUBLISHED
from torch import nn

import nvczoo
from nvczoo.codec.video_codec import VideoCodec
from nvczoo.entropy.coders import NativeCoder
from nvczoo.entropy.lattice import CHECKERBOARD
from nvczoo.entropy.streams import BitReader, BitWriter
from nvczoo.interfaces import Q_MAX, Reference
from nvczoo.layers import warp

MODEL = "dcvc-hem"
# Steps of the rate: those of the intra codec, the motion and the latent, or an anchor's index.
EXPLICIT = {"intra": 0.95, "inter.motion": 0.9, "inter": 1.15}
RUNS = {"main": (5, EXPLICIT, None), "anchor1": (2, 1, None), "crop": (3, 2, (84, 108))}
ANCHORS = 4
PICTURE_TOLERANCE = 2e-5  # the specification allows 1e-4
INTERMEDIATE_TOLERANCE = 1e-4  # of the standard deviation
BITS_TOLERANCE = 1e-6  # the specification allows 1e-4
INDEX_SLACK = 5  # a table's index is rounded down and may lie on an edge
MOTION, FRAME = "motion", "frame"


def output(path: str) -> Watched:
    return path, lambda inputs, out: out


def first_input(path: str) -> Watched:
    return path, lambda inputs, out: inputs[0]


def third(path: str, number: int) -> Watched:
    return path, lambda inputs, out: out.chunk(3, dim=1)[number]


def latent(path: str, name: str) -> dict[str, Watched]:
    """Return what is seen of a latent: before and after its step of the rate, and its prior."""
    leaves = ("q_step", "prior_scales", "prior_means")
    prior = f"{path}.entropy_model"
    return {
        name.replace("y", "enc"): output(f"{path}.analysis"),
        f"{name}_scaled": first_input(f"{prior}.hyper.analysis"),
        name.replace("y", "hyper_dec"): output(f"{prior}.hyper.synthesis"),
        f"{name}_hat": first_input(f"{path}.synthesis"),
        f"{name}_step_of_the_rate": output(f"{path}.quality_step"),
        **{f"{name}_{leaf}": third(f"{prior}.fusion", number) for number, leaf in enumerate(leaves)},
    }


INTRA = {"dec": output("intra.synthesis"), **latent("intra", "y")}
FUSER = "inter.context_fuser"
INTER = {
    "flow": output("inter.motion_estimator"),
    "mv_hat": output("inter.motion.synthesis"),
    "warped_frame": (FUSER, lambda inputs, out: warp(inputs[0][0].frame, inputs[1][0])),
    **{
        f"{leaf}{scale + 1}": (f"{FUSER}.{path}", pick)
        for scale in range(3)
        for leaf, path, pick in (
            ("ref_feature", "extract", lambda inputs, out, scale=scale: out[scale]),
            ("warped", "fuse", lambda inputs, out, scale=scale: inputs[0][scale]),
            ("context", "fuse", lambda inputs, out, scale=scale: out[scale]),
        )
    },
    "temporal_prior": output("inter.temporal_prior"),
    "dec": output("inter.synthesis"),
    "feature": ("inter.reconstruction", lambda inputs, out: out[0]),
    **latent("inter.motion", "mv_y"),
    **latent("inter", "y"),
}


@pytest.fixture(scope="module")
def codec() -> VideoCodec:
    model = nvczoo.create(MODEL)
    for part in ("intra", "inter"):
        goldens.load_published(getattr(model, part), MODEL, part, PUBLISHED[MODEL][part])
    return model


@contextmanager
def rate(codec: VideoCodec, wanted: int | dict[str, float]) -> Iterator[float]:
    """Let the codec work at an anchor, or at explicit steps; gives its ``q``."""
    sampler, parts = codec.rate_sampler, [codec.get_submodule(path) for path in EXPLICIT]
    scales = [part.quality_step.scale.detach().clone() for part in parts]
    for part in parts:
        part.rate_sampler = AnchoredRate()
    if isinstance(wanted, dict):
        for part, step in zip(parts, wanted.values(), strict=True):
            part.quality_step.scale.data.fill_(step)
    yield 0.0 if isinstance(wanted, dict) else wanted * Q_MAX / (ANCHORS - 1)
    for part, scale in zip(parts, scales, strict=True):
        part.quality_step.scale.data.copy_(scale)
        part.rate_sampler = sampler


@pytest.fixture(scope="module")
def runs(codec: VideoCodec) -> dict[str, list[CodedFrame]]:
    found = {}
    for run, (count, wanted, size) in RUNS.items():
        frames = [goldens.zero_padded(goldens.frame(number, size), codec.stride) for number in range(count)]
        with rate(codec, wanted) as q:
            found[run] = goldens.coded(codec, q, frames, (INTRA, INTER))
    return found


def parts(number: int) -> dict[str, str]:
    return {"y": FRAME, "mv_y": MOTION} if number else {"y": "intra"}


CASES = [(run, number) for run, (count, _, _) in RUNS.items() for number in range(count)]


@pytest.mark.parametrize(("run", "number"), CASES)
def test_every_coded_integer_is_the_published_one(
    runs: dict[str, list[CodedFrame]], run: str, number: int
) -> None:
    expected, one = goldens.golden(MODEL), runs[run][number]
    for leaf, part in parts(number).items():
        at = f"{run}/frame{number}/{leaf}"
        assert np.array_equal(one.symbols(part, CHECKERBOARD).numpy(), expected[at])
        assert np.array_equal(one.counter.notes[f"{part}.hyper.symbols"].numpy(), expected[at[:-1] + "z"])


@pytest.mark.parametrize(("run", "number"), CASES)
def test_pictures_and_bits_are_the_published_ones(
    runs: dict[str, list[CodedFrame]], run: str, number: int
) -> None:
    expected, one = goldens.golden(MODEL), runs[run][number]
    at = f"{run}/frame{number}/"
    picture = expected[f"{at}x_hat"]
    found = one.reference.frame[..., : picture.shape[2], : picture.shape[3]].numpy()
    assert np.abs(found - picture).max() < PICTURE_TOLERANCE
    for leaf, part in parts(number).items():
        bits = one.counter.bits
        for name, published in ((f"{part}.latent", leaf), (f"{part}.hyper.latent", f"{leaf[:-1]}z")):
            assert float(bits[name]) == pytest.approx(
                float(expected[f"{at}bits_{published}"]), BITS_TOLERANCE
            )
    assert float(one.counter.total) == pytest.approx(float(expected[f"{at}bits_published"]), BITS_TOLERANCE)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_intermediates_are_the_published_ones(runs: dict[str, list[CodedFrame]], number: int) -> None:
    one, at = runs["main"][number], f"main/frame{number}/"
    found = dict(one.seen)
    for leaf, part in parts(number).items():
        found[f"{leaf}_final_scales"] = one.scales(part, CHECKERBOARD)
        found[f"{leaf}_hat_scaled"] = found.pop(f"{leaf}_hat") / found.pop(f"{leaf}_step_of_the_rate")
    others = ("x_hat", "y", "z", "mv_y", "mv_z", "y_index", "mv_y_index")
    leaves = {key.removeprefix(at) for key in goldens.golden(MODEL) if key.startswith(at)}
    leaves = {leaf for leaf in leaves if leaf not in others and not leaf.startswith("bits_")}
    assert leaves == found.keys()
    for leaf in sorted(leaves):
        error = goldens.relative_error(found[leaf], goldens.golden(MODEL)[at + leaf])
        assert error < INTERMEDIATE_TOLERANCE, leaf


@pytest.mark.parametrize("number", range(5))
def test_scales_lie_in_the_published_table_rows(runs: dict[str, list[CodedFrame]], number: int) -> None:
    lowest = 0.01 if number else 0.11
    step = (np.log(64.0) - np.log(lowest)) / 255
    for leaf, part in parts(number).items():
        scales = runs["main"][number].scales(part, CHECKERBOARD).clamp_min(1e-5)
        index = ((scales.log() - np.log(lowest)) / step).clamp(0, 255).floor().numpy()
        off = np.abs(index - goldens.golden(MODEL)[f"main/frame{number}/{leaf}_index"])
        assert off.max() <= 1
        assert off.sum() <= INDEX_SLACK


@torch.inference_mode()
def test_streams_decode_to_the_same_frames(codec: VideoCodec, runs: dict[str, list[CodedFrame]]) -> None:
    references: tuple[Reference, ...] = ()
    with rate(codec, EXPLICIT) as q:
        for number in range(3):
            (step,) = codec.gop.steps(number, 1)
            padded, setting = goldens.padded_and_setting(codec, goldens.frame(number), q, step.level)
            part, writer = codec.codec_of(step), BitWriter(NativeCoder())
            written = part.code(padded, references, setting, writer)
            reader = BitReader(NativeCoder(), dict(writer.finish()))
            read = part.code(None, references, setting, reader)
            reader.finish()
            assert torch.equal(read.frame, written.frame)
            assert torch.equal(read.frame, runs["main"][number].reference.frame)
            references = (read,)


def test_no_parameter_is_left_out(codec: VideoCodec) -> None:
    counts = goldens.recipe().manifest(MODEL)["num_params"]
    for part, count in counts.items():
        module = getattr(codec, part)
        assert isinstance(module, nn.Module)
        assert sum(one.numel() for one in module.parameters()) == count
