"""DCVC-TCM against what the published code computes; the rules are those of the fixtures' specification."""

import goldens
import numpy as np
import pytest
import torch
from goldens import CodedFrame, Watched
from nvczoo.plugins.dcvc.published_keys import PUBLISHED
from torch import nn

import nvczoo
from nvczoo.codec.video_codec import VideoCodec
from nvczoo.entropy.coders import NativeCoder
from nvczoo.entropy.streams import BitReader, BitWriter
from nvczoo.interfaces import Reference
from nvczoo.published import translated

MODEL = "dcvc-tcm"
RUNS = {"q0": (4, None), "padded": (2, (98, 166))}
ANY_Q = 30.0
PICTURE_TOLERANCE = 2e-5  # the specification allows 1e-4
INTERMEDIATE_TOLERANCE = 1e-4  # of the standard deviation; the specification allows 1e-3
BITS_TOLERANCE = 1e-6  # the specification allows 1e-4
MOTION, FRAME = "motion", "frame"


def output(path: str) -> Watched:
    return path, lambda inputs, out: out


def half(path: str, number: int) -> Watched:
    return path, lambda inputs, out: out.chunk(2, dim=1)[number]


def latent(path: str, name: str, prefix: str = "") -> dict[str, Watched]:
    """Return what is seen of a latent and its hyper latent, and the parameters of its prior."""
    model = f"{path}.entropy_model"
    return {
        name: output(f"{path}.analysis"),
        name.replace("y", "z"): output(f"{model}.hyper.analysis"),
        f"{prefix}scales": half(f"{model}.fusion", 0),
        f"{prefix}means": half(f"{model}.fusion", 1),
    }


FUSER = "inter.context_fuser"
INTRA = {"recon": output("intra.synthesis"), **latent("intra", "y")}
INTER = {
    "est_mv": output("inter.motion_estimator"),
    "mv_hat": output("inter.motion.synthesis"),
    **{
        f"{leaf}{scale + 1}": (f"{FUSER}.{path}", pick)
        for scale in range(3)
        for leaf, path, pick in (
            ("ref_feature", "extract", lambda inputs, out, scale=scale: out[scale]),
            ("warped", "fuse", lambda inputs, out, scale=scale: inputs[0][scale]),
            ("context", "fuse", lambda inputs, out, scale=scale: out[scale]),
        )
    },
    "temporal_params": output("inter.temporal_prior"),
    "hyper_params": output("inter.entropy_model.hyper.synthesis"),
    "recon_feature": output("inter.synthesis"),
    "feature": ("inter.reconstruction", lambda inputs, out: out[0]),
    "recon": ("inter.reconstruction", lambda inputs, out: out[1]),
    **latent("inter.motion", "mv_y", "mv_"),
    **latent("inter", "y"),
}


@pytest.fixture(scope="module")
def codec() -> VideoCodec:
    model = nvczoo.create(MODEL)
    for part in ("intra", "inter"):
        goldens.load_published(getattr(model, part), MODEL, part, PUBLISHED[MODEL][part])
    return model


@pytest.fixture(scope="module")
def runs(codec: VideoCodec) -> dict[str, list[CodedFrame]]:
    found = {}
    for run, (count, size) in RUNS.items():
        frames = [goldens.zero_padded(goldens.frame(number, size), codec.stride) for number in range(count)]
        found[run] = goldens.coded(codec, ANY_Q, frames, (INTRA, INTER))
    return found


def parts(number: int) -> dict[str, str]:
    return {"y": FRAME, "mv_y": MOTION} if number else {"y": "intra"}


@pytest.mark.parametrize("number", range(4))
def test_every_coded_integer_is_the_published_one(runs: dict[str, list[CodedFrame]], number: int) -> None:
    expected, notes = goldens.golden(MODEL), runs["q0"][number].counter.notes
    for leaf, part in parts(number).items():
        at = f"q0/frame{number}/{leaf}_q"
        assert np.array_equal(notes[f"{part}.symbols"].numpy(), expected[at])
        assert np.array_equal(notes[f"{part}.hyper.symbols"].numpy(), expected[at.replace("y_q", "z_q")])


