import pytest
import torch
from nvczoo.plugins.ev_nvc.context_mining import ContextMining
from nvczoo.plugins.ev_nvc.lstffm import Lstffm

import nvczoo
from nvczoo.codec.memory import ConditionalMemory
from nvczoo.entropy.coders import NativeCoder
from nvczoo.entropy.streams import BitCounter, BitReader, BitWriter
from nvczoo.interfaces import FrameCodec, Reference, Setting, SymbolStream

SIZE = (48, 80)


def packed(batch: int = 1, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(batch, 6, 6, 10, generator=generator)
    return torch.nn.functional.interpolate(coarse, scale_factor=4, mode="bilinear")


@pytest.fixture(scope="module")
def codec() -> nvczoo.VideoCodec:
    torch.manual_seed(0)
    return nvczoo.create("ev-nvc-s").eval()


def pair(codec, stream: SymbolStream, frame: torch.Tensor | None, q: float = 32.0) -> Reference:
    """Code a P frame that refers to an intra frame and to itself as coded once before."""
    setting = Setting(torch.tensor([q]), SIZE)
    first = codec.intra.code(packed(seed=1), (), setting, BitCounter())
    second = codec.inter.code(packed(seed=2), (first, first), setting, BitCounter())
    return codec.inter.code(frame, (second, first), setting, stream)


@torch.inference_mode()
def test_the_three_streams_agree_bit_for_bit_on_a_p_frame(codec) -> None:
    writer = BitWriter(NativeCoder())
    written = pair(codec, writer, packed(seed=3))
    counted = pair(codec, BitCounter(), packed(seed=3))
    reader = BitReader(NativeCoder(), dict(writer.finish()))
    read = pair(codec, reader, None)
    reader.finish()
    assert torch.equal(written.frame, counted.frame)
    assert torch.equal(written.frame, read.frame)
    assert isinstance(read.memory, ConditionalMemory)
    assert isinstance(written.memory, ConditionalMemory)
    assert torch.equal(read.memory.feature, written.memory.feature)


@torch.inference_mode()
def test_a_p_frame_right_after_an_intra_frame_needs_no_memory(codec) -> None:
    setting = Setting(torch.tensor([10.0]), SIZE)
    first = codec.intra.code(packed(), (), setting, BitCounter())
    assert first.memory is None
    assert codec.inter.code(packed(seed=2), (first, first), setting, BitCounter()).frame.shape == (
        1,
        6,
        24,
        40,
    )


@pytest.mark.parametrize("q", [0.0, 31.5, 63.0])
@torch.inference_mode()
def test_any_real_q_codes_pictures_in_range(codec, q: float) -> None:
    decoded = pair(codec, BitCounter(), packed(seed=3), q).frame
    assert decoded.min() >= 0
    assert decoded.max() <= 1


def test_every_parameter_of_both_codecs_is_trained(codec) -> None:
    setting = Setting(torch.tensor([40.0]), SIZE)
    counter = BitCounter(training=True)
    first = codec.intra.code(packed(), (), setting, counter)
    second = codec.inter.code(packed(seed=2), (first, first), setting, counter)
    third = codec.inter.code(packed(seed=3), (second, first), setting, counter)
    loss = counter.total.sum() + second.frame.sum() + third.frame.square().sum()
    loss.backward()
    estimator = codec.inter.motion_estimator
    names = {f"inter.motion_estimator.{name}" for name, _ in estimator.named_parameters()}
    without = {name for name, p in codec.named_parameters() if p.requires_grad and p.grad is None}
    assert without == names  # a search makes displacements of what it estimates
    counter.notes["flow"].square().sum().backward()
    assert all(p.grad is not None for p in estimator.parameters())
    codec.zero_grad()


def test_without_its_long_term_branch_lstffm_is_context_mining() -> None:
    torch.manual_seed(0)
    whole, short = Lstffm(), ContextMining()
    own = short.state_dict()
    taken = {}
    for name, value in whole.state_dict().items():
        if name in own:
            taken[name] = value[:, : own[name].shape[1]] if value.dim() == 4 else value
    short.load_state_dict(taken)  # all of its parameters, and no other
    with torch.no_grad():
        for branch in whole.long_term:
            branch[-1].weight.zero_()
            branch[-1].bias.zero_()
    references = (Reference(packed(seed=1)), Reference(packed(seed=2)))
    flows = (torch.rand(1, 2, 24, 40) * 4, None)
    for a, b in zip(whole(references, flows), short(references, flows), strict=True):
        assert torch.allclose(a, b, atol=1e-5)


def test_the_long_term_reference_matters() -> None:
    torch.manual_seed(0)
    fuser = Lstffm()
    flow = (torch.zeros(1, 2, 24, 40), None)
    near, far, other = (Reference(packed(seed=seed)) for seed in (1, 2, 3))
    assert not torch.equal(fuser((near, far), flow)[0], fuser((near, other), flow)[0])


@torch.inference_mode()
def test_decoding_costs_at_most_eighty_kilo_macs_per_pixel(codec) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    class Zeros(BitCounter):
        def code(self, name, values, distribution, mask=None):
            return torch.zeros(distribution.indexes().shape)

    with FlopCounterMode(display=False) as counter:
        setting = Setting(torch.tensor([32.0]), SIZE)
        reference = Reference(packed())
        codec.inter.code(None, (reference, reference), setting, Zeros())
    assert counter.get_total_flops() / 2 / (SIZE[0] * SIZE[1]) <= 80_000


@torch.no_grad()
def test_the_start_is_a_working_transform_codec() -> None:
    torch.manual_seed(0)
    codec = nvczoo.create("ev-nvc-s").eval()
    clips = torch.stack([torch.stack((packed(seed=2 * i)[0], packed(seed=2 * i + 1)[0])) for i in range(4)])
    for part in (codec.intra, codec.inter):
        assert isinstance(part, FrameCodec)
        part.start_from(clips)
    picture = clips[0, :1]
    decoded = codec.intra.code(picture, (), Setting(torch.tensor([60.0]), SIZE), BitCounter()).frame
    assert (decoded - picture).square().mean() < 0.01 * picture.var()
