import pytest
import torch
from toy import toy_codec

from nvczoo.codec import AllIntra, VideoCodec
from nvczoo.codec.arithmetic import (
    arithmetic_of,
    check_arithmetic,
    deterministic,
    environment,
    fingerprint,
)
from nvczoo.codec.header import Arithmetic
from nvczoo.errors import ArithmeticMismatch, SettingError


def test_the_fingerprint_is_the_same_every_time_and_for_any_number_of_threads() -> None:
    codec = toy_codec()
    threads = torch.get_num_threads()
    found = set()
    try:
        for number in (1, 2, 1):
            torch.set_num_threads(number)
            found.add(fingerprint(codec))
    finally:
        torch.set_num_threads(threads)
    assert len(found) == 1


def test_a_wide_convolution_gives_the_same_with_any_number_of_threads() -> None:
    convolution = torch.nn.Conv2d(576, 32, 1)
    image = torch.rand(1, 576, 18, 22, generator=torch.Generator().manual_seed(1))
    image = image.contiguous(memory_format=torch.channels_last)
    threads = torch.get_num_threads()
    found = []
    try:
        for number in (1, 2, 3):
            torch.set_num_threads(number)
            with deterministic():
                found.append(convolution(image))
            assert torch.get_num_threads() == number
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


def test_the_fingerprint_shows_any_change_of_the_arithmetic() -> None:
    codec, other = toy_codec(), toy_codec()
    with torch.no_grad():
        next(other.inter.parameters())[0, 0, 1, 1] += 1e-6  # type: ignore[union-attr]
    assert fingerprint(codec) != fingerprint(other)


def test_a_codec_of_images_has_a_fingerprint() -> None:
    codec = toy_codec()
    images = VideoCodec(codec.intra, None, AllIntra(), None, codec.coder)
    assert fingerprint(images) != fingerprint(codec)


def test_what_was_set_before_is_set_again() -> None:
    torch.set_float32_matmul_precision("high")
    before = (torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic)
    try:
        with deterministic():
            assert torch.get_float32_matmul_precision() == "highest"
            assert torch.is_inference_mode_enabled()
            assert not torch.backends.cudnn.benchmark
            assert torch.backends.cudnn.deterministic
        assert torch.get_float32_matmul_precision() == "high"
        assert (torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic) == before
    finally:
        torch.set_float32_matmul_precision("highest")


def test_autocast_around_it_does_not_reach_inside() -> None:
    with torch.autocast("cpu", torch.bfloat16), deterministic():
        assert (torch.ones(4, 4) @ torch.ones(4, 4)).dtype == torch.float32


def test_the_environment_names_torch_and_the_processor() -> None:
    assert torch.__version__ in environment(torch.device("cpu"))
    assert arithmetic_of(toy_codec(), "float32").profile == "float32"


def test_bfloat16_has_another_fingerprint_and_ends_with_its_block() -> None:
    codec = toy_codec()
    assert fingerprint(codec, "bfloat16") != fingerprint(codec)
    with deterministic("bfloat16"):
        assert (torch.ones(4, 4) @ torch.ones(4, 4)).dtype == torch.bfloat16
    assert (torch.ones(4, 4) @ torch.ones(4, 4)).dtype == torch.float32


def test_an_unknown_precision_is_refused_and_an_unknown_profile_asks_for_a_newer_nvczoo() -> None:
    codec = toy_codec()
    with pytest.raises(SettingError, match=r"'float16'; known are float32, bfloat16"):
        VideoCodec(codec.intra, codec.inter, codec.gop, None, codec.coder, precision="float16")
    with pytest.raises(ArithmeticMismatch, match=r"'int16'.*install a newer one"):
        check_arithmetic(Arithmetic("int16", 0), codec)


def test_estimates_are_those_of_the_precision() -> None:
    clip = torch.rand(1, 2, 6, 16, 16, generator=torch.Generator().manual_seed(0))
    plain, quick = toy_codec(), toy_codec()
    quick.precision = "bfloat16"
    frames = [codec.estimate(clip).frames for codec in (plain, quick)]
    assert frames[1].dtype == torch.float32
    assert 0 < (frames[0] - frames[1]).abs().max() < 0.05
