"""Who may import whom: the rooms of the house, enforced by reading the imports."""

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TESTS = Path(__file__).parent
SHARED = ("nvczoo.interfaces", "nvczoo.layers", "nvczoo.entropy", "nvczoo.errors")
CODER = "nvczoo._coder"  # the binding of csrc

# What of nvczoo each room may import. Pictures and what describes them are of ``video``; all that
# codes them is above it.
ROOMS = {
    "nvczoo/errors.py": (),
    "nvczoo/columns.py": (),
    "nvczoo/interfaces": ("nvczoo.interfaces",),
    "nvczoo/layers": SHARED,
    "nvczoo/entropy": (*SHARED, CODER),
    "nvczoo/portable": (*SHARED, CODER, "nvczoo.portable"),
    "nvczoo/video": (*SHARED, CODER, "nvczoo.video"),
    "nvczoo/codec": (*SHARED, CODER, "nvczoo.columns", "nvczoo.portable", "nvczoo.video", "nvczoo.codec"),
    "nvczoo/evaluate": ("nvczoo",),
    "nvczoo/train": ("nvczoo",),
    "nvczoo/testing": ("nvczoo",),
    "nvczoo/cli": ("nvczoo",),
    "nvczoo/__main__.py": ("nvczoo",),  # stands where Python looks for it, and belongs to cli
    "nvczoo": ("nvczoo",),
    "plugins": (*SHARED, "nvczoo.codec.memory", "nvczoo.video.colour", "nvczoo.video.distortion"),
    "registry": (),
}
APPLICATIONS = ("nvczoo.evaluate", "nvczoo.train", "nvczoo.testing", "nvczoo.cli")
PLUGINS = ("nvczoo.plugins", "plugins")


def room_of(path: Path) -> str:
    relative = path.relative_to(ROOT).as_posix()
    return next(room for room in ROOMS if relative == room or relative.startswith(f"{room}/"))


def files() -> list[Path]:
    return sorted(path for room in ("nvczoo", "plugins", "registry") for path in (ROOT / room).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    """Yield the full names of the modules a file imports, relative ones resolved; names stay with theirs."""
    package = ".".join(path.relative_to(ROOT).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package.split(".")[: 1 - node.level or None]) if node.level else ""
            module = ".".join(filter(None, (base, node.module)))
            if module in ("nvczoo", "nvczoo.codec"):  # of these, what matters is which module of theirs
                yield from (f"{module}.{alias.name}" for alias in node.names)
            else:
                yield module


def within(name: str, roots: tuple[str, ...]) -> bool:
    return any(name == root or name.startswith(f"{root}.") for root in roots)


@pytest.mark.parametrize("path", files(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_room_imports_only_what_it_may(path: Path) -> None:
    room = room_of(path)
    family = ".".join(path.relative_to(ROOT).parts[:2])
    for name in imports(path):
        if room == "plugins" and within(name, PLUGINS):
            assert within(name, (family,)), f"{name} belongs to another family; take it as an argument"
        elif within(name, ("nvczoo",)):
            assert not within(name, PLUGINS), f"{name} is a plugin; nvczoo/ must not know it"
            assert within(name, ROOMS[room]), f"{name} is not for {room}; it may import {ROOMS[room]}"
            assert room != "nvczoo" or not within(name, APPLICATIONS), f"{name} is an application"


@pytest.mark.parametrize("path", files(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_plugins_import_their_own_family_relatively(path: Path) -> None:
    if room_of(path) == "plugins":
        source = path.read_text(encoding="utf-8")
        assert "nvczoo.plugins" not in source, "write relative imports, so that the family can move"


def test_interfaces_import_nothing_but_the_standard_library_torch_and_numpy() -> None:
    for path in (ROOT / "nvczoo" / "interfaces").glob("*.py"):
        for name in imports(path):
            root = name.split(".")[0]
            assert root in {*sys.stdlib_module_names, "torch", "numpy", "nvczoo"}, (
                f"{path.name} imports {name}"
            )


def test_the_binding_knows_nothing_of_torch() -> None:
    sources = [path for path in (ROOT / "csrc").rglob("*") if path.suffix in (".cpp", ".h", ".hpp", ".cc")]
    assert sources
    for path in sources:
        text = path.read_text(encoding="utf-8")
        assert "<torch" not in text, f"{path} includes torch"
        if "python" not in path.relative_to(ROOT).parts:
            assert "pybind11" not in text, f"{path} includes Python"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from ..priors import four_part", "plugins.priors"),
        ("from . import steps", "plugins.ev_nvc"),
        ("from .steps import X", "plugins.ev_nvc.steps"),
        ("import nvczoo.plugins.priors.factorized", "nvczoo.plugins.priors.factorized"),
        ("from nvczoo import plugins", "nvczoo.plugins"),
        ("from nvczoo.codec import memory", "nvczoo.codec.memory"),
        ("def f():\n    import torch.nn", "torch.nn"),
    ],
)
def test_imports_are_read_in_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, expected: str
) -> None:
    path = tmp_path / "plugins" / "ev_nvc" / "codec.py"
    path.parent.mkdir(parents=True)
    path.write_text(source)
    monkeypatch.setattr("test_rooms.ROOT", tmp_path)
    assert list(imports(path)) == [expected]


class Nameless(ast.NodeTransformer):
    """Numbers the names of variables and arguments, in the order they are met; drops annotations."""

    def __init__(self) -> None:
        self.numbers: dict[str, str] = {}

    def visit_Name(self, node: ast.Name) -> ast.Name:
        node.id = self.numbers.setdefault(node.id, f"v{len(self.numbers)}")
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.arg, node.annotation = self.numbers.setdefault(node.arg, f"v{len(self.numbers)}"), None
        return node


def bare(function: ast.FunctionDef) -> str:
    """Return the text of a function without its name, docstring, annotations and names of variables."""
    function.name, function.returns, function.decorator_list = "f", None, []
    if ast.get_docstring(function) is not None:
        function.body = function.body[1:] or [ast.Pass()]
    return ast.unparse(Nameless().visit(function))


def test_no_function_stands_in_two_folders_of_plugins() -> None:
    found: dict[str, set[str]] = {}
    for path in (ROOT / "plugins").rglob("*.py"):
        folder = path.relative_to(ROOT / "plugins").parts[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                found.setdefault(bare(node), set()).add(folder)
    twice = {text: folders for text, folders in found.items() if len(folders) > 1}
    assert not twice, "what two families need is in nvczoo/layers: see docs/decisions/0005"


def test_functions_are_compared_without_their_names() -> None:
    first, second, other = (
        ast.parse(text).body[0]
        for text in (
            "def f(a: int) -> int:\n    'Say.'\n    return a + 1",
            "def g(b):\n    return b + 1",
            "def g(b):\n    return b + 2",
        )
    )
    assert isinstance(first, ast.FunctionDef)
    assert isinstance(second, ast.FunctionDef)
    assert isinstance(other, ast.FunctionDef)
    assert bare(first) == bare(second) != bare(other)


def test_test_files_have_names_of_their_own() -> None:
    # pytest tells them apart by the name alone: of two alike the second is not collected.
    names = Counter(path.name for path in TESTS.rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []
