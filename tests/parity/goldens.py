"""Weights, inputs and outputs of the published codecs' fixtures, and how to compare with them.

They lie in ``../shared/parity`` beside the checkout: every model has a ``manifest.json`` with the names and
shapes of its published parameters, a rule that gives them values, and what the published code computes.
"""

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.hooks import RemovableHandle

from nvczoo.codec.references import after_reset
from nvczoo.codec.video_codec import VideoCodec
from nvczoo.entropy.lattice import Lattice, lattice_mask
from nvczoo.entropy.streams import BitCounter
from nvczoo.interfaces import Reference, Setting
from nvczoo.layers import pad_to_multiple
from nvczoo.published import Rules, translated, unwrapped

FOLDER = Path(__file__).parents[3] / "shared" / "parity"
# A module's path, such as "inter.analysis", and what to keep of its (inputs, output).
Watched = tuple[str, Callable[[tuple[Any, ...], Any], Tensor]]


@cache
def recipe() -> ModuleType:
    """Return the module that gives weights and inputs; skips the test where there are no fixtures."""
    path = FOLDER / "recipe.py"
    if not path.is_file():
        pytest.skip(
            f"the parity fixtures are not here: {FOLDER.parent.name}/{FOLDER.name} beside the checkout"
        )
    spec = importlib.util.spec_from_file_location("parity_recipe", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def golden(model: str) -> dict[str, np.ndarray]:
    """Return what the published code computes, by ``run/frameT/leaf``."""
    return recipe().load_golden(model)


@cache
def weights(model: str, part: str) -> dict[str, Tensor]:
    """Return the synthetic checkpoint of one network by published names."""
    found = recipe().synthetic_state_dict(model, part)
    return {key: torch.from_numpy(value) for key, value in found.items()}


def load_published(module: nn.Module, model: str, part: str, rules: Rules | None = None) -> None:
    """Put the synthetic checkpoint into a network through its published names and wrappers."""
    rules = module.published if rules is None else rules
    wrapped = {"state_dict": {"net": {f"module.{key}": one for key, one in weights(model, part).items()}}}
    module.load_state_dict(translated(unwrapped(wrapped), rules, module))


def frame(number: int, size: tuple[int, int] | None = None) -> Tensor:
    """Return a frame of the shared clip, or its top left (H, W), in 0..1: [1, 3, H, W]."""
    pixels = recipe().frames()[number : number + 1]
    height, width = size or pixels.shape[2:]
    return torch.from_numpy(pixels[..., :height, :width].astype(np.float32) / 255)


def ycbcr(image: Tensor) -> Tensor:
    """Return Y, Cb, Cr of BT.709 in 0..1, for RGB: [B, 3, H, W]."""
    red, green, blue = image.split(1, dim=1)
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    chroma = (0.5 * (blue - luma) / (1 - 0.0722) + 0.5, 0.5 * (red - luma) / (1 - 0.2126) + 0.5)
    return torch.cat((luma, *chroma), dim=1).clamp(0, 1)


def zero_padded(image: Tensor, stride: int) -> Tensor:
    """Return the frame as published tests pad it; our sessions repeat the border instead."""
    height, width = image.shape[2:]
    return F.pad(image, (0, -width % stride, 0, -height % stride))


@dataclass(frozen=True)
class CodedFrame:
    """What a frame cost, what it left behind, and what was seen on the way."""

    reference: Reference
    counter: BitCounter
    seen: Mapping[str, Tensor] = field(default_factory=dict)

    def symbols(self, part: str, lattice: Lattice) -> Tensor:
        """Return the integers of all passes of a latent."""
        return self._merged(part, "symbols", lattice)

    def scales(self, part: str, lattice: Lattice) -> Tensor:
        """Return the scale that each element was coded with."""
        return self._merged(part, "scales", lattice)

    def _merged(self, part: str, kind: str, lattice: Lattice) -> Tensor:
        notes = self.counter.notes
        passes = [notes[f"{part}.{kind}.{number}"] for number in range(len(lattice))]
        return sum(
            (one * lattice_mask(cells, one) for one, cells in zip(passes, lattice, strict=True)),
            torch.zeros_like(passes[0]),
        )


@torch.inference_mode()
def coded(
    codec: VideoCodec,
    q: float | tuple[float, float],
    frames: Sequence[Tensor],
    watched: tuple[Mapping[str, Watched], Mapping[str, Watched]] = ({}, {}),
    references: tuple[Reference, ...] = (),
) -> list[CodedFrame]:
    """Return each frame as the estimate codes it: the first intra, each later one from the one before.

    ``q`` may be two, for intra frames and for the others; ``watched`` is what to keep of an intra frame,
    and of the others. With ``references`` the first frame is coded from them.
    """
    found: list[CodedFrame] = []
    for number, image in enumerate(frames, start=len(references)):
        seen: dict[str, Tensor] = {}
        (step,) = codec.gop.steps(number, 1)
        counter = BitCounter()
        names = watched[1 if step.references else 0]
        handles = [_watch(codec, name, one, seen) for name, one in names.items()]
        quality = q[1 if step.references else 0] if isinstance(q, tuple) else q
        padded, setting = padded_and_setting(codec, image, quality, step.level)
        if step.reset:
            references = tuple(map(after_reset, references))
        reference = codec.codec_of(step).code(padded, references, setting, counter)
        for handle in handles:
            handle.remove()
        found.append(CodedFrame(reference, counter, seen))
        references = (reference,)
    return found


def padded_and_setting(codec: VideoCodec, image: Tensor, q: float, level: int) -> tuple[Tensor, Setting]:
    """Return a frame as a codec wants it, and how to code it."""
    padded = pad_to_multiple(image, codec.stride).contiguous(memory_format=torch.channels_last)
    return padded, Setting(torch.full((1,), q), (padded.shape[2], padded.shape[3]), level)


def _watch(codec: nn.Module, name: str, watched: Watched, seen: dict[str, Tensor]) -> RemovableHandle:
    path, pick = watched

    def keep(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        del module
        seen[name] = pick(inputs, output)

    return codec.get_submodule(path).register_forward_hook(keep)


def relative_error(found: Tensor, expected: np.ndarray) -> float:
    """Return the largest difference over the golden's crop, relative to its standard deviation."""
    expected = expected.astype(np.float64)
    cut = found.detach().double().numpy()[tuple(slice(side) for side in expected.shape)]
    return float(np.abs(cut - expected).max() / expected.std())
