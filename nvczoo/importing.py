"""From the authors' checkpoints to a folder with our weights and a card, which ``nvczoo.load`` takes."""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from nvczoo import __version__, cards
from nvczoo.cards import ModelCard
from nvczoo.errors import ComponentError, SettingError
from nvczoo.folders import new_folder
from nvczoo.hub import sha256_of
from nvczoo.interfaces import FrameCodec, Rules
from nvczoo.loading import IMPORTED, drafted
from nvczoo.published import read_published, translated
from nvczoo.saving import is_ours, write_model
from nvczoo.sources import card_of


@dataclass(frozen=True)
class Origin:
    """A checkpoint that was read, as the card tells of it."""

    file: str
    sha256: str
    tensors: int


def import_published(
    model: str,
    out: str | os.PathLike[str],
    intra: str | os.PathLike[str] | None = None,
    inter: str | os.PathLike[str] | None = None,
    parts: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Path:
    """Make a folder that ``nvczoo.load`` takes from the authors' checkpoints; return its path.

    ``model`` is a card's name, ``intra`` and ``inter`` the files of its networks, ``parts`` what differs
    from the card, by path, such as ``{"intra.layout": "yuv444"}``. Every tensor of a file goes to one place,
    and every place gets one, in float32. Only tensors are unpickled. The folder appears whole or not at
    all; one that an import made before is replaced with ``overwrite``.

    Raises SettingError for a file too many or too few, WeightsError for one that does not fit.
    """
    draft = drafted(card_of(model), parts)
    files = {place: Path(path) for place, path in (("intra", intra), ("inter", inter)) if path is not None}
    _check_files(draft.card, draft.modules, set(files))
    with new_folder(out, is_ours, overwrite) as folder:
        origins = {place: _fill(draft.modules[place], path) for place, path in files.items()}
        write_model(draft.modules, _told(draft.card, origins), folder, torch.float32)
    return Path(out)


def importable() -> list[str]:
    """Return the names of the models whose cards tell of published checkpoints."""
    found = []
    for name in cards.names():
        with suppress(ComponentError):  # another's broken card is no reason to fail
            found += [name] if cards.find(name).published else []
    return found


def _check_files(card: ModelCard, modules: Mapping[str, nn.Module], given: set[str]) -> None:
    """Raise SettingError unless there is a file for every network of the model, and no other."""
    needed = [place for place in IMPORTED if place in modules]
    for place in needed:
        if not _rules(modules[place]):
            raise SettingError(
                f"The {place} codec of {card.name!r} has no published checkpoint to import. Models that "
                f"have: {', '.join(importable()) or 'none'}"
            )
    if given != set(needed):
        wanted = (f"{place} (such as {card.published.get(place, 'a .pth file')})" for place in needed)
        raise SettingError(
            f"{card.name!r} is made of {' and '.join(needed)}, but files were given for "
            f"{' and '.join(sorted(given)) or 'neither'}. Give one for each: {', '.join(wanted)}"
        )


def _rules(module: nn.Module) -> Rules:
    return module.published if isinstance(module, FrameCodec) else ()


def _fill(module: nn.Module, path: Path) -> Origin:
    """Put a checkpoint into the network it belongs to."""
    published = read_published(path)
    module.load_state_dict(translated(published, _rules(module), module, str(path)))
    return Origin(path.name, sha256_of(path), len(published))


def _told(card: ModelCard, origins: Mapping[str, Origin]) -> ModelCard:
    """Return the card, with where its weights are from."""
    imported = {place: asdict(origin) for place, origin in origins.items()}
    return replace(card, training={"imported_by": f"nvczoo {__version__}", **imported})