@pytest.mark.parametrize("number", range(4))
def test_pictures_and_bits_are_the_published_ones(runs: dict[str, list[CodedFrame]], number: int) -> None:
    expected, one = goldens.golden(MODEL), runs["q0"][number]
    at = f"q0/frame{number}/"
    assert np.abs(one.reference.frame.numpy() - expected[f"{at}x_hat"]).max() < PICTURE_TOLERANCE
    for leaf, part in parts(number).items():
        for name, published in ((f"{part}.latent", leaf), (f"{part}.hyper.latent", f"{leaf[:-1]}z")):
            bits = float(expected[f"{at}bits_{published}"])
            assert float(one.counter.bits[name]) == pytest.approx(bits, BITS_TOLERANCE)
    assert float(one.counter.total) == pytest.approx(float(expected[f"{at}bits"]), BITS_TOLERANCE)


@pytest.mark.parametrize("number", range(4))
def test_intermediates_are_the_published_ones(runs: dict[str, list[CodedFrame]], number: int) -> None:
    seen, at = runs["q0"][number].seen, f"q0/frame{number}/"
    leaves = {key.removeprefix(at) for key in goldens.golden(MODEL) if key.startswith(at)}
    leaves = {leaf for leaf in leaves if leaf != "x_hat" and not leaf.endswith("_q") and "bits" not in leaf}
    assert leaves <= seen.keys()
    assert leaves
    for leaf in sorted(leaves):
        error = goldens.relative_error(seen[leaf], goldens.golden(MODEL)[at + leaf])
        assert error < INTERMEDIATE_TOLERANCE, leaf


@pytest.mark.parametrize("number", [0, 1])
def test_frames_of_any_size_are_padded_as_published(runs: dict[str, list[CodedFrame]], number: int) -> None:
    expected, one = goldens.golden(MODEL), runs["padded"][number]
    at, (height, width) = f"padded/frame{number}/", RUNS["padded"][1]
    corner = one.reference.frame[..., height - 16 : height, width - 24 : width].numpy()
    assert np.abs(corner - expected[f"{at}x_hat"]).max() < PICTURE_TOLERANCE
    symbols = one.counter.notes[f"{parts(number)['y']}.symbols"]
    assert np.array_equal(symbols.numpy(), expected[f"{at}y_q"])
    assert float(one.counter.total) == pytest.approx(float(expected[f"{at}bits"]), BITS_TOLERANCE)


@torch.inference_mode()
def test_streams_decode_to_the_same_frames(codec: VideoCodec, runs: dict[str, list[CodedFrame]]) -> None:
    references: tuple[Reference, ...] = ()
    for number in range(3):
        (step,) = codec.gop.steps(number, 1)
        padded, setting = goldens.padded_and_setting(codec, goldens.frame(number), ANY_Q, step.level)
        part, writer = codec.codec_of(step), BitWriter(NativeCoder())
        written = part.code(padded, references, setting, writer)
        reader = BitReader(NativeCoder(), dict(writer.finish()))
        read = part.code(None, references, setting, reader)
        reader.finish()
        assert torch.equal(read.frame, written.frame)
        assert torch.equal(read.frame, runs["q0"][number].reference.frame)
        references = (read,)


def test_buffers_of_a_published_checkpoint_are_left_out_and_all_else_is_used(codec: VideoCodec) -> None:
    parameters = goldens.recipe().manifest(MODEL)["parts"]["intra"]["params"]
    published = {one["key"]: torch.zeros(one["shape"]) for one in parameters}
    found = translated(published, PUBLISHED[MODEL]["intra"], codec.intra)
    computed = sum(one["low"] is None for one in parameters)
    assert computed == 35
    assert len(found) == len(published) - computed


def test_no_parameter_is_left_out(codec: VideoCodec) -> None:
    counts = goldens.recipe().manifest(MODEL)["num_params"]
    for part, count in counts.items():
        module = getattr(codec, part)
        assert isinstance(module, nn.Module)
        assert sum(one.numel() for one in module.parameters()) == count
