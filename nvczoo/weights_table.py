"""What a card says of its weights: where they are, how long, and with which hash."""

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from nvczoo import components
from nvczoo.errors import CardError
from nvczoo.hub import COMMIT, SUFFIX, Weights

SHA256 = re.compile(r"[0-9a-f]{64}")
KEYS = {"file": str, "repository": str, "revision": str, "filename": str, "sha256": str, "bytes": int}
SHARDS = "shards"  # a list of such tables, where the weights are several files
MAX_SHARDS = 1000


def weights_in(table: Mapping[str, Any], path: Path) -> Weights:
    """Return the weights in a card's table, from the card file ``path``; raises CardError."""
    if SHARDS not in table:
        return _one(table, path)
    shards = table[SHARDS]
    if len(table) > 1:
        raise CardError(f"{path}: 'weights.{SHARDS}' stands for all of them; nothing can stand beside it")
    if not isinstance(shards, list) or not 1 <= len(shards) <= MAX_SHARDS:
        raise CardError(f"{path}: 'weights.{SHARDS}' must be a list of 1 to {MAX_SHARDS} tables")
    found = []
    for number, one in enumerate(shards):
        if not isinstance(one, Mapping):
            raise CardError(f"{path}: 'weights.{SHARDS}[{number}]' is {one!r}; it must be a table")
        found.append(_one(one, path))
    return replace(found[0], shards=tuple(found))


def _one(table: Mapping[str, Any], path: Path) -> Weights:
    for key, value in table.items():
        if key not in KEYS:
            raise CardError(f"{path}: unknown key 'weights.{key}'. {components.suggest(key, KEYS)}")
        if type(value) is not KEYS[key]:
            wanted = "an integer" if KEYS[key] is int else "a text"
            raise CardError(f"{path}: 'weights.{key}' is {value!r}; it must be {wanted}")
    sha256, size = table.get("sha256", ""), table.get("bytes")
    if not SHA256.fullmatch(sha256):
        raise CardError(f"{path}: 'weights.sha256' is {sha256!r}; it must be 64 hexadecimal digits")
    if "file" in table:
        return Weights(file=_packaged(table["file"], path), sha256=sha256, size=size)
    for key in ("repository", "revision", "filename"):
        if key not in table:
            raise CardError(
                f"{path}: 'weights.{key}' is missing; give a file, or repository, revision, filename"
            )
    if not COMMIT.fullmatch(table["revision"]):
        raise CardError(
            f"{path}: 'weights.revision' is {table['revision']!r}; it must be a commit, 40 hexadecimal "
            "digits, because tags and branches move"
        )
    return Weights(None, table["repository"], table["revision"], table["filename"], sha256, size)


def _packaged(name: str, path: Path) -> Path:
    """Return the path of weights that lie beside their card.

    Links are not followed: in the Hub's cache every file is one, to a place outside the folder.
    """
    folder = path.parent.resolve()
    file = Path(os.path.normpath(folder / name))
    if not file.is_relative_to(folder) or file.suffix != SUFFIX:
        raise CardError(
            f"{path}: 'weights.file' is {name!r}; it must be a {SUFFIX} file in the card's folder"
        )
    return file
