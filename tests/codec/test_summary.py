"""What a codec prints of itself, and that what it says of its parts is right."""

import copy

import pytest
import torch
from narrow_models import NARROW
from torch import Tensor, nn

import nvczoo
from nvczoo.codec import multiplications
from nvczoo.evaluate.complexity import complexity
from nvczoo.interfaces import IntraCodec, Reference, Setting, SymbolStream


@pytest.fixture(scope="module")
def codec() -> nvczoo.Model:
    return nvczoo.create("dcvc-dc", parts=NARROW["dcvc-dc"])


def test_a_codec_prints_each_part_with_its_size_and_its_multiplications(codec: nvczoo.Model) -> None:
    printed = repr(codec).splitlines()
    assert "Model 'dcvc-dc'" in printed[0]
    names = [line.split()[0] for line in printed[2:]]
    assert names[0] == "intra"
    assert {"inter", "motion_estimator", "context_fuser", "motion.entropy_model"} <= set(names)
    assert str(codec.summary()) == repr(codec)
    assert codec.summary()._repr_html_().count("<tr>") == len(printed) - 1


def test_what_is_counted_of_the_whole_is_what_coding_takes(codec: nvczoo.Model) -> None:
    measured = complexity(codec)
    parts = {part.path: part for part in codec.summary().parts}
    for place, one in measured.items():
        assert parts[place].multiplications == pytest.approx(one.encode)
        assert parts[place].parameters == one.parameters


def test_what_is_counted_of_a_part_is_what_the_part_takes_alone(codec: nvczoo.Model) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    assert codec.inter is not None
    estimator = codec.inter.motion_estimator
    assert isinstance(estimator, nn.Module)
    image = torch.zeros(1, 3, 64, 64)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        estimator(image, image)
    found = {part.path: part.multiplications for part in codec.summary().parts}
    assert found["inter.motion_estimator"] == pytest.approx(counter.get_total_flops() / (2e3 * 64**2))


def test_printing_counts_once_and_leaves_no_trace(
    codec: nvczoo.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = copy.deepcopy(codec)
    identity, state = fresh.identity, torch.get_rng_state()
    repr(fresh)
    assert (fresh.identity, fresh.training) == (identity, False)
    assert torch.equal(torch.get_rng_state(), state)
    assert not any(one._forward_hooks or one._forward_pre_hooks for one in fresh.modules())
    monkeypatch.setattr(multiplications, "counted_parts", lambda _: pytest.fail("counted again"))
    repr(fresh)


class Broken(IntraCodec):
    """Fails at what it is for."""

    stride = 16

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 4, 1)

    def code(
        self, frame: Tensor | None, references: tuple[Reference, ...], setting: Setting, stream: SymbolStream
    ) -> Reference:
        raise RuntimeError("broken")


def test_a_codec_that_cannot_run_can_still_be_printed() -> None:
    codec = nvczoo.create("evc-ss", intra=Broken())
    (part,) = (one for one in codec.summary().parts if one.path == "intra")
    assert (part.title, part.parameters, part.multiplications) == ("Broken", 16, None)
    assert "could not be counted (RuntimeError: broken)" in repr(codec).splitlines()[0]
    assert repr(codec).splitlines()[2].split() == ["intra", "Broken", "0.00", "-"]
