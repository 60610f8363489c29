"""BRHVC against what the published code computes; the rules are those of the fixtures' specification."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import goldens
import numpy as np
import pytest
import torch
from goldens import CodedFrame
from nvczoo.plugins.brhvc.codec import Brhvc
from nvczoo.plugins.brhvc.sides import layer_of
from nvczoo.plugins.dcvc.geometric_rate import AnchoredRate, GeometricRate
from torch import Tensor

import nvczoo
from nvczoo.codec.gop import Hierarchical
from nvczoo.entropy.lattice import FOUR_PART
from nvczoo.entropy.streams import BitCounter
from nvczoo.interfaces import Reference, Setting
from nvczoo.layers import pad_to_multiple

MODEL = "brhvc"
PICTURE_TOLERANCE = 1e-5
INTERMEDIATE_TOLERANCE = 1e-4  # of the largest magnitude
BITS_TOLERANCE = 2e-6  # the specification allows 1e-3
LATENTS = {"y": "frame", "mv_y": "motion"}


@dataclass(frozen=True)
class Step:
    frame: int
    references: tuple[int, int]
    layer: int


@dataclass(frozen=True)
class Run:
    q: float
    steps: tuple[Step, ...]
    size: tuple[int, int] | None = None
    anchored: bool = False  # the learned scales themselves


SPAN = (
    Step(4, (0, 8), 2),
    Step(2, (0, 4), 1),
    Step(1, (0, 2), 0),
    Step(3, (2, 4), 0),
    Step(6, (4, 8), 1),
    Step(5, (4, 6), 0),
    Step(7, (6, 8), 0),
)
RUNS = {
    "q22": Run(22, SPAN),
    "q42upper": Run(42, (Step(4, (0, 8), 4), Step(2, (0, 4), 3))),
    "ckpt2": Run(42, SPAN[:1], anchored=True),
    "q30_112x176": Run(30, SPAN[:2], (112, 176)),
    "q30_120x184": Run(30, SPAN[:1], (120, 184)),
}
QUICK = {("q22", 4), ("q30_112x176", 4), ("q30_112x176", 2)}  # a frame takes two to four seconds
CASES = [
    pytest.param(run, step.frame, marks=() if (run, step.frame) in QUICK else pytest.mark.slow)
    for run, one in RUNS.items()
    for step in one.steps
]
Calls = list[tuple[tuple[Any, ...], Any]]  # inputs and output of each call of a module


def out(path: str, pick: Callable[[Any], Tensor] = lambda output: output, call: int = 0) -> Any:
    return path, lambda calls: pick(calls[call][1])


# Where each intermediate is found: calls come for the earlier reference first, then for the later one.
SEEN = {
    "est_mv_f0": out("motion_estimator", call=2),
    "est_mv_f1": out("motion_estimator", call=3),
    "est_mv_f2": out("motion_estimator", call=4),
    "est_mv_b0": out("motion_estimator", call=5),
    "est_mv_ref": ("motion.relation", lambda calls: calls[0][0][0]),
    "mv_ref_info": out("motion.relation"),
    "flow_feature_f": out("motion.merge.2"),
    "mv_y": out("motion.leave"),
    "mv_prior_adapted": out("motion.entropy_model.adapt"),
    "mv_temporal_prior": out("motion.temporal_prior"),
    "mv_params": out("motion.entropy_model.fusion"),
    **{f"mv_hat_f{scale}": out(f"motion.heads.{scale}") for scale in range(3)},
    "mv_hat_b0": out("motion.heads.0", call=1),
    "mv_hat_b2": out("motion.heads.2", call=1),
    "mv_feature": out("motion.diverge"),
    "context1_aligned_f": out("contexts.align"),
    "ref_feature3_b": out("contexts.extract", lambda output: output[2], call=1),
    **{f"context{n + 1}_f": out("contexts", lambda output, n=n: output[n]) for n in range(3)},
    **{f"context{n + 1}_b": out("contexts", lambda output, n=n: output[n], 1) for n in (0, 2)},
    **{f"context{n + 1}_enc": out("encoder_fusion", lambda output, n=n: output[n]) for n in range(3)},
    **{f"context{n + 1}_dec": out("decoder_fusion", lambda output, n=n: output[n]) for n in range(3)},
    "y": out("analysis"),
    "context3_prior": out("join_coarse"),
    "temporal_prior": out("temporal_prior"),
    "prior_adapted": out("entropy_model.adapt"),
    "params": out("entropy_model.fusion"),
    "recon_feature": out("synthesis"),
    "feature": out("reconstruction", lambda output: output[0]),
}


@pytest.fixture(scope="module")
def codec() -> Brhvc:
    inter = nvczoo.create(MODEL).inter
    assert isinstance(inter, Brhvc)
    goldens.load_published(inter, MODEL, "inter", inter.published)
    return inter


class Runs:
    """Codes frames when they are asked for, and those they refer to before them."""

    def __init__(self, codec: Brhvc) -> None:
        self.codec = codec
        self.done: dict[tuple[str, int], CodedFrame] = {}

    @torch.inference_mode()
    def frame(self, name: str, number: int) -> CodedFrame:
        if (name, number) not in self.done:
            run = RUNS[name]
            (step,) = (one for one in run.steps if one.frame == number)
            references = tuple(self.reference(name, one) for one in step.references)
            sampler = AnchoredRate() if run.anchored else GeometricRate(anchors=4)
            self.codec.rate_sampler = self.codec.motion.rate_sampler = sampler
            self.done[name, number] = coded_step(self.codec, run, step, references)
        return self.done[name, number]

    def reference(self, name: str, number: int) -> Reference:
        if number in (0, 8):
            return Reference(picture(number, RUNS[name].size))
        return self.frame(name, number).reference


@pytest.fixture(scope="module")
def runs(codec: Brhvc) -> Runs:
    return Runs(codec)


def coded_step(codec: Brhvc, run: Run, step: Step, references: tuple[Reference, ...]) -> CodedFrame:
    calls: dict[str, Calls] = defaultdict(list)
    handles = [
        codec.get_submodule(path).register_forward_hook(
            lambda module, inputs, output, path=path: calls[path].append((inputs, output))
        )
        for path in {path for path, _ in SEEN.values()}
    ]
    counter = BitCounter()
    image = picture(step.frame, run.size)
    reference = codec.code(image, references, setting(run, step, image), counter)
    for handle in handles:
        handle.remove()
    return CodedFrame(reference, counter, {name: pick(calls[path]) for name, (path, pick) in SEEN.items()})


def picture(number: int, size: tuple[int, int] | None) -> Tensor:
    padded = pad_to_multiple(goldens.frame(number, size), Brhvc.stride)
    return padded.contiguous(memory_format=torch.channels_last)


def setting(run: Run, step: Step, image: Tensor) -> Setting:
    half = 1 << step.layer
    return Setting(torch.tensor([run.q]), (image.shape[2], image.shape[3]), distances=(-half, half))


@pytest.mark.parametrize(("run", "number"), CASES)
def test_every_coded_integer_is_the_published_one(runs: Runs, run: str, number: int) -> None:
    expected, one = goldens.golden(MODEL), runs.frame(run, number)
    for leaf, part in LATENTS.items():
        at = f"{run}/frame{number}/{leaf}_q"
        assert np.array_equal(one.symbols(part, FOUR_PART).numpy(), expected[at])
        hyper = at.replace("y_q", "z_q")
        assert np.array_equal(one.counter.notes[f"{part}.hyper.symbols"].numpy(), expected[hyper])


@pytest.mark.parametrize(("run", "number"), CASES)
def test_pictures_and_bits_are_the_published_ones(runs: Runs, run: str, number: int) -> None:
    expected, one = goldens.golden(MODEL), runs.frame(run, number)
    at = f"{run}/frame{number}/"
    picture = one.reference.frame
    if run == "q22":
        found, wanted = picture, expected[f"{at}x_hat"]
    else:
        found, wanted = picture[..., -64:, -96:], expected[f"{at}x_hat_corner"]
    assert np.abs(found.numpy() - wanted).max() < PICTURE_TOLERANCE
    bits = one.counter.bits
    for leaf, part in LATENTS.items():
        latent, hyper = float(bits[f"{part}.latent"]), float(bits[f"{part}.hyper.latent"])
        assert latent == pytest.approx(float(expected[f"{at}bits_{leaf}"][0]), BITS_TOLERANCE)
        hyper_leaf = leaf.replace("y", "z")
        assert hyper == pytest.approx(float(expected[f"{at}bits_{hyper_leaf}"][0]), BITS_TOLERANCE)
    total = float(expected[f"{at}bits_total_reported"][0])
    assert float(one.counter.total) == pytest.approx(total, BITS_TOLERANCE)


@pytest.mark.parametrize("number", [4, pytest.param(3, marks=pytest.mark.slow)])
def test_intermediates_are_the_published_ones(runs: Runs, number: int) -> None:
    one, at = runs.frame("q22", number), f"q22/frame{number}/"
    found = dict(one.seen) | {f"{leaf}_scales": one.scales(part, FOUR_PART) for leaf, part in LATENTS.items()}
    leaves = {key.removeprefix(at) for key in goldens.golden(MODEL) if key.startswith(at)}
    leaves = {leaf for leaf in leaves if not leaf.startswith("bits_") and not leaf.endswith("_q")} - {"x_hat"}
    assert leaves == found.keys()
    for leaf in sorted(leaves):
        expected = goldens.golden(MODEL)[at + leaf]
        cut = found[leaf].numpy()[tuple(slice(side) for side in expected.shape)]
        assert np.abs(cut - expected).max() <= INTERMEDIATE_TOLERANCE * np.abs(expected).max(), leaf


@pytest.mark.parametrize("run", ["q22", "ckpt2"])
@torch.inference_mode()
def test_the_factors_of_a_rate_are_the_published_ones(codec: Brhvc, run: str) -> None:
    sampler = AnchoredRate() if RUNS[run].anchored else GeometricRate(anchors=4)
    gains = {
        "mv_y_q_enc": codec.motion.encoder_gain,
        "mv_y_q_dec": codec.motion.decoder_gain,
        "y_q_enc": codec.encoder_gain,
        "y_q_dec": codec.decoder_gain,
    }
    for name, gain in gains.items():
        found = gain(sampler, torch.tensor([RUNS[run].q])).numpy()
        np.testing.assert_allclose(found.ravel(), goldens.golden(MODEL)[f"{run}/{name}"].ravel(), rtol=1e-6)


def test_order_references_and_layers_are_those_of_the_gop_structure() -> None:
    _, *steps = Hierarchical(8, 8).steps(1, 8)
    size = (16, 16)
    found = [
        Step(one.frames[0], one.references, layer_of(Setting(torch.ones(1), size, distances=one.distances)))
        for one in steps
    ]
    assert tuple(found) == SPAN


def test_no_parameter_is_left_out(codec: Brhvc) -> None:
    count = goldens.recipe().manifest(MODEL)["num_params"]["inter"]
    assert sum(one.numel() for one in codec.parameters()) == count
