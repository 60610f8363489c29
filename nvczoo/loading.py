"""From a model's name to a codec that is ready to code.

The public function is ``nvczoo.load``; this module is not called ``load``, because importing a module of
that name would put it in the function's place.
"""

import importlib.metadata
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from nvczoo import assemble, cards, components, hub
from nvczoo.cards import ModelCard
from nvczoo.codec.arithmetic import FLOAT32
from nvczoo.codec.container import StreamReader
from nvczoo.codec.files import DECODE_DEFAULTS, Data, DecodeOptions, opened
from nvczoo.codec.video import Video
from nvczoo.codec.video_codec import DEFAULT_Q
from nvczoo.errors import (
    ComponentError,
    MissingPlugin,
    SettingError,
    UnknownComponent,
    UnsupportedStream,
    WeightsError,
)
from nvczoo.hub import ANY, HubAccess
from nvczoo.model import Model
from nvczoo.overrides import PLACES, WEIGHTED, Swap, full_path, swap_at
from nvczoo.portable import grids_of, make_ready, restored
from nvczoo.sources import FOLDER, HUB, card_of, has_card
from nvczoo.weight_files import read_weight_files
from nvczoo.weights import listed, put_weights

INITIAL_SEED = 0  # of what is not trained, so that it is the same in every process
IMPORTED = ("intra", "inter")  # what authors publish in a file each


class SwappedPartWarning(UserWarning):
    """A part stands in the place of the one a model was trained with."""


def load(
    name: str | os.PathLike[str],
    q: float | None = None,
    device: str | torch.device = "cpu",
    parts: Mapping[str, Any] | None = None,
    access: HubAccess = ANY,
    precision: str = FLOAT32,
    **overrides: Any,
) -> Model:
    """Return a trained model: by name, ``hf-hub:owner/name@revision``, or a folder (``local-dir:FOLDER``).

    ``q`` (0 to 63, larger is better) becomes the default of ``encode``. An override names an argument
    of the inter codec's constructor, or ``gop``, ``rate_sampler``, ``intra``, ``inter``,
    ``entropy_coder``; ``parts`` reaches all others by path, such as ``{"intra.entropy_model": ...}``. Its
    value is a name, a table ``{"name": ..., **options}``, a class or an object. ``access`` says how to reach
    the Hub; code that lies there is never run. With ``precision`` "bfloat16" it encodes and estimates
    faster where the processor can, at some loss of quality.

    Raises ComponentError for what cannot be found or built, and WeightsError for weights that cannot be
    had or are not what the card says.
    """
    return _loaded(card_of(name, access), q, device, parts, overrides, access, precision)


def from_pretrained(
    folder_or_repository: str | os.PathLike[str],
    revision: str | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    token: str | bool | None = None,
    local_files_only: bool = False,
    **options: Any,
) -> Model:
    """Return a model from a folder or a repository "owner/name", with the words of other libraries.

    ``options`` are those of ``load``, and what goes wrong is as there.
    """
    access = HubAccess(cache_dir, token, local_files_only)
    if os.path.isdir(folder_or_repository):
        return load(Path(folder_or_repository), access=access, **options)
    name = f"{HUB}{os.fspath(folder_or_repository).removeprefix(HUB)}{f'@{revision}' if revision else ''}"
    return load(name, access=access, **options)


def create(
    name: str | os.PathLike[str],
    q: float | None = None,
    device: str | torch.device = "cpu",
    parts: Mapping[str, Any] | None = None,
    seed: int = INITIAL_SEED,
    access: HubAccess = ANY,
    precision: str = FLOAT32,
    **overrides: Any,
) -> Model:
    """Return a model as ``load`` does, but untrained.

    What it starts from depends on ``seed`` alone; the state of torch's generator is neither used nor
    changed.
    """
    return codec_of(drafted(card_of(name, access), parts, overrides, seed), q, device, precision)


def _loaded(
    card: ModelCard,
    q: float | None = None,
    device: str | torch.device = "cpu",
    by_path: Mapping[str, Any] | None = None,
    by_name: Mapping[str, Any] = MappingProxyType({}),
    access: HubAccess = ANY,
    precision: str = FLOAT32,
) -> Model:
    if card.weights is None:
        raise WeightsError(f"The model {card.name!r} has no trained weights. {_way_out(card)}")
    draft = drafted(card, by_path, by_name)
    paths = hub.fetch_all(card.weights, access)
    tensors = read_weight_files(paths, card.config_sha256)
    if card.portable:
        _restore(draft, tensors)
    swapped = [draft.built[swap.path] for swap in draft.swaps]
    misfits = put_weights(draft.modules, tensors, swapped, card.weights.place)
    for swap in draft.swaps:
        warnings.warn(_swap_message(card, swap, misfits), SwappedPartWarning, stacklevel=3)
    return codec_of(draft, q, device, precision)


def decode(data: Data, options: DecodeOptions = DECODE_DEFAULTS, device: str | torch.device = "cpu") -> Video:
    """Return the video in a stream, decoded by the model that its header names; raises StreamError."""
    with opened(data) as file:
        stream = file.read()
    with opened(stream) as file:
        name = StreamReader(file).header.model
    return load_for_stream(name, device).decode(stream, options)


