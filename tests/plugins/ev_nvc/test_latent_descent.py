import pytest
import torch
from nvczoo.plugins.ev_nvc import codec as inter
from nvczoo.plugins.ev_nvc import intra
from nvczoo.plugins.ev_nvc.latent_descent import Descent, descend, released, worth_in_bits
from torch import Tensor

import nvczoo
from nvczoo.entropy.distributions import Laplace
from nvczoo.entropy.streams import BitCounter
from nvczoo.interfaces import QUICK, THOROUGH, USUAL, Layout, Setting, SymbolStream

SIZE = (64, 96)
WORTH = 4.0  # bits for a squared error of one


def picture(seed: int) -> Tensor:
    """Return a packed picture with smooth places and a little noise, [1, 6, 32, 48]."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 6, 4, 6, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, scale_factor=8, mode="bicubic")
    return (0.6 * smooth + 0.2 + 0.02 * torch.randn(smooth.shape, generator=generator)).clamp(0, 1)


def mixed(seed: int = 0) -> Tensor:
    """Return a synthesis that is far from orthonormal, 8 channels to 4."""
    return torch.randn(4, 8, 1, 1, generator=torch.Generator().manual_seed(seed))


def decode(latent: Tensor, stream: SymbolStream) -> Tensor:
    scales = Laplace(scale=torch.ones_like(latent))
    return torch.nn.functional.conv2d(stream.code("latent", latent, scales), mixed())


def distortion(decoded: Tensor, original: Tensor) -> Tensor:
    return WORTH * (decoded - original).square().sum((1, 2, 3))


def cost(latent: Tensor, original: Tensor) -> float:
    """Return bits and the worth of the distortion, of rounded latents."""
    stream = BitCounter()
    decoded = decode(latent, stream)
    return float(stream.total.sum() + distortion(decoded, original).sum())


@pytest.mark.parametrize("plan", [Descent(5, 0, 1.0), Descent(5, 5, 1.0), Descent(5, 5, 1.0, 0.02)])
def test_a_latent_that_no_inverse_gave_gets_better(plan: Descent) -> None:
    original = 5 * torch.randn(1, 4, 9, 7, generator=torch.Generator().manual_seed(1))
    first = torch.nn.functional.conv_transpose2d(original, mixed()) / 8  # right in direction only
    found = descend(plan, first, decode, original, distortion)
    assert cost(found, original) < 0.6 * cost(first, original)


@torch.inference_mode()
def test_inference_mode_is_no_obstacle_and_the_latent_given_stays_as_it_was() -> None:
    original = released(torch.randn(1, 4, 6, 6))
    latent = torch.zeros(1, 8, 6, 6)
    found = descend(Descent(2, 2, 1.0), latent, decode, original, distortion)
    assert not latent.any()
    assert found.any()
    assert not found.requires_grad


def test_it_gives_the_same_each_time_and_leaves_the_callers_randomness_alone() -> None:
    original, latent = torch.randn(1, 4, 6, 6), torch.randn(1, 8, 6, 6)
    state = torch.get_rng_state()
    one, other = (descend(Descent(2, 3, 1.0), latent, decode, original, distortion) for _ in range(2))
    assert torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), state)


def test_an_exact_picture_without_a_gradient_is_no_reason_to_fail() -> None:
    nothing = torch.zeros(1, 4, 4, 4)
    found = descend(Descent(2, 2, 1.0), torch.zeros(1, 8, 4, 4), decode, nothing, distortion)
    assert found.isfinite().all()


def test_what_lets_no_gradient_pass_leaves_the_latent_as_it_was() -> None:
    latent = torch.randn(1, 8, 4, 4)

    def without(latent: Tensor, stream: SymbolStream) -> Tensor:
        return decode(latent, stream).detach()

    assert descend(Descent(2, 2, 1.0), latent, without, torch.zeros(1, 4, 4, 4), distortion) is latent


@pytest.mark.parametrize(("layout", "pixels"), [("packed420", 4 * 32 * 48), ("rgb", 32 * 48)])
def test_a_distortion_is_worth_the_lagrangian_for_each_luma_sample(layout: Layout, pixels: int) -> None:
    original = torch.full((2, 6 if layout == "packed420" else 3, 32, 48), 0.5)
    worth = worth_in_bits(torch.tensor([0.01, 0.02]), layout)(original + 1 / 255, original)
    if layout == "packed420":  # all planes are off by one, so is what their PSNR stands for
        assert torch.allclose(worth, torch.tensor([0.01, 0.02]) * pixels, rtol=1e-3)
    assert worth[1] == pytest.approx(2 * float(worth[0]))


@pytest.fixture(scope="module")
def codec() -> nvczoo.VideoCodec:
    return nvczoo.load("ev-nvc-s")


@torch.inference_mode()
@pytest.mark.parametrize("q", [30.0, 55.0])
def test_both_codecs_save_bits_for_what_they_show(codec: nvczoo.VideoCodec, q: float) -> None:
    costs: dict[int, list[float]] = {}
    for effort in (USUAL, THOROUGH):
        setting, references = Setting(torch.tensor([q]), SIZE, effort=effort), ()
        costs[effort] = []
        for frame_codec, frame in ((codec.intra, picture(0)), (codec.inter, picture(0).roll(1, 3))):
            assert frame_codec is not None
            stream = BitCounter()
            coded = frame_codec.code(frame, references, setting, stream)
            assert codec.rate_sampler is not None
            worth = worth_in_bits(codec.rate_sampler.lagrangian(setting.q), "packed420")
            plan = intra.DESCENT if frame_codec is codec.intra else inter.DESCENT
            costs[effort].append(float(stream.total + plan.worth * worth(coded.frame, frame)))
            references = (codec.intra.code(picture(0), (), Setting(setting.q, SIZE), BitCounter()),) * 2
    for usual, thorough in zip(costs[USUAL], costs[THOROUGH], strict=True):
        assert thorough < 0.99 * usual


@torch.inference_mode()
def test_what_the_prior_is_not_asked_for_costs_motion_more_bits(codec: nvczoo.VideoCodec) -> None:
    assert codec.inter is not None
    reference = (codec.intra.code(picture(0), (), Setting(torch.tensor([30.0]), SIZE), BitCounter()),) * 2
    bits = []
    for effort in (QUICK, USUAL):
        stream = BitCounter()
        setting = Setting(torch.tensor([10.0]), SIZE, effort=effort)
        codec.inter.code(picture(0).roll((2, 3), (2, 3)), reference, setting, stream)
        bits.append(sum(float(one) for name, one in stream.bits.items() if name.startswith("motion")))
    assert bits[1] < bits[0]
