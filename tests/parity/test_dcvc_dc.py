"""DCVC-DC against what the published code computes; the rules are those of the fixtures' specification."""

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
from nvczoo.entropy.lattice import FOUR_PART
from nvczoo.entropy.streams import BitReader, BitWriter
from nvczoo.interfaces import Reference

MODEL = "dcvc-dc"
RUNS = {"q47": (6, 47.0, None), "q19": (2, 19.0, None), "anchor2_crop": (3, 42.0, (84, 108))}
PICTURE_TOLERANCE = 2e-5  # the specification allows 1e-4
INTERMEDIATE_TOLERANCE = 1e-4  # of the standard deviation
BITS_TOLERANCE = 1e-6  # the specification allows 1e-4
INDEX_SLACK = 5  # a table's index is rounded down and may lie on an edge
MOTION, FRAME = "motion", "frame"


def output(path: str) -> Watched:
    return path, lambda inputs, out: out


def third(path: str, number: int) -> Watched:
    return path, lambda inputs, out: out.chunk(3, dim=1)[number]


def prior(path: str, name: str) -> dict[str, Watched]:
    leaves = ("q_step", "prior_scales", "prior_means")
    return {f"{name}_{leaf}": third(f"{path}.fusion", number) for number, leaf in enumerate(leaves)}


