"""EVC against what the published code computes; the rules are those of the fixtures' specification."""

from functools import cache

import goldens
import numpy as np
import pytest
import torch
from goldens import CodedFrame, Watched
from nvczoo.plugins.dcvc.geometric_rate import AnchoredRate, GeometricRate
from torch import Tensor

import nvczoo
from nvczoo.codec.video_codec import VideoCodec
from nvczoo.entropy.coders import NativeCoder
from nvczoo.entropy.lattice import CHECKERBOARD
from nvczoo.entropy.streams import BitReader, BitWriter

FAMILY = "evc"
# Run: model, anchor (None where the fixture gives a step from outside), frames, size of the crop.
RUNS = {
    "ll_q1": ("evc-ll", 1, (0, 1, 2, 3), None),
    "ll_s0.83": ("evc-ll", None, (4,), None),
    "ll_q3_100x150": ("evc-ll", 3, (5,), (100, 150)),
    "lm_q2": ("evc-lm", 2, (6,), (64, 128)),
    "ls_q0": ("evc-ls", 0, (6,), (64, 128)),
    "ml_q1": ("evc-ml", 1, (6,), (64, 128)),
    "sl_q2": ("evc-sl", 2, (6,), (64, 128)),
    "mm_q3": ("evc-mm", 3, (6,), (64, 128)),
    "ss_q1": ("evc-ss", 1, (6,), (64, 128)),
    "scale-sl_q2": ("evc-scale-sl", 2, (7,), (64, 128)),
    "scale-ss_q1": ("evc-scale-ss", 1, (8,), (64, 128)),
}
SCALABLE = ("scale-sl_q2", "scale-ss_q1")
ENCODERS = 4
Q_OF_ANCHOR = 21.0  # q of the second of four, from 0 to 63
PICTURE_TOLERANCE = 1e-5  # as the specification
INTERMEDIATE_TOLERANCE = 1e-4  # of the standard deviation
BITS_TOLERANCE = 1e-6  # relative, as the specification
CROP = (16, 24)  # rows and columns of an intermediate; and every so-manieth of its channels:
CHANNELS = 16


class GivenRate(AnchoredRate):
    """One step for everything, from outside."""

    def __init__(self, step: float) -> None:
        super().__init__(anchors=4)
        self.step = step

    def interpolate(self, anchors: Tensor, q: Tensor) -> Tensor:
        return torch.full((q.shape[0], anchors.shape[1], 1, 1), self.step)


def output(path: str) -> Watched:
    return path, lambda inputs, out: out


def third(number: int) -> Watched:
    return "intra.entropy_model.fusion", lambda inputs, out: out.chunk(3, dim=1)[number]


WATCHED = {
    **{f"enc_{2 * 2**stage}x": output(f"intra.analysis.0.{2 * stage + 1}") for stage in range(3)},
    **{f"dec_{8 // 2**stage}x": output(f"intra.synthesis.{2 * stage + 2}") for stage in range(3)},
    "y_enc": output("intra.analysis.0"),
    "y_scaled": ("intra.entropy_model.hyper.analysis", lambda inputs, out: inputs[0]),
    "hyper_dec": output("intra.entropy_model.hyper.synthesis"),
    "prior_quant_step": third(0),
    "prior_scales": third(1),
    "prior_means": third(2),
    "spatial_params": output("intra.entropy_model.spatial"),
    "x_hat_raw": output("intra.synthesis"),
}


