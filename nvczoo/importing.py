"""From the authors' checkpoints to a folder with our weights and a card, which ``nvczoo.load`` takes."""

import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from nvczoo import __version__, cards
from nvczoo.cards import ModelCard
from nvczoo.errors import ComponentError, SettingError, WeightsError
from nvczoo.hub import sha256_of
from nvczoo.interfaces import FrameCodec, Rules
from nvczoo.loading import HUB_CARD, IMPORTED, WEIGHTS_FILE, card_of, drafted
from nvczoo.published import read_published, translated
from nvczoo.weights import save_weights

WRITTEN = {HUB_CARD, WEIGHTS_FILE}
MAX_STEM = 40  # characters of the folder's name in the temporary one: file systems allow 255 bytes in all


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
    with _new_folder(Path(out), overwrite) as folder:
        origins = {place: _fill(draft.modules[place], path) for place, path in files.items()}
        save_weights(draft.modules, folder / WEIGHTS_FILE, torch.float32)
        (folder / HUB_CARD).write_text(_card_text(draft.card, origins, folder / WEIGHTS_FILE))
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


def _card_text(card: ModelCard, origins: Mapping[str, Origin], weights: Path) -> str:
    imported = {place: asdict(origin) for place, origin in origins.items()}
    told = replace(card, training={"imported_by": f"nvczoo {__version__}", **imported})
    size, sha256 = weights.stat().st_size, sha256_of(weights)
    table = told.as_table() | {"weights": {"file": weights.name, "sha256": sha256, "bytes": size}}
    try:
        return json.dumps(table, indent=2) + "\n"
    except TypeError as error:
        raise SettingError(
            f"A card can hold names, options and tables, but no classes and objects ({error}): give parts "
            "by the names that `nvczoo parts` lists"
        ) from error


@contextmanager
def _new_folder(target: Path, overwrite: bool) -> Iterator[Path]:
    """Give a temporary folder beside ``target``; it gets its name when the block ends well."""
    target = target.absolute()
    _check_target(target, overwrite)
    temporary = target.with_name(f".{target.name[:MAX_STEM]}.{secrets.token_hex(4)}.part")
    try:
        temporary.mkdir()
        yield temporary
        _check_target(target, overwrite)  # again: reading may have taken minutes
        if target.exists():
            shutil.rmtree(target)
        temporary.rename(target)
    except OSError as error:
        raise WeightsError(f"Cannot write {str(target)!r}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _check_target(target: Path, overwrite: bool) -> None:
    if not target.parent.is_dir():
        raise WeightsError(f"The folder {str(target.parent)!r} does not exist; make it first")
    if not target.exists():
        return
    if not target.is_dir() or not {one.name for one in target.iterdir()} <= WRITTEN:
        raise WeightsError(f"{str(target)!r} exists and is no folder of an import; choose another name")
    if not overwrite and any(target.iterdir()):
        raise WeightsError(f"{str(target)!r} exists already; pass overwrite=True (-y) to replace it")
