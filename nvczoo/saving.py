"""A model becomes a folder, or a repository on the Hugging Face Hub."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from nvczoo import __version__, components, hub
from nvczoo.assemble import options_of, part_class
from nvczoo.cards import FORMAT, FORMAT_VERSION, ModelCard
from nvczoo.errors import NvczooError, SettingError
from nvczoo.folders import new_folder
from nvczoo.hub import HubAccess, sha256_of
from nvczoo.hub_page import page
from nvczoo.overrides import PLACES
from nvczoo.signatures import arguments
from nvczoo.sources import HUB, HUB_CARD
from nvczoo.weight_files import (
    INDEX,
    MAX_SHARD_BYTES,
    WeightsHeader,
    is_weight_file,
    read_weight_files,
    write_weight_files,
)
from nvczoo.weights import weights_of

if TYPE_CHECKING:
    from nvczoo.model import Model

PAGE = "README.md"
SOMEWHERE = "OWNER/NAME"  # stands for the repository while it is not known


@dataclass(frozen=True)
class Target:
    """A repository to write to."""

    repository: str  # "owner/name"
    private: bool | None = None  # None: as the owner's settings have it
    revision: str | None = None  # a branch; None: main


def save(
    modules: Mapping[str, nn.Module], card: ModelCard, folder: str | os.PathLike[str], overwrite: bool = False
) -> Path:
    """Write a model's files into a folder that appears whole or not at all, and return it."""
    with new_folder(folder, is_ours, overwrite) as temporary:
        write_model(modules, card, temporary)
    return Path(folder)


def push(modules: Mapping[str, nn.Module], card: ModelCard, target: Target, access: HubAccess) -> str:
    """Write a model's files to a repository in one commit, and return the name to load it by."""
    from huggingface_hub import HfApi

    api = HfApi(token=access.token, library_name="nvczoo", library_version=__version__)
    with tempfile.TemporaryDirectory(prefix="nvczoo-") as name:
        folder = Path(name)
        write_model(modules, card, folder, repository=target.repository)
        with hub.telling(f"The model cannot be written to {target.repository}"):
            api.create_repo(target.repository, private=target.private, exist_ok=True)
            commit = api.upload_folder(
                repo_id=target.repository,
                folder_path=folder,
                revision=target.revision,
                commit_message=f"Write the model with nvczoo {__version__}",
                delete_patterns=["*.safetensors", INDEX],  # of what was there before, if it had other shards
            )
    return f"{HUB}{target.repository}@{commit.oid}"


def write_model(
    modules: Mapping[str, nn.Module],
    card: ModelCard,
    folder: Path,
    dtype: torch.dtype | None = None,
    repository: str = SOMEWHERE,
) -> None:
    """Write weights (in ``dtype``, or as they are), card and page into an empty folder."""
    card = replace(card, requires=requirements(card))
    config = _config(card)  # first: it may refuse, and weights take time
    codecs = (_name(part) for place, part in card.parts.items() if place in ("intra", "inter"))
    header = WeightsHeader(", ".join(codecs), card.config_sha256, card.licence)
    files = write_weight_files(modules, folder, header, dtype, MAX_SHARD_BYTES)
    text = json.dumps(config | {"weights": _weights_table(files)}, indent=2) + "\n"
    (folder / HUB_CARD).write_text(text, encoding="utf-8")
    (folder / PAGE).write_text(page(card, repository), encoding="utf-8")


def is_ours(name: str) -> bool:
    """Return whether ``write_model`` writes files of that name."""
    return name in (HUB_CARD, PAGE) or is_weight_file(name)


def requirements(card: ModelCard) -> dict[str, str]:
    """Return the version of each distribution that a card's parts come from."""
    offers = (one for place, value in card.parts.items() for one in _offers(PLACES[place], value))
    return {one.distribution: one.version for one in offers if one.distribution != components.REGISTERED}


def honest_card(model: Model) -> ModelCard:
    """Return a model's card, without results if its weights are not those that they were measured with."""
    card = model.card
    if not card.results:
        return card
    try:
        theirs = read_weight_files(hub.fetch_all(card.weights)) if card.weights else {}
    except NvczooError:  # they can no longer be had, so that nobody can tell
        theirs = {}
    own = weights_of(model.modules_by_place)
    same = theirs.keys() == own.keys() and all(
        torch.equal(theirs[name].to(one), one) for name, one in own.items() if theirs[name].shape == one.shape
    )
    return card if same else replace(card, results={})


def _offers(kind: str, value: Any) -> Iterator[components.Offer]:
    """Yield who offers a part, and the parts in its table."""
    cls, options = part_class(kind, value), options_of(value)
    name = value["name"] if isinstance(value, Mapping) else value
    if isinstance(name, str):
        yield components.offer_of(kind, name)
    for argument in arguments(cls).values():
        if argument.kind is not None and options.get(argument.name) is not None:
            yield from _offers(argument.kind, options[argument.name])


def _config(card: ModelCard) -> dict[str, Any]:
    table = {FORMAT: FORMAT_VERSION, **card.as_table()}
    try:
        return json.loads(json.dumps(table))
    except TypeError as error:
        raise SettingError(
            f"A card can hold names, options and tables, but no classes and objects ({error}): give parts "
            "by the names that `nvczoo parts` lists"
        ) from error


def _weights_table(files: list[Path]) -> dict[str, Any]:
    tables = [{"file": one.name, "sha256": sha256_of(one), "bytes": one.stat().st_size} for one in files]
    return tables[0] if len(tables) == 1 else {"shards": tables}


def _name(part: Any) -> str:
    return part["name"] if isinstance(part, Mapping) else part
