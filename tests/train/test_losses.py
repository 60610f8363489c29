from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
import torch
from narrow_models import NARROW
from torch import Tensor

import nvczoo
from nvczoo.entropy.streams import Rows
from nvczoo.errors import SettingError
from nvczoo.interfaces import Q_MAX, EntropyModel, Reference, Setting, SymbolStream
from nvczoo.train.augment import Crop
from nvczoo.train.losses import Batch, StageLoss
from nvczoo.train.networks import Networks, choose
from nvczoo.train.precision import computing_in, exact_entropy
from nvczoo.train.sampling import ClipSampler
from nvczoo.train.sources import Data
from nvczoo.train.stages import Stage, Terms
from nvczoo.train.steps import intra_qualities

SIDE = 32
CPU = torch.device("cpu")
MOTION = Terms(prediction=1.0, warp=0.2, motion_rate=1.0)


def batch_of(data: Data, frames: int, source: str = "all", rows: int = 2) -> Batch:
    sample = ClipSampler(data.train, Crop(frames, SIDE), source).sample(0, range(rows))  # pyright: ignore
    return Batch(sample.clip, torch.linspace(10, 50, rows), Rows(0, rows), sample.flow)


def reached(networks: Networks) -> set[str]:
    """Return the modules, two names deep, that a gradient has reached."""
    named = networks.modules().named_parameters()
    return {".".join(name.split(".")[:2]) for name, one in named if one.grad is not None and one.grad.any()}


def gradients(networks: Networks, stage: Stage, batches: list[Batch]) -> list[Tensor]:
    parameters = choose(networks, stage)
    networks.modules().zero_grad()
    for batch in batches:
        torch.manual_seed(3)
        (StageLoss(networks, stage)(batch)[0] / len(batches)).backward()
    return [torch.zeros_like(one) if one.grad is None else one.grad for one in parameters]


def test_intra_stages_leave_the_inter_codec_alone(networks: Networks, data: Data) -> None:
    gradients(networks, Stage("x", ("intra",), 1.0), [batch_of(data, 1)])
    assert {name.split(".")[0] for name in reached(networks)} == {"intra"}


def test_motion_is_trained_without_reconstruction(networks: Networks, data: Data) -> None:
    trains = ("inter.motion_estimator", "inter.motion_field")
    stage = Stage("x", trains, 1.0, terms=MOTION, references="original", frames=3)
    gradients(networks, stage, [batch_of(data, 3)])
    assert reached(networks) == set(trains)


def test_what_a_stage_freezes_gets_no_gradient(networks: Networks, data: Data) -> None:
    frozen = ("inter.motion_estimator", "inter.motion_field")
    gradients(networks, Stage("x", ("inter",), 1.0, frozen, frames=2), [batch_of(data, 2)])
    found = reached(networks)
    assert "inter.synthesis" in found
    assert not found & set(frozen)


def test_the_true_flow_trains_the_estimator(networks: Networks, data: Data) -> None:
    terms = Terms(endpoint=1.0)
    stage = Stage("x", ("inter.motion_estimator",), 1.0, terms=terms, source="synthetic", frames=2)
    batch = batch_of(data, 2, "synthetic")
    gradients(networks, stage, [batch])
    assert reached(networks) == {"inter.motion_estimator"}
    _, seen = StageLoss(networks, stage)(batch)
    assert batch.flow is not None
    # The narrow estimator begins by finding no motion: its error is the motion itself, in luma samples.
    assert seen[1, 3].item() == pytest.approx(2 * batch.flow.norm(dim=2).mean().item(), rel=0.2)


