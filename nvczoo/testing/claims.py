"""What all checks share: saying what is wrong, pictures to try, and properties of any network."""

from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass

import torch
from torch import Tensor, nn

BATCH = 2
SEED = 20
ROUNDING = 1e-3  # kernels may differ with the batch, and so does the rounding of what they sum up


def claim(holds: bool, message: str) -> None:
    """Raise AssertionError with the message unless the claim holds; also under ``python -O``."""
    if not holds:
        raise AssertionError(message)


def device_of(part: nn.Module) -> torch.device:
    """Return where a part computes."""
    tensor = next(part.parameters(), next(part.buffers(), None))
    return torch.device("cpu") if tensor is None else tensor.device


def pictures(channels: int, height: int, width: int, device: torch.device, seed: int = SEED) -> Tensor:
    """Return [BATCH, channels, height, width] in 0..1, smooth with some noise, another for each seed."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(BATCH, channels, 4, 4, generator=generator)
    smooth = nn.functional.interpolate(coarse, (height, width), mode="bilinear", align_corners=False)
    noise = torch.rand(BATCH, channels, height, width, generator=generator)
    return (0.9 * smooth + 0.1 * noise).to(device).contiguous(memory_format=torch.channels_last)


def features(channels: int, height: int, width: int, device: torch.device, seed: int = SEED) -> Tensor:
    """Return normal noise [BATCH, channels, height, width]."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(BATCH, channels, height, width, generator=generator)
    return noise.to(device).contiguous(memory_format=torch.channels_last)


def claim_tensor(tensor: object, shape: tuple[int, ...], device: torch.device, what: str) -> None:
    """Claim that something is a finite float32 tensor of this shape on this device."""
    claim(isinstance(tensor, Tensor), f"{what} is {type(tensor).__name__}, not a tensor")
    assert isinstance(tensor, Tensor)
    claim(tuple(tensor.shape) == shape, f"{what} has the shape {list(tensor.shape)}, not {list(shape)}")
    claim(tensor.dtype == torch.float32, f"{what} is {tensor.dtype}, not float32")
    claim(tensor.device == device, f"{what} is on {tensor.device}, not on {device}")
    claim(bool(tensor.isfinite().all()), f"{what} has values that are not finite")


def claim_repeatable(compute: Callable[[], object], what: str) -> None:
    """Claim that the same call gives the same to the bit."""
    claim(same(compute(), compute()), f"{what} differs from call to call with the same arguments")


def claim_gradient(results: Sequence[Tensor], part: nn.Module, what: str) -> None:
    """Claim that a gradient of the results reaches the part's parameters, if it has any, and is finite."""
    learned = [one for one in part.parameters() if one.requires_grad]
    if not learned:
        return
    total = weighted(*results)
    claim(total.requires_grad, f"{what} is cut off from the gradient, but the part has parameters to learn")
    found = torch.autograd.grad(total, learned, allow_unused=True)
    reached = [one for one in found if one is not None]
    claim(bool(reached), f"no gradient of {what} reaches any parameter")
    claim(all(bool(one.isfinite().all()) for one in reached), f"a gradient of {what} is not finite")
    claim(any(bool(one.any()) for one in reached), f"all gradients of {what} are zero")


def weighted(*results: Tensor) -> Tensor:
    """Return a sum with unequal weights, so that no gradient is zero because of some symmetry."""
    values = torch.cat([one.flatten() for one in results])
    return (values * torch.linspace(1, 2, len(values), device=values.device)).sum()


def same(one: object, other: object) -> bool:
    """Return whether two results agree to the bit, tensor by tensor."""
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        return len(one) == len(other) and all(map(same, one, other))
    if is_dataclass(one) and not isinstance(one, type) and type(one) is type(other):
        return all(same(getattr(one, field.name), getattr(other, field.name)) for field in fields(one))
    return type(one) is type(other) and one == other
