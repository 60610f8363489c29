"""BRHVC, narrow and untrained: what does not need the published weights."""

import pytest
import torch
from narrow_models import NARROW
from nvczoo.plugins.brhvc.codec import Brhvc
from nvczoo.plugins.brhvc.sides import layer_of, ordered
from torch import Tensor

import nvczoo
from nvczoo.codec import EncodeOptions
from nvczoo.codec.memory import ConditionalMemory
from nvczoo.codec.video_codec import VideoCodec
from nvczoo.entropy.coders import NativeCoder
from nvczoo.entropy.streams import BitCounter, BitReader, BitWriter
from nvczoo.interfaces import Reference, Setting

MODEL = "brhvc"
SIZE = (192, 160)
SMALL = (64, 80)


@pytest.fixture(scope="module")
def codec() -> VideoCodec:
    return nvczoo.create(MODEL, parts=NARROW[MODEL] | {"gop.size": 4, "gop.intra_period": 4})


@pytest.fixture(scope="module")
def inter(codec: VideoCodec) -> Brhvc:
    assert isinstance(codec.inter, Brhvc)
    return codec.inter


def picture(number: int, size: tuple[int, int] = SIZE) -> Tensor:
    rows, columns = torch.arange(size[0]).view(-1, 1), torch.arange(size[1]).view(1, -1) + 2 * number
    channels = [torch.sin(rows * 0.07 * (one + 1)) * torch.cos(columns * 0.11) for one in range(3)]
    return (0.5 + 0.4 * torch.stack(channels)).unsqueeze(0)


def setting(*distances: int, q: float = 40.0, size: tuple[int, int] = SIZE) -> Setting:
    return Setting(torch.tensor([q]), size, distances=distances)


@torch.inference_mode()
def test_streams_decode_to_the_same_frames_at_the_estimated_size(inter: Brhvc) -> None:
    references = (Reference(picture(0)), Reference(picture(8)))
    written_bits = estimated_bits = 0.0
    for number, distance in ((4, 4), (2, 2)):
        how = setting(-distance, distance)
        writer, counter = BitWriter(NativeCoder()), BitCounter()
        written = inter.code(picture(number), references, how, writer)
        inter.code(picture(number), references, how, counter)
        layers = dict(writer.finish())
        reader = BitReader(NativeCoder(), layers)
        read = inter.code(None, references, how, reader)
        reader.finish()
        assert torch.equal(read.frame, written.frame)
        references = (references[0], read)
        written_bits += 8 * sum(len(data) for data in layers.values())
        estimated_bits += float(counter.total)
    assert written_bits == pytest.approx(estimated_bits, rel=0.01)


@torch.inference_mode()
def test_a_batch_codes_each_picture_as_if_alone(inter: Brhvc) -> None:
    batch = torch.cat([picture(number, SMALL) for number in (4, 20)])
    before, after = (torch.cat([picture(number, SMALL) for number in pair]) for pair in ((0, 11), (8, 29)))
    q = torch.tensor([12.0, 50.0])
    memory = ConditionalMemory(
        torch.randn(2, 16, *SMALL),
        torch.randn(2, 16, 4, 5),
        torch.randn(2, 8, 4, 5),
        torch.randn(2, 16, 16, 20),
    )
    together, bits = BitCounter(), []
    references = (Reference(before), Reference(after, memory))
    found = inter.code(batch, references, Setting(q, SMALL, distances=(-4, 4)), together)
    for one in range(2):
        alone, at = BitCounter(), slice(one, one + 1)
        own = ConditionalMemory(*(field[at] for field in vars(memory).values() if field is not None))
        references = (Reference(before[at]), Reference(after[at], own))
        expected = inter.code(batch[at], references, Setting(q[at], SMALL, distances=(-4, 4)), alone)
        torch.testing.assert_close(found.frame[at], expected.frame, atol=1e-4, rtol=0)
        bits.append(float(alone.total))
    assert together.total.tolist() == pytest.approx(bits, rel=1e-3)


@pytest.mark.parametrize("present", [(False, False), (False, True), (True, False), (True, True)])
@torch.inference_mode()
def test_either_reference_may_be_an_intra_frame(inter: Brhvc, present: tuple[bool, bool]) -> None:
    intra = Reference(picture(0, SMALL))
    coded = inter.code(picture(1, SMALL), (intra, intra), setting(-1, 1, size=SMALL), BitCounter())
    references = tuple(coded if one else intra for one in present)
    found = inter.code(picture(2, SMALL), references, setting(-1, 1, size=SMALL), BitCounter())
    assert found.frame.shape == coded.frame.shape


def test_the_layer_is_that_of_the_span_and_for_odd_spans_the_nearest() -> None:
    spans = {2: 0, 4: 1, 8: 2, 16: 3, 32: 4, 64: 4, 3: 1, 5: 1, 6: 2, 7: 2, 24: 4, 20: 3}
    assert {span: layer_of(setting(-(span // 2), span - span // 2)) for span in spans} == spans
    assert layer_of(setting(-7, -7)) == 3
    assert layer_of(setting()) == 0


def test_the_layer_changes_the_picture(inter: Brhvc) -> None:
    references = (Reference(picture(0, SMALL)), Reference(picture(8, SMALL)))
    near, far = (
        inter.code(picture(4, SMALL), references, setting(-d, d, size=SMALL), BitCounter()) for d in (1, 16)
    )
    assert not torch.equal(near.frame, far.frame)


def test_references_are_told_apart_by_time_not_by_their_order() -> None:
    earlier, later = Reference(torch.zeros(1)), Reference(torch.ones(1))
    assert ordered((earlier, later), setting(-1, 2)) == (earlier, later)
    assert ordered((later, earlier), setting(2, -3)) == (earlier, later)
    assert ordered((earlier, later), setting()) == (earlier, later)


SWAPS = {
    "entropy_model": {"name": "checkerboard", "channels": 16, "context_channels": 48},
    "motion_entropy_model": {"name": "hyperprior", "channels": 8, "context_channels": 24},
    "motion_estimator": "block-matching",
}


@pytest.mark.parametrize("part", SWAPS)
def test_parts_of_other_families_take_the_place_of_its_own(part: str) -> None:
    narrow = {key: one for key, one in NARROW[MODEL].items() if not key.startswith(f"inter.{part}.")}
    model = nvczoo.create(
        MODEL, parts={**narrow, f"inter.{part}": SWAPS[part], "gop.size": 2, "gop.intra_period": 2}
    )
    video = (torch.rand(3, 3, *SMALL, generator=torch.Generator().manual_seed(0)) * 255).byte()
    assert len(model.decode(model.encode(video, q=20.0))) == 3


@pytest.mark.parametrize("length", [1, 2, 5, 8])
def test_any_length_is_coded_and_shown_in_order(codec: VideoCodec, length: int) -> None:
    video = torch.cat([picture(number, SMALL) for number in range(length)]).mul(255).byte()
    stream = codec.encode(video, q=30.0, options=EncodeOptions(picture_checksums=True))
    decoded = codec.decode(stream)
    assert [one.pts for one in decoded] == list(range(length))
