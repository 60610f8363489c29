"""Parts by kind and name: found through entry points, loaded when used.

A kind is an entry-point group, ``nvczoo.motion_estimator`` for one; a name in it is one line in the
packaging of whoever ships the part. Listing names imports nothing, and a part that fails to import
troubles only those who use it.
"""

import difflib
import functools
import importlib
import importlib.metadata
import inspect
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from nvczoo.errors import BrokenComponent, ComponentError, UnknownComponent

# The interfaces are named, not imported: they need torch, and listing names must not wait for it.
INTERFACES = "nvczoo.interfaces"
KINDS = {
    "motion_estimator": "MotionEstimator",
    "context_fuser": "ContextFuser",
    "rate_sampler": "RateSampler",
    "entropy_model": "EntropyModel",
    "intra_codec": "IntraCodec",
    "inter_codec": "InterCodec",
    "gop_structure": "GopStructure",
    "entropy_coder": "EntropyCoder",
}
GROUP = "nvczoo."  # what stands before a kind in the name of its entry-point group
OWN = "nvczoo"  # the distribution that NVCZOO_PLUGIN_AUTOLOAD=0 leaves
AUTOLOAD = "NVCZOO_PLUGIN_AUTOLOAD"
REGISTERED = "(registered)"  # stands for a distribution where a running program brought the part

_registered: dict[tuple[str, str], type] = {}


@dataclass(frozen=True)
class Offer:
    """A name, and who offers what under it."""

    kind: str
    name: str
    distribution: str
    version: str
    value: str  # "module:Class", or a package for cards

    @property
    def origin(self) -> str:
        """Distribution and version, for messages."""
        return f"{self.distribution} {self.version}".strip()


def interface(kind: str) -> type:
    """Return the interface of a kind; raises UnknownComponent."""
    _check_kind(kind)
    return getattr(importlib.import_module(INTERFACES), KINDS[kind])


def find(kind: str, name: str) -> type[Any]:
    """Return the class of a part; it implements the interface of its kind, and is not abstract.

    Raises UnknownComponent for a name nobody offers, BrokenComponent for one that cannot be used.
    """
    needed = interface(kind)
    if (kind, name) in _registered:
        return _registered[kind, name]
    offer = sole(kind, name)
    return _check(needed, _load(offer), f"{kind} {name!r} of {offer.origin} ({offer.value})")


def offer_of(kind: str, name: str) -> Offer:
    """Return who offers a name: the running program if it registered it, else the one distribution."""
    if (kind, name) in _registered:
        return next(offer for offer in describe(kind) if offer.name == name)
    return sole(kind, name)


def names(kind: str) -> list[str]:
    """Return the names of a kind, sorted."""
    return sorted({offer.name for offer in describe(kind)})


def describe(kind: str) -> list[Offer]:
    """Return who offers what, sorted by name, without importing any of it."""
    _check_kind(kind)
    registered = [
        Offer(kind, name, REGISTERED, "", f"{cls.__module__}:{cls.__qualname__}")
        for (of, name), cls in _registered.items()
        if of == kind
    ]
    hidden = {offer.name for offer in registered}
    found = [offer for offer in offers(kind) if offer.name not in hidden]
    return sorted(registered + found, key=lambda offer: (offer.name, offer.distribution))


def register(kind: str, name: str, cls: type, *, override: bool = False) -> type:
    """Offer a class under a name for as long as the program runs, and return it; for notebooks and tests."""
    _check(interface(kind), cls, f"{kind} {name!r}")
    if not override and name in names(kind):
        raise ComponentError(
            f"There is a {kind} {name!r} already. Choose another name, or put this one in its place "
            "with override=True"
        )
    _registered[kind, name] = cls
    return cls


def offers(kind: str) -> list[Offer]:
    """Return what installed distributions offer; with NVCZOO_PLUGIN_AUTOLOAD=0 only what nvczoo does."""
    alone = os.environ.get(AUTOLOAD) == "0"
    return [one for one in _installed() if one.kind == kind and (one.distribution == OWN or not alone)]


def sole(kind: str, name: str) -> Offer:
    """Return the one offer of a name; raises UnknownComponent if there is none, ComponentError if several.

    ``distribution:name`` chooses among several.
    """
    wanted, _, bare = name.rpartition(":")
    matching = [offer for offer in offers(kind) if offer.name == bare]
    found = [offer for offer in matching if wanted in ("", offer.distribution)]
    if not found:
        others = [f"{offer.distribution}:{offer.name}" for offer in matching]
        known = others or (names(kind) if kind in KINDS else sorted({offer.name for offer in offers(kind)}))
        raise UnknownComponent(f"There is no {kind} {name!r}. {suggest(name, known)}")
    if len(found) > 1:
        origins = " and ".join(offer.origin for offer in found)
        chosen = " or ".join(repr(f"{offer.distribution}:{offer.name}") for offer in found)
        raise ComponentError(
            f"The {kind} {name!r} is offered by {origins}. Write {chosen} to choose, uninstall all but one "
            f"of them, or set {AUTOLOAD}=0 to use those of nvczoo alone"
        )
    return found[0]


def suggest(given: str, known: Iterable[str]) -> str:
    """Return a sentence with the nearest of the known names, if one is near, and all of them."""
    known = list(known)
    nearest = difflib.get_close_matches(given, known, n=1)
    listed = f"Known: {', '.join(known) or 'none'}"
    return f"Did you mean {nearest[0]!r}? {listed}" if nearest else listed


def _check_kind(kind: str) -> None:
    if kind not in KINDS:
        raise UnknownComponent(f"There is no kind of part {kind!r}. {suggest(kind, KINDS)}")


def _check(needed: type, found: object, what: str) -> type[Any]:
    if not isinstance(found, type) or not issubclass(found, needed):
        raise BrokenComponent(
            f"The {what} is {found!r}; it must be a class derived from nvczoo.interfaces.{needed.__name__}"
        )
    if inspect.isabstract(found):
        missing = ", ".join(sorted(found.__abstractmethods__))
        raise BrokenComponent(f"The {what} leaves out what {needed.__name__} asks for: {missing}")
    return found


def _load(offer: Offer) -> object:
    entry = importlib.metadata.EntryPoint(offer.name, offer.value, GROUP + offer.kind)
    try:
        return entry.load()
    except Exception as error:  # a plugin may fail in any way
        raise BrokenComponent(
            f"The {offer.kind} {offer.name!r} of {offer.origin} ({offer.value}) cannot be loaded: "
            f"{type(error).__name__}: {error}. Reinstall {offer.distribution}, or ask those who make it"
        ) from error


@functools.cache
def _installed() -> tuple[Offer, ...]:
    """Return what is offered under any kind, by the first distribution of each name on the path."""
    found: dict[str, list[Offer]] = {}
    for distribution in importlib.metadata.distributions():
        try:
            version = distribution.version
            name = re.sub(r"[-_.]+", "-", distribution.metadata["Name"]).lower()
            entries = [entry for entry in distribution.entry_points if entry.group.startswith(GROUP)]
        except Exception:  # metadata that cannot be read offers nothing, and harms nobody
            continue
        offered = [
            Offer(entry.group.removeprefix(GROUP), entry.name, name, version, entry.value)
            for entry in entries
        ]
        found.setdefault(name, offered)
    return tuple(offer for offered in found.values() for offer in offered)
