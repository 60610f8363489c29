"""SEVC against what the published code computes; the rules are those of the fixtures' specification."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import goldens
import numpy as np
import pytest
import torch
from nvczoo.plugins.dcvc.geometric_rate import AnchoredRate, GeometricRate
from nvczoo.plugins.sevc.codec import Sevc
from nvczoo.plugins.sevc.memory import SevcMemory
from nvczoo.plugins.sevc.quarter import pad_with_zeros, quarter
from torch import Tensor, nn

import nvczoo
from nvczoo.codec.references import after_reset
from nvczoo.entropy.lattice import FOUR_PART
from nvczoo.entropy.streams import BitCounter
from nvczoo.interfaces import Reference, Setting
from nvczoo.layers import pad_to_multiple

MODEL = "sevc"
PICTURE_TOLERANCE = 1e-5
INTERMEDIATE_TOLERANCE = 1e-4  # of the largest magnitude
BITS_TOLERANCE = 2e-6  # the specification allows 1e-3
LATENTS = {"bl/y": "base.frame", "bl/mv_y": "base.motion", "el/y": "enhancement.frame"}
LEVELS = (0, 1, 0, 2)


@dataclass(frozen=True)
class Run:
    q: float
    frames: int
    size: tuple[int, int] | None = None
    anchored: bool = False  # the learned scales themselves
    refresh: int = 0  # before this frame


RUNS = {
    "q21": Run(21, 5),
    "q42refresh": Run(42, 2, refresh=2),
    "ckpt2": Run(42, 1, anchored=True),
    "q30_112x176": Run(30, 2, (112, 176)),
    "q30_120x184": Run(30, 2, (120, 184)),
}
FAST, FAST_SIZE = "q30_120x184_fast", (120, 184)
QUICK = {("q21", 1), ("q30_112x176", 1), ("q30_112x176", 2)}  # a frame takes two seconds
CASES = [
    pytest.param(run, number, marks=() if (run, number) in QUICK else pytest.mark.slow)
    for run, one in RUNS.items()
    for number in range(1, one.frames + 1)
]
Calls = list[tuple[tuple[Any, ...], Any]]  # inputs and output of each call of a module


def out(path: str, pick: Callable[[Any], Tensor] = lambda output: output) -> Any:
    return path, lambda calls: pick(calls[0][1])


def given(path: str, pick: Callable[[tuple[Any, ...]], Tensor]) -> Any:
    return path, lambda calls: pick(calls[0][0])


def scales(place: str, path: str) -> dict[str, Any]:
    return {f"{place}/context{n + 1}": out(path, lambda output, n=n: output[n]) for n in range(3)}


SEEN = {
    "bl/x": given("base.motion_estimator", lambda inputs: inputs[0]),
    "bl/est_mv": out("base.motion_estimator"),
    "bl/mv_y": out("base.motion.analysis_coarse"),
    "bl/mv_params": out("base.motion.entropy_model.fusion"),
    "bl/mv_hat": out("base.motion.synthesis_fine"),
    "bl/mv_feature": out("base.motion.synthesis_coarse"),
    "bl/warp_frame": given("base.context_fuser.align", lambda inputs: inputs[1][:, 48:51]),
    "bl/ref_feature3": out("base.context_fuser.extract", lambda output: output[2]),
    "bl/context1_aligned": out("base.context_fuser.align"),
    **scales("bl", "base.context_fuser"),
    "bl/y": out("base.analysis"),
    "bl/temporal_prior": out("base.temporal_prior"),
    "bl/params": out("base.entropy_model.fusion"),
    "bl/recon_feature": out("base.synthesis"),
    "bl/feature": out("base.reconstruction", lambda output: output[0]),
    **{
        f"ilp/{leaf}{scale + 1}": out(f"contexts.refine.{scale}", lambda output, at=at: output[at])
        for scale in range(3)
        for at, leaf in enumerate(("texture", "mv"))
    },
    "ilp/context1_aligned": out("contexts.align"),
    "el/warp_frame": given("contexts.align", lambda inputs: inputs[1][:, 48:51]),
    "latent/upsampled": out("prediction.grow"),
    "latent/prior": out("prediction"),
    **scales("el", "contexts"),
    "el/y": out("analysis"),
    "el/temporal_prior": out("temporal_prior"),
    "el/params": out("entropy_model.fusion"),
    "el/recon_feature": out("synthesis"),
    "el/feature": out("reconstruction", lambda output: output[0]),
}


@pytest.fixture(scope="module")
def codec() -> Sevc:
    inter = nvczoo.create(MODEL).inter
    assert isinstance(inter, Sevc)
    goldens.load_published(inter, MODEL, "inter", inter.published)
    return inter


def set_sampler(codec: Sevc, anchored: bool) -> None:
    base: Any = codec.base
    for part in (codec, base, base.motion):
        part.rate_sampler = AnchoredRate() if anchored else GeometricRate(anchors=4)


class Runs:
    """Codes frames when they are asked for, and those before them."""

    def __init__(self, codec: Sevc) -> None:
        self.codec = codec
        self.done: dict[tuple[str, int], goldens.CodedFrame] = {}

    @torch.inference_mode()
    def frame(self, name: str, number: int) -> goldens.CodedFrame:
        if (name, number) not in self.done:
            run = RUNS[name]
            previous = (
                self.frame(name, number - 1).reference if number > 1 else Reference(picture(0, run.size))
            )
            set_sampler(self.codec, run.anchored)
            if run.refresh == number:
                previous = after_reset(previous)
            self.done[name, number] = coded(self.codec, run, number, previous)
        return self.done[name, number]


def coded(codec: Sevc, run: Run, number: int, previous: Reference) -> goldens.CodedFrame:
    calls: dict[str, Calls] = defaultdict(list)
    handles = [
        codec.get_submodule(path).register_forward_hook(
            lambda module, inputs, output, path=path: calls[path].append((inputs, output))
        )
        for path in {path for path, _ in SEEN.values()}
    ]
    counter, image = BitCounter(), picture(number, run.size)
    setting = Setting(torch.tensor([run.q]), (image.shape[2], image.shape[3]), LEVELS[number % 4])
    reference = codec.code(image, (previous,), setting, counter)
    for handle in handles:
        handle.remove()
    seen = {name: pick(calls[path]) for name, (path, pick) in SEEN.items()}
    return goldens.CodedFrame(reference, counter, seen)


def picture(number: int, size: tuple[int, int] | None) -> Tensor:
    padded = pad_to_multiple(goldens.frame(number, size), Sevc.stride)
    return padded.contiguous(memory_format=torch.channels_last)


@pytest.fixture(scope="module")
def runs(codec: Sevc) -> Runs:
    return Runs(codec)


def check_integers(one: goldens.CodedFrame, at: str, latents: dict[str, str]) -> None:
    expected = goldens.golden(MODEL)
    for leaf, part in latents.items():
        assert np.array_equal(one.symbols(part, FOUR_PART).numpy(), expected[f"{at}{leaf}_q"])
        if part != "enhancement.frame":
            hyper = one.counter.notes[f"{part}.hyper.symbols"].numpy()
            assert np.array_equal(hyper, expected[f"{at}{leaf[:-1]}z_q"])


def check_bits(one: goldens.CodedFrame, at: str, latents: dict[str, str]) -> None:
    expected, bits = goldens.golden(MODEL), one.counter.bits
    for leaf, part in latents.items():
        layer, name = leaf.split("/")
        wanted = float(expected[f"{at}{layer}/bits_{name}"][0])
        assert float(bits[f"{part}.latent"]) == pytest.approx(wanted, BITS_TOLERANCE)
        if layer == "bl":
            wanted = float(expected[f"{at}{layer}/bits_{name[:-1]}z"][0])
            assert float(bits[f"{part}.hyper.latent"]) == pytest.approx(wanted, BITS_TOLERANCE)
    total = float(expected[f"{at}bits_total_reported"][0])
    assert float(one.counter.total) == pytest.approx(total, BITS_TOLERANCE)


def worst(found: Tensor, expected: np.ndarray) -> float:
    """Return the largest difference over the golden's crop."""
    return float(np.abs(found.numpy()[tuple(slice(side) for side in expected.shape)] - expected).max())


