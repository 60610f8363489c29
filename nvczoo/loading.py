"""From a model's name to a codec that is ready to code.

The public function is ``nvczoo.load``; this module is not called ``load``, because importing a module of
that name would put it in the function's place.
"""

import json
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import nn

from nvczoo import assemble, cards, components, hub
from nvczoo.cards import ModelCard
from nvczoo.codec.container import StreamReader
from nvczoo.codec.files import DECODE_DEFAULTS, Data, DecodeOptions, opened
from nvczoo.codec.video import Video
from nvczoo.codec.video_codec import DEFAULT_Q, VideoCodec
from nvczoo.errors import CardError, SettingError, UnknownComponent, UnsupportedStream, WeightsError
from nvczoo.hub import Weights
from nvczoo.overrides import PLACES, Swap, full_path, swap_at
from nvczoo.weights import listed, put_weights, read_weights

HUB, FOLDER = "hf-hub:", "local-dir:"
HUB_CARD = "config.json"
FOLDER_CARDS = ("card.toml", HUB_CARD)
WEIGHTS_FILE = "model.safetensors"
INITIAL_SEED = 0  # of what is not trained, so that it is the same in every process
IMPORTED = ("intra", "inter")  # what authors publish in a file each
WEIGHTED = ("rate_sampler", "intra", "inter")  # in this order a shared tensor gets its name


class SwappedPartWarning(UserWarning):
    """A part stands in the place of the one a model was trained with."""


def load(
    name: str | os.PathLike[str],
    q: float | None = None,
    device: str | torch.device = "cpu",
    parts: Mapping[str, Any] | None = None,
    **overrides: Any,
) -> VideoCodec:
    """Return a trained model: by name, ``hf-hub:owner/name@revision``, or a folder (``local-dir:FOLDER``).

    ``q`` (0 to 63, larger is better) becomes the default of ``encode``. An override names an argument
    of the inter codec's constructor, or ``gop``, ``rate_sampler``, ``intra``, ``inter``,
    ``entropy_coder``; ``parts`` reaches all others by path, such as ``{"intra.entropy_model": ...}``. Its
    value is a name, a table ``{"name": ..., **options}``, a class or an object.

    Raises ComponentError for what cannot be found or built, and WeightsError for a model without weights.
    """
    return _loaded(card_of(name), q, device, parts, overrides)


def create(
    name: str | os.PathLike[str],
    q: float | None = None,
    device: str | torch.device = "cpu",
    parts: Mapping[str, Any] | None = None,
    seed: int = INITIAL_SEED,
    **overrides: Any,
) -> VideoCodec:
    """Return a model as ``load`` does, but untrained.

    What it starts from depends on ``seed`` alone; the state of torch's generator is neither used nor
    changed.
    """
    return codec_of(drafted(card_of(name), parts, overrides, seed), q, device)


def _loaded(
    card: ModelCard,
    q: float | None = None,
    device: str | torch.device = "cpu",
    by_path: Mapping[str, Any] | None = None,
    by_name: Mapping[str, Any] = MappingProxyType({}),
) -> VideoCodec:
    if card.weights is None:
        raise WeightsError(f"The model {card.name!r} has no trained weights. {_way_out(card)}")
    draft = drafted(card, by_path, by_name)
    path = hub.fetch(card.weights)
    swapped = [draft.built[swap.path] for swap in draft.swaps]
    misfits = put_weights(draft.modules, read_weights(path), swapped, str(path))
    for swap in draft.swaps:
        warnings.warn(_swap_message(card, swap, misfits), SwappedPartWarning, stacklevel=3)
    return codec_of(draft, q, device)


def decode(data: Data, options: DecodeOptions = DECODE_DEFAULTS, device: str | torch.device = "cpu") -> Video:
    """Return the video in a stream, decoded by the model that its header names; raises StreamError."""
    with opened(data) as file:
        stream = file.read()
    with opened(stream) as file:
        name = StreamReader(file).header.model
    return load_for_stream(name, device).decode(stream, options)


def load_for_stream(name: str, device: str | torch.device = "cpu") -> VideoCodec:
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


def card_of(name: str | os.PathLike[str]) -> ModelCard:
    """Return the card of a model that ``load`` understands; a model's name goes before a folder's."""
    if not isinstance(name, str):
        return _folder_card(Path(name))
    if name.startswith(HUB):
        return _hub_card(name)
    if name.startswith(FOLDER):
        return _folder_card(Path(name.removeprefix(FOLDER)))
    if name not in cards.names() and _has_card(Path(name)):
        return _folder_card(Path(name))
    return cards.find(name)


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
    top = [name for name in by_name if name in PLACES]  # first, for the other names are those of its codec
    wanted = card.with_overrides({name: by_name[name] for name in top})
    paths = {full_path(name, wanted.parts): value for name, value in by_name.items() if name not in top}
    paths |= by_path or {}
    wanted = wanted.with_overrides(paths)
    swaps = (swap_at(card.parts, wanted.parts, path) for path in (*top, *paths))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        built = assemble.build_all(wanted.parts, PLACES)
    return Draft(wanted, built, tuple(swap for swap in swaps if swap is not None))


def codec_of(draft: Draft, q: float | None = None, device: str | torch.device = "cpu") -> VideoCodec:
    """Return the codec that a draft's parts make."""
    built = draft.built
    codec = VideoCodec(
        built["intra"],
        built.get("inter"),
        built["gop"],
        built["rate_sampler"],
        built["entropy_coder"],
        draft.card.name,
        json.loads(draft.card.canonical),
        DEFAULT_Q if q is None else q,
    )
    try:
        return codec.to(device)
    except (RuntimeError, AssertionError) as error:  # torch has no class of its own for a missing device
        raise SettingError(f"The device {str(device)!r} cannot be used: {error}") from error


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
    if _has_card(Path(card.name)):
        advice = f"The folder of that name here is loaded as '{FOLDER}{card.name}'; {advice}"
    files = [f"--{place} {card.published[place]}" for place in IMPORTED if place in card.published]
    if files:
        return f"Import its authors' files: nvczoo import {card.name} {' '.join(files)} -o FOLDER. {advice}"
    trained = cards.trained_alternative(card)
    return f"Load {trained!r}, which has them; {advice}" if trained else advice


def _hub_card(name: str) -> ModelCard:
    repository, _, revision = name.removeprefix(HUB).partition("@")
    if repository.count("/") != 1:
        raise CardError(f"{name!r} names no repository: write 'hf-hub:owner/name@revision'")
    card = ModelCard.read(hub.download(repository, HUB_CARD, revision))
    weights = Weights(None, repository, revision, WEIGHTS_FILE)
    return replace(card, name=name, weights=_with_hash_of(weights, card))


def _has_card(folder: Path) -> bool:
    return any((folder / name).is_file() for name in FOLDER_CARDS)


def _folder_card(folder: Path) -> ModelCard:
    path = next((folder / name for name in FOLDER_CARDS if (folder / name).is_file()), None)
    if path is None:
        raise CardError(
            f"There is no {' and no '.join(FOLDER_CARDS)} in {folder}: put the model's card there"
        )
    card = ModelCard.read(path)
    file = folder / WEIGHTS_FILE
    weights = _with_hash_of(Weights(file), card) if file.is_file() else card.weights
    return replace(card, name=folder.resolve().name, weights=weights)


def _with_hash_of(weights: Weights, card: ModelCard) -> Weights:
    """Return the weights with hash and size as the card has them, if it does."""
    return (
        weights
        if card.weights is None
        else replace(weights, sha256=card.weights.sha256, size=card.weights.size)
    )