def test_a_stage_of_motion_codes_no_more_of_a_frame_than_its_terms_ask_for(
    networks: Networks, data: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    trains = ("inter.motion_estimator", "inter.motion_field")
    stage = Stage("x", trains, 1.0, terms=MOTION, references="original", frames=2)
    cut_short = gradients(networks, stage, [batch_of(data, 2)])
    _, seen = StageLoss(networks, stage)(batch_of(data, 2))
    assert seen[1:, 2].isfinite().all()  # of the prediction
    monkeypatch.setattr(StageLoss, "_notes_enough", lambda _: frozenset())
    whole = gradients(networks, stage, [batch_of(data, 2)])
    assert all(torch.equal(one, other) for one, other in zip(cut_short, whole, strict=True))

    def unwanted(*_: object) -> Tensor:
        raise AssertionError("the frame was coded to its end")

    assert networks.inter is not None
    monkeypatch.undo()
    monkeypatch.setattr(networks.inter.synthesis, "forward", unwanted)
    gradients(networks, stage, [batch_of(data, 2)])


def test_a_cascaded_loss_reaches_the_frames_before(networks: Networks, data: Data) -> None:
    stage, batch = Stage("x", ("inter",), 1.0, frames=3), batch_of(data, 3)
    last_only = replace(stage, frame_weights=(0.0, 1.0))
    pairs = zip(
        gradients(networks, last_only, [batch]),
        gradients(networks, replace(last_only, cascaded=False), [batch]),
        strict=True,
    )
    assert not all(torch.allclose(one, other) for one, other in pairs)


def test_frames_are_weighed_by_quality_not_by_rate(networks: Networks, data: Data) -> None:
    batch = batch_of(data, 3)
    losses = {}
    for terms in (Terms(distortion=0.0, rate=1.0), Terms(distortion=1.0, rate=0.0)):
        for weights in ((1.0,), (1.0, 3.0)):
            torch.manual_seed(3)
            stage = Stage("x", ("inter",), 1.0, terms=terms, frames=3, frame_weights=weights)
            losses[terms.rate, weights] = StageLoss(networks, stage)(batch)[0].item()
    assert losses[1.0, (1.0,)] == losses[1.0, (1.0, 3.0)]
    assert losses[0.0, (1.0,)] < losses[0.0, (1.0, 3.0)]


@pytest.mark.slow
def test_recomputing_changes_no_gradient(networks: Networks, data: Data) -> None:
    stage, batch = Stage("x", ("inter",), 1.0, frames=3, precision="float32"), batch_of(data, 3)
    kept = gradients(networks, stage, [batch])
    again = gradients(networks, replace(stage, recompute=True), [batch])
    assert all(torch.equal(one, other) for one, other in zip(kept, again, strict=True))


def test_slices_of_a_batch_have_the_gradient_of_the_whole(networks: Networks, data: Data) -> None:
    stage, whole = Stage("x", ("inter",), 1.0, frames=2), batch_of(data, 2)
    halves = [Batch(whole.clip[at : at + 1], whole.q[at : at + 1], Rows(at, 2)) for at in range(2)]
    pairs = zip(gradients(networks, stage, [whole]), gradients(networks, stage, halves), strict=True)
    assert all(torch.allclose(one, other, rtol=1e-3, atol=1e-4) for one, other in pairs)


def test_entropy_models_compute_in_float32_whatever_is_around_them(networks: Networks, data: Data) -> None:
    seen: list[torch.dtype] = []

    def spy(
        code: Callable[..., Tensor], stream: object, latent: Tensor, *rest: object, **named: object
    ) -> Tensor:
        seen.append(latent.dtype)
        assert not torch.is_autocast_enabled("cpu")
        return code(stream, latent, *rest, **named)

    for module in networks.modules().modules():
        if isinstance(module, EntropyModel):
            vars(module)["code"] = partial(spy, module.code)
    with exact_entropy(networks.modules(), CPU), computing_in("bfloat16", CPU):
        loss, _ = StageLoss(networks, Stage("x", ("inter",), 1.0, frames=2))(batch_of(data, 2))
    assert seen == [torch.float32] * len(seen)
    assert len(seen) == 3  # the intra codec's, motion, frame
    assert loss.dtype == torch.float32


def test_entropy_models_are_as_they_were_afterwards(networks: Networks) -> None:
    with exact_entropy(networks.modules(), CPU):
        pass
    assert all("code" not in module.__dict__ for module in networks.modules().modules())


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        (Stage("x", ("inter",), 1.0), "needs frames = 2"),
        (Stage("x", ("inter",), 1.0, ("inter",), frames=2), "freezes all"),
    ],
)
def test_a_stage_that_cannot_train_is_refused(stage: Stage, message: str, networks: Networks) -> None:
    with pytest.raises(SettingError, match=message):
        (choose(networks, stage), StageLoss(networks, stage))


def test_a_term_whose_tensor_the_codec_does_not_note_is_told(data: Data) -> None:
    codec = nvczoo.create("dcvc-dc", parts=NARROW["dcvc-dc"])
    stage = Stage("x", ("inter",), 1.0, terms=Terms(prediction=1.0), frames=2, side=64)
    clip = torch.full((1, 2, 6, 32, 32), 0.5)
    with pytest.raises(SettingError, match=r"note 'prediction'.*notes.*flow"):
        StageLoss(Networks.of(codec), stage)(Batch(clip, torch.tensor([30.0]), Rows(0, 1)))


def test_first_frames_can_have_a_quality_of_their_own(networks: Networks, data: Data) -> None:
    batch = batch_of(data, 2)
    asked: list[Tensor] = []
    code = networks.intra.code

    def noting(
        frame: Tensor, references: tuple[Reference, ...], setting: Setting, stream: SymbolStream
    ) -> Reference:
        asked.append(setting.q)
        return code(frame, references, setting, stream)

    networks.intra.code = noting
    wanted = intra_qualities(batch.q, (4.0, 24.0), seed=1)
    StageLoss(networks, Stage("x", ("inter",), 1.0, frames=2))(replace(batch, intra_q=wanted))
    assert torch.equal(asked[0], wanted)
    assert ((wanted - batch.q >= 4.0) & (wanted - batch.q <= 24.0) | (wanted == Q_MAX)).all()
    assert not torch.equal(wanted, intra_qualities(batch.q, (4.0, 24.0), seed=2))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(NARROW))
def test_every_family_trains(name: str) -> None:
    """Hierarchical B frames, two layers, patterns of levels, rgb and yuv444: a step of the same loss."""
    networks = Networks.of(nvczoo.create(name, parts=NARROW[name]))
    frames = 1 if networks.inter is None else 4
    stage = Stage("x", ("intra",) if frames == 1 else ("inter",), 1.0, frames=frames, side=64)
    clip = torch.rand(1, frames, 6, 32, 32, generator=torch.Generator().manual_seed(0))
    parameters = choose(networks, stage)
    networks.modules().train()
    with exact_entropy(networks.modules(), CPU), computing_in("bfloat16", CPU):
        loss, seen = StageLoss(networks, stage)(Batch(clip, torch.tensor([30.0]), Rows(0, 1)))
    loss.backward()
    assert loss.isfinite()
    assert seen.shape == (frames, 4)
    assert sum(one.grad is not None for one in parameters) > len(parameters) / 2
