"""From a float codec to a portable one: integers wherever a decoder computes, and a report of what it costs.

How and why: docs/portable.md, docs/decisions/0007.
"""

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from nvczoo.cards import ANSWER, MADE_FROM
from nvczoo.codec.arithmetic import FLOAT32, deterministic
from nvczoo.codec.frames import image_from_planes
from nvczoo.codec.gop import LowDelay
from nvczoo.codec.pictures import matrix_for
from nvczoo.codec.video import open_any
from nvczoo.codec.video_codec import VideoCodec
from nvczoo.errors import SettingError
from nvczoo.interfaces import USUAL, GopStructure
from nvczoo.model import Model
from nvczoo.overrides import WEIGHTED
from nvczoo.portable import Reached, WeightBits, make_ready, portable, watched
from nvczoo.portable.bounds import MOST_PARTS
from nvczoo.portable.calibration import Range
from nvczoo.portable.certificate import certify
from nvczoo.portable.equalisation import equalise
from nvczoo.portable.known_answer import known_answer, reached_by_decoding
from nvczoo.portable.losses import LayerLoss, measured
from nvczoo.portable.readiness import keep_to_the_reference

CALIBRATED_QUALITIES = (0.0, 21.0, 42.0, 63.0)


@dataclass(frozen=True)
class QuantizeOptions:
    """How a codec becomes portable."""

    weight_bits: int | None = None  # 2 to 16; None: for each layer as many as leave it a fast path
    frames: int = 8  # of each clip, from its first
    qualities: tuple[float, ...] = CALIBRATED_QUALITIES
    least_decibels: float = 20.0  # of a layer's signal above its error; a layer below it is refused
    wanted_decibels: float = 30.0  # the same; a layer below it gets more bits, and a slower path
    equalise: bool = True  # channels inside blocks, by powers of two, so that they share a grid well


@dataclass(frozen=True)
class Quantized:
    """A portable codec, and what each of its layers lost."""

    codec: Model
    losses: tuple[LayerLoss, ...]


DEFAULTS = QuantizeOptions()


def quantize(codec: Model, clips: Iterable[object], options: QuantizeOptions = DEFAULTS) -> Model:
    """Return a portable form of ``codec``, whose streams are decoded alike on every machine.

    ``clips`` are anything that ``encode`` takes, or tensors [B, T, C, H, W] as ``estimate`` does. They settle
    how far numbers may go, so they have to hold what is hard: motion, texture, noise; what goes twice as far
    later on is clipped, on every machine alike. The codec itself is left as it is.

    Raises SettingError with the name of a layer that has no portable form, or loses too much.
    """
    return quantized(codec, clips, options).codec


def quantized(codec: Model, clips: Iterable[object], options: QuantizeOptions = DEFAULTS) -> Quantized:
    """Return what ``quantize`` does, and a report by layer."""
    _check(codec)
    images = [_images(codec, clip, options.frames) for clip in clips]
    if not images:
        raise SettingError("There are no clips to see ranges on: give some that hold what is hard to code")
    if options.equalise:
        codec = _equalised(codec, images, options)
    ranges = _ranges(codec, images, options)
    built, losses = _balanced(codec, ranges, images, options)
    _refuse_losses(losses, options)
    network = nn.ModuleDict(_modules(built))
    keep_to_the_reference(network)
    certify(network, built["intra"], built.get("inter"))
    with deterministic(FLOAT32, codec.device):
        answer = known_answer(built["intra"], built.get("inter"))
    table = {MADE_FROM: codec.card.name, **_table(answer, losses, images, options)}
    card = replace(codec.card, name=f"{codec.card.name}-portable", weights=None, results={}, portable=table)
    made = Model(card, built, codec.default_q).to(codec.device)
    make_ready(made)
    return Quantized(made, losses)


def _balanced(
    codec: Model, ranges: Mapping[str, Range], images: list[Tensor], options: QuantizeOptions
) -> tuple[dict[str, Any], tuple[LayerLoss, ...]]:
    """Return what ``_measured`` does, with layers that lose too much on slower paths with more bits."""
    parts: dict[str, int] = {}
    for more in range(2, MOST_PARTS + 1):
        built, losses = _measured(codec, ranges, images, options, WeightBits(options.weight_bits, parts))
        lossy = [one.name for one in losses if one.weight_bits and one.decibels < options.wanted_decibels]
        if options.weight_bits is not None or not lossy:
            return built, losses
        parts |= dict.fromkeys(lossy, more)
    return _measured(codec, ranges, images, options, WeightBits(parts=parts))


def _measured(
    codec: Model,
    ranges: Mapping[str, Range],
    images: list[Tensor],
    options: QuantizeOptions,
    weight_bits: WeightBits,
) -> tuple[dict[str, Any], tuple[LayerLoss, ...]]:
    """Return the parts of the portable codec by their place, and what its layers lose at the highest q."""
    built = _transformed(codec, ranges, options, weight_bits)
    networks = [nn.ModuleDict(_modules(one)) for one in (codec, built)]
    make_ready(networks[1])  # measuring on quick paths gives the same, sooner
    losses = measured(networks[0], networks[1], lambda: _run(codec, images, options.qualities[-1:]))
    return built, losses


