"""What a constructor takes: its parts, its options, and values that fit their annotations."""

import functools
import inspect
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, Union

from nvczoo.components import KINDS, interface
from nvczoo.errors import BrokenComponent, ComponentError

UNIONS = (Union, types.UnionType)
UNNAMED = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD, inspect.Parameter.POSITIONAL_ONLY)


@dataclass(frozen=True)
class Argument:
    """An argument of a part's constructor."""

    name: str
    annotation: Any
    required: bool
    kind: str | None  # of the part it takes; None for a plain option


@functools.cache
def arguments(cls: type) -> Mapping[str, Argument]:
    """Return what a constructor takes by name; raises BrokenComponent if its annotations cannot be read."""
    try:
        hints = typing.get_type_hints(cls.__init__)
        parameters = inspect.signature(cls).parameters.values()
    except Exception as error:  # annotations are code of others
        raise BrokenComponent(
            f"The constructor of {title(cls)} cannot be read: {type(error).__name__}: {error}. Its "
            "annotations must name what its module imports"
        ) from error
    found = {}
    for one in parameters:
        if one.kind not in UNNAMED:
            annotation = hints.get(one.name, Any)
            found[one.name] = Argument(one.name, annotation, one.default is one.empty, _kind(annotation))
    return MappingProxyType(found)


def title(cls: type) -> str:
    """Return a class's full name, for messages."""
    return f"{cls.__module__}.{cls.__qualname__}"


def fitted(value: Any, annotation: Any, where: str) -> Any:
    """Return ``value`` as the annotation wants it: lists become tuples, integers real numbers.

    Raises ComponentError for numbers, texts, truth values and choices that do not fit; other
    annotations are the constructor's own business.
    """
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in UNIONS:
        return _fitted_to_one(value, inner, where)
    if origin is tuple and isinstance(value, list | tuple):
        repeated = len(inner) == 2 and inner[1] is Ellipsis
        each = (inner[0],) * len(value) if repeated else inner
        if len(each) != len(value):
            raise ComponentError(f"{where} is {value!r}; it must have {len(each)} values")
        return tuple(fitted(one, kind, where) for one, kind in zip(value, each, strict=True))
    if annotation is tuple and isinstance(value, list):
        return tuple(value)
    if annotation is float and type(value) is int:
        return float(value)
    if not _fits(value, annotation, origin, inner):
        raise ComponentError(f"{where} is {value!r}; it must be {_wording(annotation, origin, inner)}")
    return value


def _kind(annotation: Any) -> str | None:
    """Return the kind of part that an annotation asks for: an interface, possibly or None."""
    if typing.get_origin(annotation) in UNIONS:
        arms = [arm for arm in typing.get_args(annotation) if arm is not types.NoneType]
        annotation = arms[0] if len(arms) == 1 else Any
    return next((kind for kind in KINDS if annotation is interface(kind)), None)


def _fitted_to_one(value: Any, arms: tuple[Any, ...], where: str) -> Any:
    refusals = []
    for arm in arms:
        try:
            return fitted(value, arm, where)
        except ComponentError as error:
            refusals.append(error)
    raise refusals[0]


def _fits(value: Any, annotation: Any, origin: Any, inner: tuple[Any, ...]) -> bool:
    if origin is Literal:
        return value in inner
    if origin is tuple:
        return False
    if annotation in (int, float, str, bool, types.NoneType):
        return type(value) is annotation
    return True


def _wording(annotation: Any, origin: Any, inner: tuple[Any, ...]) -> str:
    if origin is Literal:
        return "one of " + ", ".join(map(repr, inner))
    if origin is tuple:
        return "a list"
    return {int: "an integer", float: "a number", str: "a text", bool: "true or false"}.get(
        annotation, "None"
    )
