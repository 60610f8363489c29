"""Where a model comes from: an installed package, a folder, or the Hugging Face Hub."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from nvczoo import cards, hub
from nvczoo.cards import ModelCard
from nvczoo.errors import CardError
from nvczoo.hub import ANY, HubAccess, Weights

HUB, FOLDER = "hf-hub:", "local-dir:"
HUB_CARD = "config.json"
FOLDER_CARDS = ("card.toml", HUB_CARD)
WEIGHTS_FILE = "model.safetensors"


def card_of(name: str | os.PathLike[str], access: HubAccess = ANY) -> ModelCard:
    """Return the card of a model that ``load`` understands; a model's name goes before a folder's."""
    if not isinstance(name, str):
        return _folder_card(Path(name))
    if name.startswith(HUB):
        return _hub_card(name, access)
    if name.startswith(FOLDER):
        return _folder_card(Path(name.removeprefix(FOLDER)))
    if name not in cards.names() and has_card(Path(name)):
        return _folder_card(Path(name))
    if name.count("/") == 1 and ":" not in name:
        raise CardError(
            f"There is no model {name!r} and no such folder with a card. A repository on the Hugging Face "
            f"Hub is '{HUB}{name}', a folder '{FOLDER}{name}'"
        )
    return cards.find(name)


def has_card(folder: Path) -> bool:
    """Return whether a folder holds a model's card."""
    return any((folder / name).is_file() for name in FOLDER_CARDS)


def _hub_card(name: str, access: HubAccess) -> ModelCard:
    repository, _, revision = name.removeprefix(HUB).partition("@")
    if repository.count("/") != 1:
        raise CardError(f"{name!r} names no repository: write '{HUB}owner/name@revision'")
    path = hub.download(repository, HUB_CARD, revision, access)
    commit = hub.commit_of(path, revision)  # also of the weights, though a branch may move on meanwhile
    card = ModelCard.read(path)
    folder = path.parent.resolve()
    weights = card.weights or Weights(folder / WEIGHTS_FILE)
    pinned = f"{HUB}{repository}@{commit}" if commit else name
    return replace(card, name=pinned, weights=_remote(weights, folder, repository, commit))


def _remote(weights: Weights, folder: Path, repository: str, commit: str) -> Weights:
    """Return weights that lie beside a card in a repository as files of that repository."""
    shards = tuple(_remote(one, folder, repository, commit) for one in weights.shards)
    if weights.file is None:
        return replace(weights, shards=shards)
    name = weights.file.relative_to(folder)
    return replace(
        weights, file=None, repository=repository, revision=commit, filename=name.as_posix(), shards=shards
    )


def _folder_card(folder: Path) -> ModelCard:
    path = next((folder / name for name in FOLDER_CARDS if (folder / name).is_file()), None)
    if path is None:
        raise CardError(
            f"There is no {' and no '.join(FOLDER_CARDS)} in {folder}: put the model's card there"
        )
    card = ModelCard.read(path)
    return replace(card, name=folder.resolve().name, weights=_beside(card.weights, folder))


def _beside(weights: Weights | None, folder: Path) -> Weights | None:
    """Return the weights in the card's folder, with hash and size as the card has them, if it does."""
    file = folder / WEIGHTS_FILE
    if weights is None:
        return Weights(file) if file.is_file() else None
    if weights.shards or weights.file is not None or not file.is_file():
        return weights
    return Weights(file, sha256=weights.sha256, size=weights.size)
