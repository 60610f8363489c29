"""A model is data: a card names its parts, their options, its weights and its results."""

from __future__ import annotations

import dataclasses
import difflib
import fnmatch
import hashlib
import importlib.util
import json
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nvczoo import components
from nvczoo.errors import CardError, ComponentError, NewerFormat, UnknownComponent
from nvczoo.hub import Weights
from nvczoo.overrides import PLACES, WEIGHTLESS, overridden
from nvczoo.weights_table import weights_in

KIND = "cards"  # entry-point group nvczoo.cards: packages that hold *.toml
MAX_CARD_BYTES = 1 << 20
TEXTS = ("summary", "paper", "licence", "colour")
TABLES = ("weights", "published", "portable", "training", "results", "requires")
ANSWER = "known_answer"  # of a portable model, in its table
MADE_FROM = "made_from"  # the name of the float model, in the same table
FORMAT = "format_version"  # of cards and weights that programs write; without it: 1
FORMAT_VERSION = 1
REQUIRED = ("summary", "licence", "gop", "rate_sampler", "intra")
DEFAULT_CODER = "native"
WORD = re.compile(r"\w[\w.+!-]*", re.ASCII)  # of a distribution's name and version

Table = Mapping[str, Any]  # what TOML and JSON hold; a part is a name or {"name": ..., options}


@dataclass(frozen=True)
class ModelCard:
    """A model, checked for form; whether its parts exist shows when it is built."""

    name: str
    summary: str
    licence: str
    gop: str | Table
    rate_sampler: str | Table
    intra: str | Table
    inter: str | Table | None = None  # None: a codec of single pictures
    entropy_coder: str | Table = DEFAULT_CODER
    paper: str = ""
    colour: str = ""  # the matrix that RGB is made by where the paper measures in RGB; empty: 4:2:0 as it is
    weights: Weights | None = None
    published: Table = field(default_factory=dict)  # the authors' files: what they are called, and where from
    portable: Table = field(default_factory=dict)  # of integer weights: known answer, how made
    training: Table = field(default_factory=dict)
    results: Table = field(default_factory=dict)
    requires: Table = field(default_factory=dict)  # version by distribution, of those whose parts it has

    @classmethod
    def read(cls, path: str | Path) -> ModelCard:
        """Return the card in a TOML or JSON file, named after the file; raises CardError."""
        path = Path(path)
        try:
            if path.stat().st_size > MAX_CARD_BYTES:
                raise CardError(f"{path} has more than {MAX_CARD_BYTES} bytes: it is no model card")
            text = path.read_text(encoding="utf-8")
            table = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
        except (OSError, ValueError, RecursionError) as error:
            raise CardError(f"{path} cannot be read as a model card: {error}") from error
        if not isinstance(table, dict):
            raise CardError(f"{path} is no model card: it does not hold a table")
        return cls.from_table(path.name.removesuffix(path.suffix), table, path)

    @classmethod
    def from_table(cls, name: str, table: Table, path: Path) -> ModelCard:
        """Return the card in ``table``, from the file ``path``, beside which packaged weights lie."""
        _check_format(table.get(FORMAT, 1), path)  # first, for a newer card may have any key
        table = {key: value for key, value in table.items() if key != FORMAT}
        known = (*TEXTS, *PLACES, *TABLES)
        for key in table.keys() - set(known):
            raise CardError(f"{path}: unknown key {key!r}. {components.suggest(key, known)}")
        for key in REQUIRED:
            if key not in table:
                raise CardError(f"{path}: {key!r} is missing")
        for key, value in table.items():
            _check(key, value, path)
        fields = dict(table)
        if "weights" in table:
            fields["weights"] = weights_in(table["weights"], path)
        return cls(name, **fields)

    @property
    def parts(self) -> dict[str, str | Table]:
        """The parts by their place at the top level; without ``inter`` for a codec of single pictures."""
        found = {key: getattr(self, key) for key in PLACES}
        return {key: value for key, value in found.items() if value is not None}

    @property
    def known_answer(self) -> int | None:
        """What the decoder of a portable model computes on every machine; None for others."""
        return self.portable.get(ANSWER)

    @property
    def canonical(self) -> str:
        """What a decoder must be built of, as JSON that is the same for the same parts.

        GOP structure and entropy coder are not in it: they may differ from stream to stream, and a
        stream's header holds them itself.
        """
        coded = {key: _plain(value) for key, value in self.parts.items() if key not in WEIGHTLESS}
        return json.dumps(coded, sort_keys=True, separators=(",", ":"))

    @property
    def config_sha256(self) -> str:
        """SHA-256 of ``canonical``, by which weights say what they belong to."""
        return hashlib.sha256(self.canonical.encode()).hexdigest()

    def as_table(self) -> dict[str, Any]:
        """Return the card as ``from_table`` reads it, but for where its weights are."""
        tables = (key for key in TABLES if key != "weights")
        found = {key: getattr(self, key) for key in (*TEXTS, *PLACES, *tables)}
        return {key: value for key, value in found.items() if value not in (None, "", {})}

    def with_parts(self, parts: Table) -> ModelCard:
        """Return the card with other parts, by their place at the top level."""
        return dataclasses.replace(self, **parts)

    def with_overrides(self, overrides: Table) -> ModelCard:
        """Return the card with other parts, by path, such as ``gop.long_term`` or ``inter.x``."""
        parts = self.parts
        for path, value in overrides.items():
            parts = overridden(parts, path, value)
        return self.with_parts(parts)


