"""EV-NVC, narrow and untrained, on integers; and a clip."""

from functools import lru_cache

import torch
from narrow_models import NARROW
from torch import Tensor

import nvczoo
from nvczoo.model import Model
from nvczoo.quantizing import Quantized, QuantizeOptions, quantized

MODEL = "ev-nvc-s"
QUICK = QuantizeOptions(frames=3, qualities=(0.0, 63.0))


def a_float_model() -> Model:
    codec = nvczoo.create(MODEL, parts=NARROW[MODEL], seed=3)
    return codec.requires_grad_(False)


def clip(frames: int = 3, size: int = 128) -> Tensor:
    """Return [1, T, 6, H/2, W/2]: waves that move, and noise that does not."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(6, size // 2, size // 2, generator=generator)
    place = torch.arange(size // 2) / 9.0
    waves = [(place[:, None] + 2 * place[None] + time / 3).sin() for time in range(frames)]
    return torch.stack([(0.5 + 0.3 * wave + 0.2 * (noise - 0.5)) for wave in waves])[None].clamp(0, 1)


def pictures(frames: int = 3, size: int = 128) -> Tensor:
    """Return the same as RGB, uint8 [T, 3, H, W]."""
    return (clip(frames, 2 * size)[0, :, :3] * 255).round().byte()


@lru_cache(maxsize=1)
def a_quantized_model() -> Quantized:
    """Return the model's portable form; to be left as it is."""
    return quantized(a_float_model(), [clip()], QUICK)