def _check(codec: Model) -> None:
    if codec.known_answer is not None:
        raise SettingError(f"{codec.name!r} is portable already")
    if codec.precision != FLOAT32:
        raise SettingError(f"{codec.name!r} was loaded in {codec.precision}: load it without a precision")


def _images(codec: VideoCodec, clip: object, frames: int) -> Tensor:
    """Return the first frames of a clip, [B, T, C, H, W]."""
    if isinstance(clip, Tensor) and clip.ndim == 5:
        return clip[:, :frames].to(codec.device)
    with open_any(clip) as reader:
        matrix = matrix_for(codec.layout, reader.info.colour)
        pictures = (one for _, one in zip(range(frames), reader, strict=False))
        images = [image_from_planes(one.planes, codec.layout, codec.stride, matrix) for one in pictures]
    return torch.stack(images, 1).to(codec.device)


def _run(codec: VideoCodec, clips: list[Tensor], qualities: Iterable[float]) -> None:
    """Code the clips; searching for latents would take twice as long, to move them by parts of a step."""
    with deterministic(FLOAT32, codec.device):
        for clip in clips:
            for q in qualities:
                codec.estimate(clip, q, gop_of_all_levels(codec), effort=USUAL)


def gop_of_all_levels(codec: VideoCodec) -> GopStructure:
    """Return the codec's GOP structure, its levels in turns from the first frame that has memory on.

    A clip of 2 frames more than there are levels then reaches what each level has of its own.
    """
    levels = 1 if codec.inter is None else codec.inter.levels
    if levels == 1 or not isinstance(codec.gop, LowDelay):
        return codec.gop
    return replace(codec.gop, pattern=(0, 0, *range(levels)))


def _equalised(codec: Model, clips: list[Tensor], options: QuantizeOptions) -> Model:
    """Return a copy that computes the same, whose channels go better together on one grid."""
    parts = _copied(codec)
    copied = Model(codec.card, parts, codec.default_q).to(codec.device)
    network = nn.ModuleDict(_modules(parts))
    reached = _reached(network, parts, options)
    equalise(network, reached.modules, lambda: _run(copied, clips, options.qualities[-1:]))
    return copied


def _ranges(codec: Model, clips: list[Tensor], options: QuantizeOptions) -> Mapping[str, Range]:
    with watched(nn.ModuleDict(_modules(codec))) as ranges:
        _run(codec, clips, options.qualities)
    return ranges


def _transformed(
    codec: Model, ranges: Mapping[str, Range], options: QuantizeOptions, weight_bits: WeightBits
) -> dict[str, Any]:
    """Return the parts of the portable codec by their place."""
    built = _copied(codec)
    network = nn.ModuleDict(_modules(built))
    portable(network, ranges, _reached(network, built, options), weight_bits)
    network.requires_grad_(False)
    return built


def _copied(codec: Model) -> dict[str, Any]:
    """Return copies of the codec's parts by their place."""
    return copy.deepcopy({"gop": codec.gop, "entropy_coder": codec.coder, **_modules(codec)})


def _reached(network: nn.Module, parts: Mapping[str, Any], options: QuantizeOptions) -> Reached:
    """Return what of the network decodes."""
    return reached_by_decoding(network, parts["intra"], parts.get("inter"), map(float, options.qualities))


def _modules(parts: Model | Mapping[str, Any]) -> dict[str, nn.Module]:
    """Return what weights are for, by place."""
    if isinstance(parts, Model):
        return parts.modules_by_place
    return {place: parts[place] for place in WEIGHTED if isinstance(parts.get(place), nn.Module)}


def _refuse_losses(losses: Iterable[LayerLoss], options: QuantizeOptions) -> None:
    lossy = [one for one in losses if one.is_less_than(options.least_decibels)]
    if lossy:
        worst = min(lossy, key=lambda one: one.decibels)
        raise SettingError(
            f"'{worst.name}' loses too much: its signal is {worst.decibels:.1f} dB above its error, wanted "
            f"are {options.least_decibels:g}. Give its weights more bits (weight_bits=16), or clips that "
            "hold what is hard"
        )


def _table(
    answer: int, losses: Iterable[LayerLoss], clips: list[Tensor], options: QuantizeOptions
) -> dict[str, Any]:
    """Return what the card says of how the codec became portable."""
    return {
        ANSWER: answer,
        "clips": len(clips),
        "frames": sum(clip.shape[1] for clip in clips),
        "q": list(options.qualities),
        "weight_bits": "fast" if options.weight_bits is None else options.weight_bits,
        "layers": {one.name: one.as_table() for one in losses},
    }