def names() -> list[str]:
    """Return the names of all models, sorted."""
    return sorted(_paths())


def models(pattern: str = "*") -> list[str]:
    """Return the names of the models that match a pattern such as ``ev-*``, sorted."""
    return fnmatch.filter(names(), pattern)


def find(name: str) -> ModelCard:
    """Return the card of a model; raises UnknownComponent or CardError.

    ``distribution:name`` chooses among several packages that bring one of that name.
    """
    wanted, _, bare = name.rpartition(":")
    paths = _paths()
    found = {one: path for one, path in paths.get(bare, {}).items() if wanted in ("", one)}
    if not found:
        raise UnknownComponent(
            f"There is no model {name!r}. {components.suggest(name, sorted(paths))}. Models elsewhere are "
            "'hf-hub:owner/name@revision' and 'local-dir:FOLDER'"
        )
    if len(found) > 1:
        chosen = " or ".join(repr(f"{one}:{bare}") for one in found)
        raise ComponentError(
            f"The model {name!r} has more than one card: {', '.join(map(str, found.values()))}. Write "
            f"{chosen} to choose, uninstall all but one of the packages, or set {components.AUTOLOAD}=0 "
            "to use nvczoo's alone"
        )
    card = ModelCard.read(next(iter(found.values())))
    return dataclasses.replace(card, name=name)


def trained_alternative(card: ModelCard) -> str | None:
    """Return the model with weights whose name is nearest to the card's, or None."""
    nearest = difflib.get_close_matches(card.name, filter(_has_weights, names()), n=1, cutoff=0)
    return nearest[0] if nearest else None


def _has_weights(name: str) -> bool:
    try:
        return find(name).weights is not None
    except ComponentError:  # another's broken card is no reason to fail
        return False


def _paths() -> dict[str, dict[str, Path]]:
    """Return the card files of each model name, by the distribution that brings them."""
    found: dict[str, dict[str, Path]] = {}
    for offer in components.offers(KIND):
        for path in _folder(offer).glob("*.toml"):
            found.setdefault(path.name.removesuffix(".toml"), {})[offer.distribution] = path
    return found


def _folder(offer: components.Offer) -> Path:
    """Return the folder of a package of cards; one that does not exist holds none, and harms nobody."""
    try:
        spec = importlib.util.find_spec(offer.value)
    except Exception:  # a plugin may fail in any way
        spec = None
    places = spec.submodule_search_locations if spec is not None else None
    return Path(next(iter(places or ()), os.devnull))


def _check_format(version: object, path: Path) -> None:
    if type(version) is not int or version < 1:
        raise CardError(f"{path}: {FORMAT!r} is {version!r}; it must be a number from 1 on")
    if version > FORMAT_VERSION:
        raise NewerFormat(
            f"{path} has the format version {version}, and this nvczoo knows {FORMAT_VERSION}: it was "
            "written by a newer one. Update: pip install --upgrade nvczoo"
        )


def _check(key: str, value: object, path: Path) -> None:
    if key in TEXTS and not isinstance(value, str):
        raise CardError(f"{path}: {key!r} is {value!r}; it must be a text")
    if key in TABLES and not isinstance(value, dict):
        raise CardError(f"{path}: {key!r} is {value!r}; it must be a table")
    if key == "portable" and not (isinstance(value, dict) and type(value.get(ANSWER)) is int):
        raise CardError(f"{path}: 'portable' has no {ANSWER!r}, the number that a decoder has to compute")
    if key == "requires":
        _check_requires(value, path)
    if key in PLACES:
        named = isinstance(value, str) or (isinstance(value, dict) and isinstance(value.get("name"), str))
        if not named:
            raise CardError(f"{path}: {key!r} is {value!r}; it must be a name, or a table with a name")
        _check_plain(key, value, path)


def _check_requires(table: object, path: Path) -> None:
    """Raise CardError for what is no name and version: both end up in a command that people copy."""
    for name, version in table.items() if isinstance(table, dict) else ():
        if not (isinstance(version, str) and WORD.fullmatch(name) and WORD.fullmatch(version)):
            raise CardError(
                f"{path}: 'requires' has {name!r} = {version!r}; it must be a distribution and its version"
            )


def _check_plain(key: str, value: object, path: Path) -> None:
    """Raise CardError for what JSON cannot hold, such as a date."""
    if isinstance(value, dict):
        for inner, one in value.items():
            _check_plain(f"{key}.{inner}", one, path)
    elif isinstance(value, list):
        for one in value:
            _check_plain(key, one, path)
    elif not isinstance(value, str | int | float):
        raise CardError(
            f"{path}: {key!r} is {value!r}; it must be a text, number, truth value, list or table"
        )


def _plain(value: object) -> object:
    """Return a part as JSON can hold it: a class or an object by its class's full name."""
    if isinstance(value, Mapping):
        plain = {key: _plain(one) for key, one in value.items()}
        return plain["name"] if plain.keys() == {"name"} else plain
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if value is None or isinstance(value, str | int | float):
        return value
    cls = value if isinstance(value, type) else type(value)
    return f"{cls.__module__}:{cls.__qualname__}"
