"""Other parts in a model: where a name stands, what carries over, and what it does to the weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nvczoo import components
from nvczoo.assemble import is_object, options_of, part_class
from nvczoo.errors import ComponentError, UnknownComponent
from nvczoo.signatures import arguments, title

PLACES = {
    "gop": "gop_structure",
    "rate_sampler": "rate_sampler",
    "intra": "intra_codec",
    "inter": "inter_codec",
    "entropy_coder": "entropy_coder",
}
WEIGHTLESS = ("gop", "entropy_coder")
WEIGHTED = ("rate_sampler", "intra", "inter")  # in this order a shared tensor gets its name

Parts = Mapping[str, Any]  # by their place at the top level


@dataclass(frozen=True)
class Swap:
    """A part with weights of its own that stands where the card has another."""

    path: str  # such as "inter.motion_estimator"
    old: str
    new: str


def full_path(name: str, parts: Parts) -> str:
    """Return the path of a keyword: a place at the top, or an argument of the inter codec.

    A codec of single pictures has its intra codec in the inter codec's stead.
    """
    if name in PLACES:
        return name
    main = "inter" if "inter" in parts else "intra"
    known = arguments(part_class(PLACES[main], parts[main]))
    if name not in known:
        listed = dict.fromkeys((*PLACES, *known))
        raise UnknownComponent(
            f"This model has no part or option {name!r}. {components.suggest(name, listed)}. "
            f"Those of other parts are reached like parts={{'intra.{name}': ...}}"
        )
    return f"{main}.{name}"


def overridden(parts: Parts, path: str, value: Any) -> dict[str, Any]:
    """Return the parts with ``value`` at a path such as ``gop.long_term``; raises ComponentError.

    A part given by name, table or class keeps those options of the one it replaces that its
    constructor takes too; a table without a name changes options only.
    """
    place, *rest = path.split(".")
    if place not in PLACES:
        raise UnknownComponent(f"A model has no place {place!r}. {components.suggest(place, PLACES)}")
    return {**parts, place: _override(PLACES[place], parts.get(place), rest, value, place)}


def swap_at(old: Parts, new: Parts, path: str) -> Swap | None:
    """Return how the part at a path differs in its class, or None if it does not, or has no weights."""
    place, *rest = path.split(".")
    if place in WEIGHTLESS:
        return None
    kind, before, after = PLACES[place], old.get(place), new.get(place)
    for name in rest:
        argument = arguments(part_class(kind, after))[name]
        if argument.kind is None:
            return None
        kind, before, after = argument.kind, options_of(before).get(name), options_of(after)[name]
    unchanged = before is not None and not is_object(after) and _same_class(kind, before, after)
    return None if unchanged else Swap(path, _label(before), _label(after))


def _override(kind: str, old: Any, path: list[str], value: Any, where: str) -> Any:
    if not path:
        return _replaced(kind, old, value, where)
    if old is None or is_object(old):
        what = "is an object, whose parts cannot be swapped" if old is not None else "is not in the card"
        raise ComponentError(
            f"{where} {what}, so that {'.'.join(path)} cannot be reached. Give all of {where}"
        )
    name, *rest = path
    cls = part_class(kind, old)
    known = arguments(cls)
    if name not in known:
        raise UnknownComponent(
            f"{where} ({title(cls)}) has no part or option {name!r}. {components.suggest(name, known)}"
        )
    inner, options = known[name].kind, options_of(old)
    if inner is not None:
        value = _override(inner, options.get(name), rest, value, f"{where}.{name}")
    elif rest:
        raise ComponentError(f"{where}.{name} is a plain option of {title(cls)}; it has no {'.'.join(rest)}")
    return {"name": _name(old), **options, name: value}


def _replaced(kind: str, old: Any, new: Any, where: str) -> Any:
    if is_object(new):
        part_class(kind, new)  # checks it
        return new
    table = dict(new) if isinstance(new, Mapping) else {"name": new}
    if "name" not in table:
        if old is None or is_object(old):
            raise ComponentError(f"{where}: {table} does not say the 'name', and there is none to keep")
        table["name"] = _name(old)
    known = arguments(part_class(kind, table))
    return {"name": table["name"]} | {k: v for k, v in options_of(old).items() if k in known} | table


def _name(value: Any) -> str | type:
    return value["name"] if isinstance(value, Mapping) else value


def _same_class(kind: str, one: Any, other: Any) -> bool:
    return not is_object(one) and part_class(kind, one) is part_class(kind, other)


def _label(value: Any) -> str:
    if value is None:
        return "what is shared"
    name = type(value) if is_object(value) else _name(value)
    return title(name) if isinstance(name, type) else name