@pytest.mark.parametrize(("run", "number"), CASES)
def test_every_coded_integer_is_the_published_one(runs: Runs, run: str, number: int) -> None:
    check_integers(runs.frame(run, number), f"{run}/frame{number}/", LATENTS)


@pytest.mark.parametrize(("run", "number"), CASES)
def test_pictures_and_bits_are_the_published_ones(runs: Runs, run: str, number: int) -> None:
    expected, one = goldens.golden(MODEL), runs.frame(run, number)
    at = f"{run}/frame{number}/"
    memory = one.reference.memory
    assert isinstance(memory, SevcMemory)
    found, wanted = one.reference.frame, expected.get(f"{at}x_hat")
    if wanted is None:
        found, wanted = found[..., -64:, -96:], expected[f"{at}x_hat_corner"]
    assert worst(found, wanted) < PICTURE_TOLERANCE
    assert worst(memory.base.frame, expected[f"{at}bl/x_hat"]) < PICTURE_TOLERANCE
    if (small := expected.get(f"{at}bl/x")) is not None:
        assert worst(one.seen["bl/x"], small) < PICTURE_TOLERANCE
    check_bits(one, at, LATENTS)


@pytest.mark.parametrize("number", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_intermediates_are_the_published_ones(runs: Runs, number: int) -> None:
    one, at = runs.frame("q21", number), f"q21/frame{number}/"
    found = dict(one.seen) | {f"{leaf}_scales": one.scales(part, FOUR_PART) for leaf, part in LATENTS.items()}
    leaves = {key.removeprefix(at) for key in goldens.golden(MODEL) if key.startswith(at)}
    leaves = {leaf for leaf in leaves if "bits_" not in leaf and not leaf.endswith(("_q", "x_hat"))}
    assert leaves == found.keys()
    for leaf in sorted(leaves):
        expected = goldens.golden(MODEL)[at + leaf]
        assert worst(found[leaf], expected) <= INTERMEDIATE_TOLERANCE * np.abs(expected).max(), leaf


@torch.inference_mode()
def test_the_published_fast_mode_is_the_base_layer_of_the_unpadded_picture(codec: Sevc) -> None:
    set_sampler(codec, anchored=False)
    previous = Reference(quarter(picture(0, FAST_SIZE)))
    for number in (1, 2):
        image = pad_with_zeros(quarter(goldens.frame(number, FAST_SIZE)), Sevc.stride)
        at = f"{FAST}/frame{number}/"
        assert worst(image, goldens.golden(MODEL)[f"{at}bl/x"]) < PICTURE_TOLERANCE
        setting = Setting(torch.tensor([30.0]), (image.shape[2], image.shape[3]), LEVELS[number % 4])
        counter = BitCounter()
        previous = codec.base.code(image, (previous,), setting, counter.part("base"))
        one, base = goldens.CodedFrame(previous, counter), {k: v for k, v in LATENTS.items() if k[:2] == "bl"}
        check_integers(one, at, base)
        check_bits(one, at, base)
        assert worst(previous.frame, goldens.golden(MODEL)[f"{at}bl/x_hat"]) < PICTURE_TOLERANCE


@pytest.mark.parametrize("run", ["q21", "ckpt2"])
@torch.inference_mode()
def test_the_factors_of_a_rate_are_the_published_ones(codec: Sevc, run: str) -> None:
    sampler = AnchoredRate() if RUNS[run].anchored else GeometricRate(anchors=4)
    base: Any = codec.base
    gains: dict[str, nn.Module] = {
        "bl/mv_y_q_enc": base.motion.encoder_gain,
        "bl/mv_y_q_dec": base.motion.decoder_gain,
        "bl/y_q_enc": base.encoder_gain,
        "bl/y_q_dec": base.decoder_gain,
        "el/y_q_enc": codec.encoder_gain,
        "el/y_q_dec": codec.decoder_gain,
    }
    for name, gain in gains.items():
        found = gain(sampler, torch.tensor([RUNS[run].q])).numpy()
        np.testing.assert_allclose(found.ravel(), goldens.golden(MODEL)[f"{run}/{name}"].ravel(), rtol=1e-6)


def test_only_the_unused_parameters_are_left_out(codec: Sevc) -> None:
    manifest = goldens.recipe().manifest(MODEL)
    shapes = {entry["key"]: entry["shape"] for entry in manifest["parts"]["inter"]["params"]}
    unused = sum(int(np.prod(shapes[key])) for key in manifest["unused_params"])
    count = sum(one.numel() for one in codec.parameters())
    assert count + unused == manifest["num_params"]["inter"]
