"""DCVC-FM against what the published code computes; the rules are those of the fixtures' specification."""

from dataclasses import replace

import goldens
import numpy as np
import pytest
import torch
from goldens import CodedFrame, Watched
from nvczoo.plugins.dcvc.published_keys import PUBLISHED
from torch import Tensor, nn

import nvczoo
from nvczoo.codec.gop import LowDelay
from nvczoo.codec.references import ReferenceBuffer
from nvczoo.codec.video_codec import VideoCodec
from nvczoo.entropy.coders import NativeCoder
from nvczoo.entropy.lattice import FOUR_PART
from nvczoo.entropy.streams import BitReader, BitWriter
from nvczoo.interfaces import GopStructure
from nvczoo.layers import offset_diversity, warp

MODEL = "dcvc-fm"
Q21, CROPPED = "q21", "i50_p37_72x88"
RUNS = {Q21: (4, (21.0, 21.0), None), CROPPED: (6, (50.0, 37.0), (72, 88))}
REFRESHED_OFTEN = LowDelay(intra_period=-1, long_term=0, pattern=(0, 1, 0, 2), refresh=3)
PICTURE_TOLERANCE = 1e-5  # the specification's; two builds of PyTorch are 2e-6 apart
INTERMEDIATE_TOLERANCE = 2e-5  # of the largest magnitude
BITS_TOLERANCE = 1e-6
MOTION, FRAME = "motion", "frame"
MOST_CHANNELS = 16  # that the fixtures keep of an intermediate
FLOWS_STEP = 4  # of the offset fields they keep every fourth


def output(path: str) -> Watched:
    return path, lambda inputs, out: out


def given(path: str, number: int = 0) -> Watched:
    return path, lambda inputs, out: inputs[number]


INTRA = {
    "input": given("intra.analysis_fine"),
    "enc_1": output("intra.analysis_fine"),
    "y_enc": output("intra.analysis_coarse"),
    "hyper_dec": output("intra.entropy_model.hyper.synthesis"),
    "params_padded": output("intra.entropy_model.fusion"),
    "y_spatial_1": output("intra.entropy_model.adaptors.0"),  # what its network is given
    "y_spatial_3": output("intra.entropy_model.spatial"),  # of the last of three calls
    "y_hat": given("intra.synthesis_coarse"),
    "dec_1": output("intra.synthesis_coarse"),
    "dec": output("intra.synthesis_fine"),
    "x_hat_raw": output("intra.refine"),
}
FUSER = "inter.context_fuser"
INTER = {
    "est_mv": output("inter.motion_estimator"),
    "mv_enc_1": output("inter.motion.analysis_fine"),
    "mv_y_enc": output("inter.motion.analysis_coarse"),
    "mv_y_params": output("inter.motion.entropy_model.fusion"),
    "mv_y_hat": given("inter.motion.synthesis_coarse"),
    "mv_feature": output("inter.motion.synthesis_coarse"),
    "mv_hat": output("inter.motion.synthesis_fine"),
    "ref_feature1": (f"{FUSER}.extract", lambda inputs, out: out[0]),
    "ref_feature3": (f"{FUSER}.extract", lambda inputs, out: out[2]),
    "warp_frame": (f"{FUSER}.align", lambda inputs, out: inputs[1][:, 48:51]),
    "align_offset_half": output(f"{FUSER}.align.offsets"),
    "context1_aligned": output(f"{FUSER}.align"),
    **{
        f"context{scale + 1}": (f"{FUSER}.fuse", lambda inputs, out, scale=scale: out[scale])
        for scale in range(3)
    },
    "y_enc": output("inter.analysis"),
    "temporal_prior": output("inter.temporal_prior"),
    "y_params": output("inter.entropy_model.fusion"),
    "y_hat": given("inter.synthesis"),
    "recon_feature": output("inter.synthesis"),
    "feature": ("inter.reconstruction", lambda inputs, out: out[0]),
}


def frame(number: int, size: tuple[int, int] | None) -> Tensor:
    """Return a frame of the clip as the specification converts it."""
    return goldens.ycbcr(goldens.frame(number, size))


@pytest.fixture(scope="module")
def codec() -> VideoCodec:
    model = nvczoo.create(MODEL)
    for part in ("intra", "inter"):
        goldens.load_published(getattr(model, part), MODEL, part, PUBLISHED[MODEL][part])
    return model


def gop_of(codec: VideoCodec, run: str) -> GopStructure:
    return codec.gop if run == Q21 else REFRESHED_OFTEN


