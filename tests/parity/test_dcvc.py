"""DCVC against what the published code computes; the rules are those of the fixtures' specification."""

import goldens
import numpy as np
import pytest
import torch
from goldens import CodedFrame, Watched
from nvczoo.plugins.dcvc.published_keys import DCVC_INTER
from nvczoo.plugins.dcvc.serial_prior import parallel_estimates

import nvczoo
from nvczoo.codec.video_codec import VideoCodec
from nvczoo.entropy.coders import NativeCoder
from nvczoo.entropy.streams import BitReader, BitWriter
from nvczoo.interfaces import Reference

MODEL = "dcvc"
FIRST, COUNT = 1, 4  # the original frame before the first one is its reference
ANY_Q = 30.0
PICTURE_TOLERANCE = 2e-5  # the specification allows 1e-4
INTERMEDIATE_TOLERANCE = 1e-4  # of the standard deviation; the specification allows 1e-3
BITS_TOLERANCE = 1e-6  # the specification allows 1e-4
PARTS = {"y": "frame", "mv_y": "motion"}


def output(path: str) -> Watched:
    return path, lambda inputs, out: out


def half(path: str, number: int) -> Watched:
    return path, lambda inputs, out: out.chunk(2, dim=1)[number]


def latent(path: str, name: str, prefix: str = "") -> dict[str, Watched]:
    """Return what is seen of a latent and its hyper latent, and the parameters of its prior."""
    prior = f"{path}.entropy_model.prior"
    return {
        name: output(f"{path}.analysis"),
        f"{name}_q": (f"{path}.synthesis", lambda inputs, out: inputs[0]),
        name.replace("y", "z"): output(f"{prior}.hyper.analysis"),
        f"{prefix}hyper_params": output(f"{prior}.hyper.synthesis"),
        f"{prefix}spatial_params": output(f"{prior}.guess.spatial"),
        f"{prefix}means": half(f"{prior}.guess.fusion", 0),
        f"{prefix}scales": half(f"{prior}.guess.fusion", 1),
    }


INTER = {
    "est_mv": output("inter.motion_estimator"),
    **{f"flow_residual{level}": output(f"inter.motion_estimator.levels.{level}") for level in range(4)},
    "mv_decoded": output("inter.motion.synthesis"),
    "mv_hat": ("inter.context_fuser", lambda inputs, out: inputs[1][0]),
    "ref_feature": output("inter.context_fuser.extract"),
    "warped_feature": ("inter.context_fuser.mend", lambda inputs, out: inputs[0]),
    "context": output("inter.context_fuser.mend"),
    "temporal_params": output("inter.temporal_prior"),
    "recon_feature": output("inter.synthesis"),
    "recon": output("inter.reconstruction"),
    **latent("inter.motion", "mv_y", "mv_"),
    **latent("inter", "y"),
}


@pytest.fixture(scope="module")
def codec() -> VideoCodec:
    model = nvczoo.create(MODEL)
    goldens.load_published(model.inter, MODEL, "inter", DCVC_INTER)
    return model


@pytest.fixture(scope="module")
def runs(codec: VideoCodec) -> dict[str, list[CodedFrame]]:
    frames = [goldens.frame(number) for number in range(COUNT)]
    start = (Reference(frames[0]),)
    with parallel_estimates(codec):
        parallel = goldens.coded(codec, ANY_Q, frames[FIRST:], ({}, INTER), start)
    recon = {"recon": output("inter.reconstruction")}
    return {"q0": parallel, "serial": goldens.coded(codec, ANY_Q, frames[FIRST:2], ({}, recon), start)}