def load_for_stream(name: str, device: str | torch.device = "cpu") -> Model:
    """Return the model that a stream names; one that is not installed is not looked for elsewhere.

    A stream may come from anybody, so it must not decide what is downloaded or read from the disk.
    """
    if name.startswith((HUB, FOLDER)):
        raise UnsupportedStream(
            f"The stream was made with the model {name!r}, which nvczoo does not load unasked. If you trust "
            f"it, decode with nvczoo.load({name!r}).decode(...)"
        )
    try:
        return _loaded(cards.find(name), device=device)
    except (UnknownComponent, WeightsError) as error:
        raise UnsupportedStream(
            f"The stream was made with the model {name!r}, which cannot be loaded here. {error}. If you have "
            "it elsewhere, load it with nvczoo.load() and use its decode()"
        ) from error


def parts(kind: str | None = None) -> list[components.Offer]:
    """Return the parts of a kind, or of all kinds, and who offers them, without importing them."""
    kinds = components.KINDS if kind is None else (kind,)
    return [offer for one in kinds for offer in components.describe(one)]


@dataclass(frozen=True)
class Draft:
    """A model's parts, built but untrained."""

    card: ModelCard
    built: Mapping[str, Any]  # by path, such as "inter.motion_estimator"
    swaps: tuple[Swap, ...]  # of parts with weights

    @property
    def modules(self) -> dict[str, nn.Module]:
        """What weights are for, by the beginning of their names."""
        return {place: self.built[place] for place in WEIGHTED if place in self.built}


def drafted(
    card: ModelCard,
    by_path: Mapping[str, Any] | None = None,
    by_name: Mapping[str, Any] = MappingProxyType({}),
    seed: int = INITIAL_SEED,
) -> Draft:
    """Return a card's model, unfinished: its parts as built, with overrides by path and by keyword."""
    try:
        return _drafted(card, by_path or {}, by_name, seed)
    except UnknownComponent as error:
        missing = [f"{name}=={version}" for name, version in card.requires.items() if not _installed(name)]
        if missing:
            raise MissingPlugin(
                f"{card.name!r} has parts of packages that are not installed: {error}. If you trust those "
                f"who make them: pip install {' '.join(missing)}"
            ) from error
        raise


def _installed(distribution: str) -> bool:
    try:
        return bool(importlib.metadata.version(distribution))
    except (importlib.metadata.PackageNotFoundError, ValueError):  # ValueError: no name of a distribution
        return False


def _drafted(card: ModelCard, by_path: Mapping[str, Any], by_name: Mapping[str, Any], seed: int) -> Draft:
    top = [name for name in by_name if name in PLACES]  # first, for the other names are those of its codec
    wanted = card.with_overrides({name: by_name[name] for name in top})
    paths = {full_path(name, wanted.parts): value for name, value in by_name.items() if name not in top}
    paths |= by_path
    wanted = wanted.with_overrides(paths)
    swaps = (swap_at(card.parts, wanted.parts, path) for path in (*top, *paths))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        built = assemble.build_all(wanted.parts, PLACES)
    return Draft(wanted, built, tuple(swap for swap in swaps if swap is not None))


def codec_of(
    draft: Draft,
    q: float | None = None,
    device: str | torch.device = "cpu",
    precision: str = FLOAT32,
) -> Model:
    """Return the codec that a draft's parts make."""
    codec = Model(draft.card, draft.built, DEFAULT_Q if q is None else q, precision)
    try:
        codec = codec.to(device)
        if draft.card.portable:
            make_ready(codec)
        return codec
    except SettingError as error:
        raise WeightsError(f"The weights of {draft.card.name!r} are not portable: {error}") from error
    except (RuntimeError, AssertionError) as error:  # torch has no class of its own for a missing device
        raise SettingError(f"The device {str(device)!r} cannot be used: {error}") from error


def _restore(draft: Draft, tensors: Mapping[str, Tensor]) -> None:
    """Put portable modules where the weights of a portable model have some; raises what ``load`` does."""
    try:
        grids = grids_of(tensors)
        for path in (swap.path for swap in draft.swaps):
            if any(f"{name}.".startswith(f"{path}.") for name in grids):
                raise ComponentError(
                    f"{path} of {draft.card.name!r} is a part of its portable decoder, whose parts were "
                    "turned to integers together: swap it in the float model, then `nvczoo quantize`"
                )
        restored(nn.ModuleDict(draft.modules), tensors)
    except SettingError as error:
        raise WeightsError(f"The weights of {draft.card.name!r} are not portable: {error}") from error


def _swap_message(card: ModelCard, swap: Swap, misfits: list[str]) -> str:
    message = (
        f"{swap.path} of {card.name!r}: {swap.new!r} replaces {swap.old!r} and is not trained with it, so "
        "that the results in the card no longer apply"
    )
    if misfits:
        message += f". Also untrained, because their shape follows it: {listed(misfits)}"
    return message


def _way_out(card: ModelCard) -> str:
    advice = "nvczoo.create() builds it untrained"
    if has_card(Path(card.name)):
        advice = f"The folder of that name here is loaded as '{FOLDER}{card.name}'; {advice}"
    files = [f"--{place} {card.published[place]}" for place in IMPORTED if place in card.published]
    if files:
        return f"Import its authors' files: nvczoo import {card.name} {' '.join(files)} -o FOLDER. {advice}"
    trained = cards.trained_alternative(card)
    return f"Load {trained!r}, which has them; {advice}" if trained else advice
