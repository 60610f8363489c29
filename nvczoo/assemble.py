"""Builds a part and, recursively, the parts that its constructor asks for.

A constructor's argument that is annotated with an interface is a part, and its name is the name to
swap it by. A part is given as a name, as a table ``{"name": ..., **options}`` whose name may also be
a class, as a class, or as an object that is used as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nvczoo import components
from nvczoo.errors import ComponentError, NvczooError
from nvczoo.signatures import Argument, arguments, fitted, title

_ABSENT = object()


def build(kind: str, value: Any, inherited: Mapping[str, Any] | None = None) -> Any:
    """Return the part of this kind that ``value`` says; raises ComponentError for what does not fit.

    ``inherited`` holds objects by name, for nested parts that their tables leave out.
    """
    return _build(kind, value, kind, _Level(built=dict(inherited or {})))


def build_all(values: Mapping[str, Any], kinds: Mapping[str, str]) -> dict[str, Any]:
    """Return all parts by their path, such as ``inter.motion_estimator``.

    ``values`` and ``kinds`` are those of the top level, from which the nested parts take what their
    tables leave out.
    """
    level = _Level({name: (kinds[name], value) for name, value in values.items()})
    for name in values:
        level.part(name)
    return level.record


def part_class(kind: str, value: Any) -> type:
    """Return the class behind a name, a table or a class, or that of an object; raises ComponentError."""
    interface = components.interface(kind)
    if isinstance(value, Mapping):
        if "name" not in value:
            raise ComponentError(
                f"The {kind} {dict(value)} does not say its 'name'. "
                f"Known: {', '.join(components.names(kind))}"
            )
        value = value["name"]
    if isinstance(value, str):
        return components.find(kind, value)
    cls = value if isinstance(value, type) else type(value)
    if not issubclass(cls, interface):
        raise ComponentError(
            f"{value!r} is no {kind}: give one of {', '.join(components.names(kind))}, a table with its "
            f"name, or a class or object derived from nvczoo.interfaces.{interface.__name__}"
        )
    return cls


def is_object(value: Any) -> bool:
    """Return whether a part is given as an object, not as something to build it from."""
    return not isinstance(value, str | Mapping | type)


def options_of(value: Any) -> dict[str, Any]:
    """Return the options that come with a part's name; none with an object, which has them in itself."""
    return {key: one for key, one in value.items() if key != "name"} if isinstance(value, Mapping) else {}


@dataclass
class _Level:
    """The parts of one constructor, or of the top, by name; each is built once, when first asked for."""

    wanted: Mapping[str, tuple[str, Any]] = field(default_factory=dict)  # kind and value
    above: _Level | None = None
    path: str = ""  # put before the names
    record: dict[str, Any] = field(default_factory=dict)  # of all levels, by path
    built: dict[str, Any] = field(default_factory=dict)
    under_way: set[str] = field(default_factory=set)

    def part(self, name: str) -> Any:
        """Return a part of this level or, if it has none of that name, of one above; else ``_ABSENT``.

        A part under way is not there: a part that wants one of its own name gets it from further up.
        """
        if name in self.wanted and name not in self.built and name not in self.under_way:
            self.under_way.add(name)
            kind, value = self.wanted[name]
            self.built[name] = self.record[self.path + name] = _build(kind, value, self.path + name, self)
        if name in self.built:
            return self.built[name]
        return _ABSENT if self.above is None else self.above.part(name)


def _build(kind: str, value: Any, path: str, above: _Level) -> Any:
    cls = part_class(kind, value)
    if is_object(value):
        return value
    known, options = arguments(cls), options_of(value)
    for name in options:
        if name not in known:
            raise ComponentError(
                f"{path}: {title(cls)} has no option {name!r}. {components.suggest(name, known)}"
            )
    nested = {
        name: (argument.kind, options[name])
        for name, argument in known.items()
        if argument.kind is not None and options.get(name) is not None
    }
    level = _Level(nested, above, f"{path}.", above.record)
    given = {}
    for argument in known.values():
        chosen = _chosen(argument, options, level, f"{path}: {title(cls)}")
        if chosen is not _ABSENT:
            given[argument.name] = chosen
    try:
        return cls(**given)
    except NvczooError:
        raise
    except Exception as error:  # constructors are code of others
        raise ComponentError(
            f"{path}: {title(cls)} cannot be built with {options}: {type(error).__name__}: {error}"
        ) from error


def _chosen(argument: Argument, options: Mapping[str, Any], level: _Level, where: str) -> Any:
    """Return what an argument is called with; ``_ABSENT`` leaves it to its default."""
    name, kind = argument.name, argument.kind
    if kind is None:
        found = fitted(options[name], argument.annotation, f"{where}: {name}") if name in options else _ABSENT
    elif options.get(name, _ABSENT) is None and isinstance(None, argument.annotation):
        found = None  # said to be none, which is more than left out
    else:
        found = level.part(name)
        if found is not _ABSENT and not isinstance(found, components.interface(kind)):
            raise ComponentError(
                f"{where} wants a {kind} as {name!r}; the level above has {title(type(found))}"
            )
    if found is _ABSENT and argument.required:
        what = f"{kind} {name!r}, and no level above has one" if kind else f"option {name!r}"
        raise ComponentError(f"{where} needs the {what}. Give {name}= in its table")
    return found