@pytest.mark.parametrize("number", range(FIRST, COUNT))
def test_every_coded_integer_is_the_published_one(runs: dict[str, list[CodedFrame]], number: int) -> None:
    expected, one = goldens.golden(MODEL), runs["q0"][number - FIRST]
    for leaf, part in PARTS.items():
        at = f"q0/frame{number}/{leaf}"
        notes = one.counter.notes
        assert np.array_equal(one.seen[f"{leaf}_q"].numpy(), expected[f"{at}_q"])
        assert np.array_equal(notes[f"{part}.symbols"].numpy(), expected[f"{at}_res_q"])
        assert np.array_equal(notes[f"{part}.hyper.symbols"].numpy(), expected[f"{at[:-1]}z_q"])


@pytest.mark.parametrize("number", range(FIRST, COUNT))
def test_pictures_and_bits_are_the_published_ones(runs: dict[str, list[CodedFrame]], number: int) -> None:
    expected, one = goldens.golden(MODEL), runs["q0"][number - FIRST]
    at = f"q0/frame{number}/"
    assert np.abs(one.reference.frame.numpy() - expected[f"{at}x_hat"]).max() < PICTURE_TOLERANCE
    for leaf, part in PARTS.items():
        for name, published in ((f"{part}.latent", leaf), (f"{part}.hyper.latent", f"{leaf[:-1]}z")):
            bits = float(expected[f"{at}bits_{published}"])
            assert float(one.counter.bits[name]) == pytest.approx(bits, BITS_TOLERANCE)


@pytest.mark.parametrize("number", range(FIRST, COUNT))
def test_intermediates_are_the_published_ones(runs: dict[str, list[CodedFrame]], number: int) -> None:
    seen, at = runs["q0"][number - FIRST].seen, f"q0/frame{number}/"
    leaves = {key.removeprefix(at) for key in goldens.golden(MODEL) if key.startswith(at)}
    leaves = {leaf for leaf in leaves if leaf != "x_hat" and not leaf.endswith("_q") and "bits" not in leaf}
    assert leaves <= seen.keys()
    assert leaves
    for leaf in sorted(leaves):
        error = goldens.relative_error(seen[leaf], goldens.golden(MODEL)[at + leaf])
        assert error < INTERMEDIATE_TOLERANCE, leaf


def test_place_by_place_the_integers_are_those_of_the_published_stream(
    runs: dict[str, list[CodedFrame]],
) -> None:
    expected, (one,) = goldens.golden(MODEL), runs["serial"]
    for leaf, part in PARTS.items():
        at, notes = f"serial/frame1/{leaf}", one.counter.notes
        assert np.array_equal(notes[f"{part}.symbols"].numpy(), expected[f"{at}_q"])
        assert np.array_equal(notes[f"{part}.hyper.symbols"].numpy(), expected[f"{at[:-1]}z_q"])
        scales = expected[f"{at[:-1]}scales"]
        assert goldens.relative_error(notes[f"{part}.scales"], scales) < INTERMEDIATE_TOLERANCE
    recon = goldens.relative_error(one.seen["recon"], expected["serial/frame1/recon"])
    assert recon < INTERMEDIATE_TOLERANCE


@torch.inference_mode()
def test_streams_hold_the_estimated_integers_and_decode_to_the_same_frame(
    codec: VideoCodec, runs: dict[str, list[CodedFrame]]
) -> None:
    padded, setting = goldens.padded_and_setting(codec, goldens.frame(FIRST), ANY_Q, 0)
    start, writer = (Reference(goldens.frame(0)),), BitWriter(NativeCoder())
    written = codec.inter.code(padded, start, setting, writer)
    reader = BitReader(NativeCoder(), dict(writer.finish()))
    read = codec.inter.code(None, start, setting, reader)
    reader.finish()
    assert reader.checksums == writer.checksums
    assert torch.equal(read.frame, written.frame)
    assert torch.equal(read.frame, runs["serial"][0].reference.frame)


def test_no_parameter_is_left_out(codec: VideoCodec) -> None:
    count = goldens.recipe().manifest(MODEL)["num_params"]["inter"]
    assert sum(one.numel() for one in codec.inter.parameters()) == count