INTRA = {
    "enc": output("intra.analysis_coarse"),
    "hyper_dec": output("intra.entropy_model.hyper.synthesis"),
    "y_hat": ("intra.synthesis_coarse", lambda inputs, out: inputs[0]),
    "dec": output("intra.synthesis_fine"),
    **prior("intra.entropy_model", "y"),
}
FUSER = "inter.context_fuser"
INTER = {
    "flow": output("inter.motion_estimator"),
    "mv_enc": output("inter.motion.analysis_coarse"),
    "mv_hyper_dec": output("inter.motion.entropy_model.hyper.synthesis"),
    "mv_y_hat": ("inter.motion.synthesis_coarse", lambda inputs, out: inputs[0]),
    "mv_feature": output("inter.motion.synthesis_coarse"),
    "mv_hat": output("inter.motion.synthesis_fine"),
    **{
        f"ref_feature{scale + 1}": (f"{FUSER}.extract", lambda inputs, out, scale=scale: out[scale])
        for scale in range(3)
    },
    "align_input": (f"{FUSER}.align", lambda inputs, out: inputs[1]),
    "warped_frame": (f"{FUSER}.align", lambda inputs, out: inputs[1][:, 48:51]),
    "align_offset_net": output(f"{FUSER}.align.offsets"),
    "aligned1": output(f"{FUSER}.align"),
    "warped2": (f"{FUSER}.fuse", lambda inputs, out: inputs[0][1]),
    "warped3": (f"{FUSER}.fuse", lambda inputs, out: inputs[0][2]),
    **{
        f"context{scale + 1}": (f"{FUSER}.fuse", lambda inputs, out, scale=scale: out[scale])
        for scale in range(3)
    },
    "enc": output("inter.analysis"),
    "hyper_dec": output("inter.entropy_model.hyper.synthesis"),
    "temporal_prior": output("inter.temporal_prior"),
    "y_hat": ("inter.synthesis", lambda inputs, out: inputs[0]),
    "dec": output("inter.synthesis"),
    "feature": ("inter.reconstruction", lambda inputs, out: out[0]),
    **prior("inter.motion.entropy_model", "mv_y"),
    **prior("inter.entropy_model", "y"),
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
    for run, (count, q, size) in RUNS.items():
        sampler = AnchoredRate() if run == "anchor2_crop" else codec.rate_sampler
        for part in (codec.intra, codec.inter, codec.inter.motion):
            part.rate_sampler = sampler
        frames = [goldens.frame(number, size) for number in range(count)]
        found[run] = goldens.coded(codec, q, frames, (INTRA, INTER))
    for part in (codec.intra, codec.inter, codec.inter.motion):
        part.rate_sampler = codec.rate_sampler
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
        assert np.array_equal(one.symbols(part, FOUR_PART).numpy(), expected[at])
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
        assert float(bits[f"{part}.latent"]) == pytest.approx(
            float(expected[f"{at}bits_{leaf}"]), BITS_TOLERANCE
        )
        hyper = float(expected[f"{at}bits_{leaf[:-1]}z"])
        assert float(bits[f"{part}.hyper.latent"]) == pytest.approx(hyper, BITS_TOLERANCE)
    assert float(one.counter.total) == pytest.approx(float(expected[f"{at}bits_published"]), BITS_TOLERANCE)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_intermediates_are_the_published_ones(runs: dict[str, list[CodedFrame]], number: int) -> None:
    one, at = runs["q47"][number], f"q47/frame{number}/"
    found = dict(one.seen)
    found |= {f"{leaf}_final_scales": one.scales(part, FOUR_PART) for leaf, part in parts(number).items()}
    others = ("x_hat", "y", "z", "mv_y", "mv_z", "y_index", "mv_y_index")
    leaves = {key.removeprefix(at) for key in goldens.golden(MODEL) if key.startswith(at)}
    leaves = {leaf for leaf in leaves if leaf not in others and not leaf.startswith("bits_")}
    assert leaves == found.keys()
    for leaf in sorted(leaves):
        error = goldens.relative_error(found[leaf], goldens.golden(MODEL)[at + leaf])
        assert error < INTERMEDIATE_TOLERANCE, leaf


@pytest.mark.parametrize("number", range(6))
def test_scales_lie_in_the_published_table_rows(runs: dict[str, list[CodedFrame]], number: int) -> None:
    lowest = 0.01 if number else 0.11
    step = (np.log(64.0) - np.log(lowest)) / 255
    for leaf, part in parts(number).items():
        scales = runs["q47"][number].scales(part, FOUR_PART).clamp_min(1e-5)
        index = ((scales.log() - np.log(lowest)) / step).clamp(0, 255).floor().numpy()
        off = np.abs(index - goldens.golden(MODEL)[f"q47/frame{number}/{leaf}_index"])
        assert off.max() <= 1
        assert off.sum() <= INDEX_SLACK


def test_the_64_rates_are_the_published_ones(codec: VideoCodec) -> None:
    inter = codec.inter
    published = {
        "intra/q_scale_enc": codec.intra.encoder_gain,
        "intra/q_scale_dec": codec.intra.decoder_gain,
        "inter/y_q_scale_enc": inter.encoder_gain,
        "inter/y_q_scale_dec": inter.decoder_gain,
        "inter/mv_y_q_scale_enc": inter.motion.encoder_gain,
        "inter/mv_y_q_scale_dec": inter.motion.decoder_gain,
    }
    for name, gain in published.items():
        scales = codec.rate_sampler.interpolate(gain.scale.flatten(1), torch.arange(64.0))
        expected = goldens.golden(MODEL)[f"tables/{name}_fine"]
        np.testing.assert_allclose(scales.detach().flatten().numpy(), expected, rtol=1e-7)


@torch.inference_mode()
def test_streams_decode_to_the_same_frames(codec: VideoCodec) -> None:
    references: tuple[Reference, ...] = ()
    for number in range(3):
        (step,) = codec.gop.steps(number, 1)
        padded, setting = goldens.padded_and_setting(codec, goldens.frame(number), 47.0, step.level)
        part, writer = codec.codec_of(step), BitWriter(NativeCoder())
        written = part.code(padded, references, setting, writer)
        reader = BitReader(NativeCoder(), dict(writer.finish()))
        read = part.code(None, references, setting, reader)
        reader.finish()
        assert torch.equal(read.frame, written.frame)
        references = (read,)


def test_no_parameter_is_left_out(codec: VideoCodec) -> None:
    counts = goldens.recipe().manifest(MODEL)["num_params"]
    for part, count in counts.items():
        module = getattr(codec, part)
        assert isinstance(module, nn.Module)
        assert sum(one.numel() for one in module.parameters()) == count