@pytest.fixture(scope="module")
def runs(codec: VideoCodec) -> dict[str, list[CodedFrame]]:
    found = {}
    seen_flows: list[Tensor] = []

    def seen_warp(image: Tensor, flow: Tensor) -> Tensor:
        seen_flows.append(flow[::FLOWS_STEP])
        return warp(image, flow)

    for run, (count, q, size) in RUNS.items():
        frames = [frame(number, size) for number in range(count)]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(codec, "gop", gop_of(codec, run))
            patch.setattr(offset_diversity, "warp", seen_warp)
            seen_flows.clear()
            found[run] = goldens.coded(codec, q, frames, (INTRA, INTER))
        found[run] = [_completed(codec, one, seen_flows, number) for number, one in enumerate(found[run])]
    return found


@torch.inference_mode()
def _completed(codec: VideoCodec, one: CodedFrame, flows: list[Tensor], number: int) -> CodedFrame:
    """Return the frame with what no module's output shows."""
    scales = {f"{leaf}_scales": one.scales(part, FOUR_PART) for leaf, part in parts(number).items()}
    seen = {**one.seen, **scales}
    if number:
        seen["align_flow"] = torch.cat(flows[2 * number - 2 : 2 * number])
    else:
        seen["y_spatial_1"] = codec.intra.entropy_model.spatial(seen["y_spatial_1"])
    return replace(one, seen=seen)


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
    assert float(one.counter.total) == pytest.approx(float(expected[f"{at}bits"]), BITS_TOLERANCE)


@pytest.mark.parametrize(("run", "number"), [(Q21, 0), (Q21, 1), (Q21, 2), (CROPPED, 0), (CROPPED, 1)])
def test_intermediates_are_the_published_ones(
    runs: dict[str, list[CodedFrame]], run: str, number: int
) -> None:
    at = f"{run}/frame{number}/"
    found = runs[run][number].seen
    others = ("x_hat", "y", "z", "mv_y", "mv_z", "q_steps")
    leaves = {key.removeprefix(at) for key in goldens.golden(MODEL) if key.startswith(at)}
    leaves = {leaf for leaf in leaves if leaf not in others and not leaf.startswith("bits")}
    assert leaves == (found.keys() if (run, number) != (CROPPED, 0) else {"input"})
    for leaf in sorted(leaves):
        expected = goldens.golden(MODEL)[at + leaf]
        error = np.abs(thinned(found[leaf]) - expected).max() / np.abs(expected).max()
        assert error < INTERMEDIATE_TOLERANCE, leaf


def thinned(values: Tensor) -> np.ndarray:
    """Return the channels and the corner that the fixtures keep."""
    channels = values.shape[1]
    step = max(1, channels // MOST_CHANNELS)
    return values.detach()[:, ::step][:, :MOST_CHANNELS, :16, :24].numpy()


@torch.inference_mode()
@pytest.mark.parametrize("run", RUNS)
def test_factors_of_the_rate_are_the_published_ones(codec: VideoCodec, run: str) -> None:
    inter, q = codec.inter, torch.tensor([RUNS[run][1][1]])
    gains = (inter.motion.encoder_gain, inter.motion.decoder_gain, inter.encoder_gain, inter.decoder_gain)
    found = [float(gain(codec.rate_sampler, q)) for gain in gains]
    np.testing.assert_allclose(found, goldens.golden(MODEL)[f"{run}/frame1/q_steps"], rtol=2e-7)


@torch.inference_mode()
@pytest.mark.parametrize("run", RUNS)
def test_streams_decode_to_the_same_frames(
    codec: VideoCodec, runs: dict[str, list[CodedFrame]], run: str
) -> None:
    count, q, size = RUNS[run]
    kept = ReferenceBuffer()
    for number in range(count):
        (step,) = gop_of(codec, run).steps(number, 1)
        quality = q[1 if step.references else 0]
        padded, setting = goldens.padded_and_setting(codec, frame(number, size), quality, step.level)
        part, writer, references = codec.codec_of(step), BitWriter(NativeCoder()), kept.of(step)
        written = part.code(padded, references, setting, writer)
        reader = BitReader(NativeCoder(), dict(writer.finish()))
        read = part.code(None, references, setting, reader)
        reader.finish()
        assert torch.equal(read.frame, written.frame)
        assert (written.frame - runs[run][number].reference.frame).abs().max() < PICTURE_TOLERANCE
        kept.add(step, read)


def test_no_parameter_is_left_out(codec: VideoCodec) -> None:
    counts = goldens.recipe().manifest(MODEL)["num_params"]
    for part, count in counts.items():
        module = getattr(codec, part)
        assert isinstance(module, nn.Module)
        assert sum(one.numel() for one in module.parameters()) == count
