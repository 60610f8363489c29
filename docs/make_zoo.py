"""Make the tables of ``docs/zoo.md`` from the cards, ``pyproject.toml`` and the docstrings of parts.

    python docs/make_zoo.py

Sizes are those of ``docs/models.json``. A test fails where the page is not what this makes of it.
"""

import ast
import json
import re
import tomllib
from pathlib import Path

from nvczoo.cards import ModelCard

DOCS = Path(__file__).parent
ROOT = DOCS.parent
PAGE = DOCS / "zoo.md"
BEGIN, END = "<!-- made by docs/make_zoo.py -->\n", "<!-- end -->\n"
GROUP = "nvczoo."
CARDS = "cards"
MILLION = 1e6
ADDRESS = re.compile(r"https?://[^\s,;]+")
ARXIV = re.compile(r"arXiv[ :](\d{4}\.\d{5})")


def page(text: str) -> str:
    """Return the page with its tables anew."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + "\n" + tables() + "\n" + END + rest.split(END)[1]


def tables() -> str:
    """Return the table of models, and one of parts for each kind."""
    cards = [ModelCard.read(path) for path in sorted((ROOT / "registry").glob("*.toml"))]
    sizes = json.loads((DOCS / "models.json").read_text())["counts"]
    heads = ["model", "what it is", "parameters, M", "weights", "licence of the weights", "paper"]
    text = [
        "## Models\n",
        _table(heads, [_model(card, sizes.get(card.name, {})) for card in cards]),
        "## Parts\n",
    ]
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    for group, offers in groups.items():
        kind = group.removeprefix(GROUP)
        if kind != CARDS:
            rows = [[f"`{name}`", _about(value)] for name, value in sorted(offers.items())]
            text.append(f"### {kind}\n\n{_table(['name', 'what it is'], rows)}")
    return "\n".join(text)


def _model(card: ModelCard, sizes: dict[str, list[float]]) -> list[str]:
    size = f"{sum(one[0] for one in sizes.values()) / MILLION:.2f}" if sizes else "-"
    return [f"`{card.name}`", card.summary, size, *map(_linked, _weights(card)), _linked(card.paper or "-")]


def _weights(card: ModelCard) -> tuple[str, str]:
    """Return where weights are, and under which licence."""
    if card.weights is not None:
        size = "" if card.weights.size is None else f", {card.weights.size / MILLION:.1f} MB"
        where = "in the package" if card.weights.file else f"`hf-hub:{card.weights.repository}`"
        return f"{where}{size}", card.licence
    if not card.published:
        return "none yet", "-"
    files = dict.fromkeys(card.published[place] for place in ("intra", "inter") if place in card.published)
    return f"[import](import.md) {' and '.join(files)} of {card.published['source']}", card.published[
        "licence"
    ]


def _linked(text: str) -> str:
    """Return the text with its addresses and arXiv numbers as links."""
    return ARXIV.sub(r"[\g<0>](https://arxiv.org/abs/\1)", ADDRESS.sub(r"<\g<0>>", text))


def _about(value: str) -> str:
    """Return the first line of a class's docstring, read without importing it."""
    module, _, name = value.partition(":")
    path = ROOT.joinpath(*module.removeprefix("nvczoo.").split(".")).with_suffix(".py")
    path = path if path.is_file() else ROOT.joinpath(*module.split(".")).with_suffix(".py")
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return (ast.get_docstring(node) or "-").splitlines()[0]
        if isinstance(node, ast.ImportFrom) and node.module and name in [one.name for one in node.names]:
            return _about(f"{node.module}:{name}")
    raise ValueError(f"{path} has no class {name}")


def _table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