def cropped(tensor: Tensor) -> Tensor:
    step = max(tensor.shape[1] // CHANNELS, 1)
    return tensor[:, ::step][:, :CHANNELS, : CROP[0], : CROP[1]]


@cache
def codec_of(model: str) -> VideoCodec:
    codec = nvczoo.create(model, rate_sampler="anchored")
    goldens.load_published(codec.intra, FAMILY, model.replace("evc", "intra"))
    return codec


@cache
def coded(run: str) -> tuple[CodedFrame, ...]:
    model, anchor, numbers, size = RUNS[run]
    codec = codec_of(model)
    sampler = codec.intra.rate_sampler
    if anchor is None:
        codec.intra.rate_sampler = GivenRate(float(goldens.golden(FAMILY)[f"{run}/q_scale"][0]))
    watched = {} if run in SCALABLE else WATCHED
    q = Q_OF_ANCHOR * (anchor or 0)
    found = [
        goldens.coded(
            codec, q, [goldens.zero_padded(goldens.frame(number, size), codec.stride)], (watched, {})
        )
        for number in numbers
    ]
    codec.intra.rate_sampler = sampler
    return tuple(frame for (frame,) in found)


CASES = [(run, place) for run, (_, _, numbers, _) in RUNS.items() for place in range(len(numbers))]


def at(run: str, place: int) -> str:
    return f"{run}/frame{RUNS[run][2][place]}/"


@pytest.mark.parametrize(("run", "place"), CASES)
def test_every_coded_integer_is_the_published_one(run: str, place: int) -> None:
    expected, one = goldens.golden(FAMILY), coded(run)[place]
    assert np.array_equal(one.symbols("intra", CHECKERBOARD).numpy(), expected[f"{at(run, place)}y"])
    assert np.array_equal(one.counter.notes["intra.hyper.symbols"].numpy(), expected[f"{at(run, place)}z"])


@pytest.mark.parametrize(("run", "place"), CASES)
def test_pictures_and_bits_are_the_published_ones(run: str, place: int) -> None:
    expected, one = goldens.golden(FAMILY), coded(run)[place]
    picture = expected[f"{at(run, place)}x_hat"]
    found = one.reference.frame[..., : picture.shape[2], : picture.shape[3]].numpy()
    assert np.abs(found - picture).max() < PICTURE_TOLERANCE
    bits = one.counter.bits
    for name, leaf in (("intra.latent", "bits_y"), ("intra.hyper.latent", "bits_z")):
        assert float(bits[name]) == pytest.approx(float(expected[at(run, place) + leaf]), rel=BITS_TOLERANCE)
    assert float(one.counter.total) == pytest.approx(
        float(expected[f"{at(run, place)}bits"]), rel=BITS_TOLERANCE
    )


@pytest.mark.parametrize("run", ["ll_q1", "ll_s0.83", "ss_q1"])
def test_intermediates_are_the_published_ones(run: str) -> None:
    one = coded(run)[0]
    found = {name: cropped(tensor) for name, tensor in one.seen.items()}
    found["y_scales"] = cropped(one.scales("intra", CHECKERBOARD))
    expected = {key.removeprefix(at(run, 0)): value for key, value in goldens.golden(FAMILY).items()}
    leaves = [leaf for leaf in found if leaf in expected]
    assert len(leaves) >= 3
    for leaf in leaves:
        assert goldens.relative_error(found[leaf], expected[leaf]) < INTERMEDIATE_TOLERANCE, leaf
    if run == "ll_q1":
        known = {
            "x_hat",
            "y",
            "z",
            "bits",
            "bits_y",
            "bits_z",
            "y_hat_unit",
        }  # the last is a factor of x_hat's
        assert {leaf for leaf in expected if "/" not in leaf} <= known | set(leaves) | {
            "interpolated_q_scales"
        }


@pytest.mark.parametrize("run", SCALABLE)
@torch.inference_mode()
def test_every_number_of_encoders_costs_what_it_is_published_to(run: str) -> None:
    model, anchor, (number,), size = RUNS[run]
    codec, expected = codec_of(model), goldens.golden(FAMILY)
    image = goldens.zero_padded(goldens.frame(number, size), codec.stride)
    raw: dict[str, Watched] = {"raw": output("intra.synthesis")}
    for used in range(1, ENCODERS + 1):
        codec.intra.used = used
        (one,) = goldens.coded(codec, Q_OF_ANCHOR * (anchor or 0), [image], (raw, {}))
        codec.intra.used = 0
        bits, error = expected[f"{at(run, 0)}all_bits"][used - 1], expected[f"{at(run, 0)}all_mse"][used - 1]
        assert float(one.counter.total) == pytest.approx(float(bits), rel=BITS_TOLERANCE)
        squared = (one.seen["raw"] - image).square().sum() / (size[0] * size[1])
        assert float(squared) == pytest.approx(float(error), rel=1e-5)


@pytest.mark.parametrize("run", SCALABLE)
@torch.inference_mode()
def test_the_encoders_are_the_published_ones(run: str) -> None:
    model, _, (number,), size = RUNS[run]
    image = goldens.frame(number, size).contiguous(memory_format=torch.channels_last)
    for place, encoder in enumerate(codec_of(model).intra.analysis):
        expected = goldens.golden(FAMILY)[f"{at(run, 0)}enc{place}"]
        assert goldens.relative_error(cropped(encoder(image)), expected) < INTERMEDIATE_TOLERANCE


def test_rates_between_the_anchors_are_the_published_ones() -> None:
    anchors = torch.tensor([2.0, 1.5, 1.1, 0.5]).view(4, 1)
    found = GeometricRate(anchors=4).interpolate(anchors, torch.linspace(0, 63, 7)).flatten()
    np.testing.assert_allclose(found.numpy(), goldens.golden(FAMILY)["interpolated_q_scales"], rtol=1e-6)
    for run, (model, anchor, _, _) in RUNS.items():
        if anchor is not None:
            intra = codec_of(model).intra
            step = intra.rate_sampler.interpolate(
                intra.quality_step.scale.flatten(1), torch.tensor([Q_OF_ANCHOR * anchor])
            )
            np.testing.assert_allclose(step.item(), goldens.golden(FAMILY)[f"{run}/q_scale"][0], rtol=1e-6)


@pytest.mark.parametrize("run", ["ll_q3_100x150", "ss_q1", "scale-ss_q1"])
@torch.inference_mode()
def test_streams_decode_to_the_same_pictures(run: str) -> None:
    model, anchor, numbers, size = RUNS[run]
    codec, writer = codec_of(model), BitWriter(NativeCoder())
    padded, setting = goldens.padded_and_setting(
        codec, goldens.frame(numbers[0], size), Q_OF_ANCHOR * (anchor or 0), 0
    )
    written = codec.intra.code(padded, (), setting, writer)
    reader = BitReader(NativeCoder(), dict(writer.finish()))
    read = codec.intra.code(None, (), setting, reader)
    reader.finish()
    assert torch.equal(read.frame, written.frame)


@pytest.mark.parametrize("model", nvczoo.models("evc-*"))
def test_no_parameter_is_left_out(model: str) -> None:
    count = goldens.recipe().manifest(FAMILY)["num_params"][model.replace("evc", "intra")]
    assert sum(one.numel() for one in codec_of(model).intra.parameters()) == count
