"""The page of a model on the Hugging Face Hub: what it is, how to use it, what its figures mean."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nvczoo.cards import ModelCard

LIBRARY = "nvczoo"
TAGS = ("video-compression", "neural-video-codec")
# What the Hub knows by name; any other licence is "other", with its own name beside it.
# Source: https://huggingface.co/docs/hub/repositories-licenses
# fmt: off
LICENCES = (
    "apache-2.0", "mit", "bsd", "bsd-2-clause", "bsd-3-clause", "bsd-3-clause-clear", "cc0-1.0",
    "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0", "cc-by-nc-nd-4.0", "gpl-2.0",
    "gpl-3.0", "lgpl-2.1", "lgpl-3.0", "agpl-3.0", "mpl-2.0", "isc", "unlicense",
)
# fmt: on
METRICS = {"psnr": "psnr", "ms_ssim": "ms-ssim", "vmaf": "vmaf", "bpp": "bpp"}  # begins a column -> its tag
CONDITIONS = "conditions"  # of a table of results; without it, its figures are not shown
POINTS = "points"

USE = """\
## Use

```sh
pip install {packages}
```

```python
import nvczoo

codec = nvczoo.load("hf-hub:{repository}")
data = codec.encode("clip.mp4", q=32)  # q from 0 to 63: larger is better, and bigger
codec.decode(data).save("decoded.mkv")
```
"""
UNCONDITIONED = "*The card has figures without the conditions of their measurement; they are not shown.*\n"


def page(card: ModelCard, repository: str) -> str:
    """Return README.md, with the data that the Hub reads at its head."""
    packages = " ".join(dict.fromkeys([LIBRARY, *card.requires]))
    title = repository.rpartition("/")[2] if "/" in repository else card.name
    texts = [
        f"---\n{_data(card)}\n---\n",
        f"# {title}\n\n{card.summary}\n",
        USE.format(packages=packages, repository=repository),
        f"## Parts\n\n```json\n{json.dumps(card.parts, indent=2)}\n```\n",
        *_training(card),
        *_results(card),
        f"## Licence\n\n{card.licence}{f'. Method: {card.paper}' if card.paper else ''}\n",
    ]
    return "\n".join(texts)


def _data(card: ModelCard) -> str:
    from huggingface_hub import ModelCardData

    licence = card.licence.lower()
    known = licence in LICENCES
    datasets = card.training.get("datasets")  # names on the Hub; others stand in the text alone
    found = ModelCardData(
        library_name=LIBRARY,
        license=licence if known else "other",
        license_name=None if known else licence,
        tags=list(TAGS),
        datasets=list(datasets) if isinstance(datasets, list) else None,
        metrics=_metrics(card) or None,
    )
    return found.to_yaml()


def _metrics(card: ModelCard) -> list[str]:
    columns = {name for _, table in _measured(card) for point in table[POINTS] for name in point}
    return [tag for start, tag in METRICS.items() if any(name.startswith(start) for name in columns)]


def _measured(card: ModelCard) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the tables of results that say how they were measured."""
    for name, table in card.results.items():
        if isinstance(table, Mapping) and table.get(CONDITIONS) and isinstance(table.get(POINTS), Sequence):
            yield name, table


def _training(card: ModelCard) -> Iterator[str]:
    if card.training:
        yield "## Training\n\n" + _listed(card.training)


def _results(card: ModelCard) -> Iterator[str]:
    for name, table in _measured(card):
        yield f"## Results: {name}\n\n{_grid(table[POINTS])}\nConditions:\n\n{_listed(table[CONDITIONS])}"
    if len(card.results) > len(list(_measured(card))):
        yield UNCONDITIONED


def _grid(points: Sequence[Mapping[str, Any]]) -> str:
    columns = list(dict.fromkeys(name for point in points for name in point))
    rows = [
        columns,
        ["---"] * len(columns),
        *([_cell(one.get(name, "")) for name in columns] for one in points),
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _listed(table: object) -> str:
    if not isinstance(table, Mapping):
        return f"{_cell(table)}\n"
    return "".join(f"- {name}: {_cell(value)}\n" for name, value in table.items())


def _cell(value: object) -> str:
    """Return a value on one line, as the table of a page can hold it."""
    text = value if isinstance(value, str) else json.dumps(value)
    return " ".join(text.split()).replace("|", "\\|")
