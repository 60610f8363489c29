"""What can be said about a part without importing it: is its file there, sound, and the class in it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path

from nvczoo import components
from nvczoo.components import Offer


def fault(offer: Offer, all_offers: Iterable[Offer] = ()) -> str:
    """Return why a part cannot be used, "" if nothing speaks against it; its code is read, not run.

    What only shows when its module runs is found by ``nvczoo parts --load``.
    """
    rivals = {one.distribution for one in all_offers if (one.kind, one.name) == (offer.kind, offer.name)}
    if len(rivals) > 1:
        others = " and ".join(sorted(rivals - {offer.distribution}))
        return f"also offered by {others}: write {offer.distribution}:{offer.name}"
    if offer.distribution == components.REGISTERED:
        return ""
    module, _, name = offer.value.partition(":")
    try:
        return _fault_of(module.strip(), name.split("[")[0].strip())
    except Exception as error:  # code of others, and finders of others
        return f"{type(error).__name__}: {error}"


def _fault_of(module: str, name: str) -> str:
    spec = _spec(module) if module else None
    if spec is None:
        return f"there is no module {module}"
    file = spec.origin or ""
    if not name or not file.endswith(".py"):  # an extension module: only importing tells
        return ""
    try:
        tree = ast.parse(Path(file).read_bytes())
    except SyntaxError as error:
        return f"line {error.lineno} of {module} is no Python: {error.msg}"
    return "" if _may_define(tree, name.split(".")[0]) else f"{module} has no {name}"


def _spec(module: str) -> ModuleSpec | None:
    """Return where a module is, by asking for its packages from the top; none of them is imported."""
    spec, path = None, None
    words = module.split(".")
    for count in range(1, len(words) + 1):
        spec = _found(".".join(words[:count]), path)
        if spec is None:
            return None
        path = list(spec.submodule_search_locations or ())
    return spec


def _found(module: str, path: Sequence[str] | None) -> ModuleSpec | None:
    found = (finder.find_spec(module, path) for finder in sys.meta_path if hasattr(finder, "find_spec"))
    return next((spec for spec in found if spec is not None), None)


def _may_define(tree: ast.Module, name: str) -> bool:
    """Return whether a module may have the name: defined, assigned or imported anywhere in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name in (name, "__getattr__"):
            return True
        if isinstance(node, ast.alias) and (node.asname or node.name) in (name, "*"):
            return True
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id == name:
            return True
    return False
