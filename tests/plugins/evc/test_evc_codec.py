"""EVC, narrow and untrained: what does not need the published weights."""

import pytest
import torch
from narrow_models import NARROW
from nvczoo.plugins.evc.networks import ActivatedDepthwise
from nvczoo.plugins.evc.published_keys import EVC
from torch import Tensor
from torch.nn import functional as F

import nvczoo
from nvczoo.codec.video_codec import VideoCodec
from nvczoo.entropy.coders import NativeCoder
from nvczoo.entropy.streams import BitCounter, BitReader, BitWriter
from nvczoo.errors import SettingError
from nvczoo.interfaces import Setting
from nvczoo.published import renamed

SIZE = (256, 192)
MODEL, SCALABLE = "evc-ss", "evc-scale-ss"
ENCODERS = 4


def narrow(model: str, **options: object) -> VideoCodec:
    return nvczoo.create(model, parts=NARROW[model] | {f"intra.{key}": one for key, one in options.items()})


def picture(number: int, size: tuple[int, int] = SIZE) -> Tensor:
    rows, columns = torch.arange(size[0]).view(-1, 1), torch.arange(size[1]).view(1, -1) + 2 * number
    channels = [torch.sin(rows * 0.07 * (one + 1)) * torch.cos(columns * 0.11) for one in range(3)]
    return (0.5 + 0.4 * torch.stack(channels)).unsqueeze(0)


@pytest.mark.parametrize("model", [MODEL, SCALABLE])
@torch.inference_mode()
def test_streams_decode_to_the_same_pictures_at_the_estimated_size(model: str) -> None:
    codec, setting = narrow(model), Setting(torch.tensor([40.0]), SIZE)
    writer, counter = BitWriter(NativeCoder()), BitCounter()
    written = codec.intra.code(picture(0), (), setting, writer)
    codec.intra.code(picture(0), (), setting, counter)
    layers = dict(writer.finish())
    reader = BitReader(NativeCoder(), layers)
    read = codec.intra.code(None, (), setting, reader)
    reader.finish()
    assert torch.equal(read.frame, written.frame)
    assert 8 * sum(map(len, layers.values())) == pytest.approx(float(counter.total), rel=0.01)


def cost(codec: VideoCodec, picture: Tensor, setting: Setting) -> Tensor:
    """Return what a picture costs, by bits and squared error: [B]."""
    counter = BitCounter()
    latents: list[Tensor] = []
    handle = codec.intra.synthesis.register_forward_hook(lambda module, inputs, out: latents.append(out))
    codec.intra.code(picture, (), setting, counter)
    handle.remove()
    error = (latents[-1] - picture).square().sum(dim=(1, 2, 3)) * 255**2
    return codec.rate_sampler.lagrangian(setting.q) * error + counter.total


@torch.inference_mode()
def test_the_cheapest_number_of_encoders_is_chosen_for_each_picture() -> None:
    codec = narrow(SCALABLE)
    first, *others = codec.intra.analysis
    for name, parameter in first.named_parameters():
        parameter.mul_(0 if name.endswith("bias") else 1)  # what is black stays nothing
    first[-1].weight.mul_(200)  # a bright picture costs much, unless others bring down the mean
    for encoder in others:
        encoder[-1].weight.zero_()
        encoder[-1].bias.fill_(5)  # which a dark picture does not pay for
    batch = torch.cat([picture(0, (64, 64)), torch.zeros(1, 3, 64, 64), picture(1, (64, 64))])
    setting = Setting(torch.tensor([5.0, 5.0, 60.0]), (64, 64))
    fixed = []
    for used in range(1, ENCODERS + 1):
        codec.intra.used = used
        fixed.append(cost(codec, batch, setting))
    codec.intra.used = 0
    assert len(set(torch.stack(fixed).argmin(0).tolist())) > 1  # else one number would do for all
    torch.testing.assert_close(cost(codec, batch, setting), torch.stack(fixed).amin(0))


@torch.inference_mode()
def test_with_a_fixed_number_no_more_encoders_run() -> None:
    codec, ran = narrow(SCALABLE, used=2), []
    for number, encoder in enumerate(codec.intra.analysis):
        encoder.register_forward_hook(lambda module, inputs, out, number=number: ran.append(number))
    codec.intra.code(picture(0, (64, 64)), (), Setting(torch.tensor([9.0]), (64, 64)), BitCounter())
    assert ran == [0, 1]


def test_gradients_reach_every_encoder_that_is_used() -> None:
    codec = narrow(SCALABLE, used=3).train()
    counter = BitCounter(training=True)
    out = codec.intra.code(picture(0, (64, 64)), (), Setting(torch.tensor([9.0]), (64, 64)), counter)
    (counter.total.sum() + out.frame.sum()).backward()
    reached = [encoder[0].conv1.weight.grad is not None for encoder in codec.intra.analysis]
    assert reached == [True, True, True, False]


def test_a_block_has_an_activation_behind_each_convolution() -> None:
    block, x = ActivatedDepthwise(4, 4), torch.randn(1, 4, 6, 6)
    inner = F.leaky_relu(block.depthwise(F.leaky_relu(block.conv1(x), 0.01)), 0.01)
    torch.testing.assert_close(block(x), x + F.leaky_relu(block.conv2(inner), 0.01))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"decoder_widths": [8, 8, 16, 8]}, "gives 16 channels, the decoder takes 8"),
        ({"encoders": 0}, "there must be one"),
        ({"used": 2}, "no more be used"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        narrow(MODEL, **options)


def test_published_names_of_the_two_kinds_of_blocks_are_told_apart() -> None:
    expected = {
        "q_scale": "quality_step.scale",
        "enc.1.block.0.depth_conv.0.weight": "analysis.0.1.0.depthwise.weight",
        "encs.3.5.block.0.conv2.0.bias": "analysis.3.5.0.conv2.bias",
        "dec.7.0.weight": "synthesis.7.0.weight",
        "hyper_dec.1.block.2.bias": "entropy_model.hyper.synthesis.1.2.bias",
        "hyper_enc.0.block.0.depth_conv.weight": "entropy_model.hyper.analysis.0.0.depthwise.weight",
        "y_prior_fusion.0.block.0.adaptor.bias": "entropy_model.fusion.0.0.shortcut.bias",
    }
    assert {key: renamed(key, EVC) for key in expected} == expected


def test_the_entropy_model_crosses_into_other_families() -> None:
    parts = {"intra.entropy_model": {"name": "evc"}}
    codec = nvczoo.create("dcvc-dc", gop="all-intra", parts=NARROW["dcvc-dc"] | parts)
    video = (torch.rand(2, 3, 48, 80, generator=torch.Generator().manual_seed(0)) * 255).byte()
    assert len(list(codec.decode(codec.encode(video, q=20.0)))) == 2
