"""Writes the files of a new package from the templates beside this module."""

import os
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from nvczoo import __version__
from nvczoo.errors import SettingError
from nvczoo.plugin_kit.names import CODEC, Names

TEMPLATES = files("nvczoo.plugin_kit") / "templates"
SUFFIX = ".txt"  # so that no tool takes a template for code


def new_plugin(name: str, kind: str, parent: str | os.PathLike[str] = ".") -> Path:
    """Write the package ``nvczoo-NAME`` with a part of this kind into a new folder, and return that.

    ``kind`` is one of those of ``nvczoo parts``, or "codec" for a whole codec with a model. What is written
    installs, works and passes its tests as it is. Raises SettingError.
    """
    names = Names(name, kind)
    folder = Path(parent) / names.distribution
    if not folder.parent.is_dir():
        raise SettingError(f"The folder {str(folder.parent)!r} does not exist; make it first")
    if folder.exists():
        raise SettingError(f"{str(folder)!r} exists already: choose another name, or delete it")
    values = names.placeholders | {"version": __version__, "entry_points": _entry_points(names)}
    values["usage"] = _filled(_part(names, "usage.md"), values).rstrip()
    for path, template in _templates(names):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_filled(template, values), encoding="utf-8")
    return folder


def _templates(names: Names) -> Iterator[tuple[str, Traversable]]:
    """Yield where each file goes in the package, and its template."""
    common = TEMPLATES / "common"
    yield "pyproject.toml", common / "pyproject.toml.txt"
    yield "README.md", common / "README.md.txt"
    yield "LICENSE", common / "LICENSE.txt"
    yield ".gitignore", common / "gitignore.txt"
    yield ".github/workflows/tests.yml", common / "tests.yml.txt"
    yield f"src/{names.module}/__init__.py", _part(names, "part.py")
    yield f"src/{names.module}/py.typed", common / "empty.txt"
    yield f"tests/test_{names.name.replace('-', '_')}.py", _part(names, "test.py")
    if names.kind == CODEC:
        yield f"src/{names.module}/cards/__init__.py", _part(names, "cards.py")
        yield f"src/{names.module}/cards/{names.name}.toml", _part(names, "card.toml")


def _part(names: Names, file: str) -> Traversable:
    return TEMPLATES / "parts" / names.kind / (file + SUFFIX)


def _filled(template: Traversable, values: dict[str, str]) -> str:
    return Template(template.read_text(encoding="utf-8")).substitute(values)


def _entry_points(names: Names) -> str:
    """Return the lines of pyproject.toml that offer the package's parts and models."""
    if names.kind != CODEC:
        return _group(names.kind, names.name, f"{names.module}:{names.class_name}")
    groups = (
        _group("intra_codec", f"{names.name}-intra", f"{names.module}:{names.class_name}Intra"),
        _group("inter_codec", names.name, f"{names.module}:{names.class_name}"),
        _group("cards", names.name, f"{names.module}.cards"),
    )
    return "\n\n".join(groups)


def _group(kind: str, name: str, value: str) -> str:
    return f'[project.entry-points."nvczoo.{kind}"]\n{name} = "{value}"'
