"""Datasets as lists: which sequences, their form, hashes and licence. The videos are never shipped."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

from nvczoo.components import suggest
from nvczoo.errors import SettingError
from nvczoo.evaluate.sequences import Sequence, sha256_of
from nvczoo.video.reader import parse_rate

TEXTS = ("name", "summary", "licence", "source")
KEYS = {*TEXTS, "root", "sequence"}
SEQUENCE_KEYS = {"name", "file", "group", "size", "rate", "pixel_format", "frames", "sha256"}
MAX_TOML_BYTES = 1 << 20
SIZE = re.compile(r"(\d{1,5})x(\d{1,5})")
SHA256 = re.compile(r"[0-9a-f]{64}")
# Bytes of a picture over those of its luma, by pixel format: what a raw file's length is checked by.
BYTES_PER_LUMA = {"yuv420p": 1.5, "yuvj420p": 1.5, "yuv420p10le": 3.0, "yuv444p": 3.0, "yuv444p10le": 6.0}


@dataclass(frozen=True)
class Dataset:
    """Sequences that are measured and averaged together."""

    name: str
    summary: str
    licence: str
    source: str  # where the videos can be had
    sequences: tuple[Sequence, ...]

    @classmethod
    def read(cls, path: Path, folder: Path | None = None) -> Dataset:
        """Return the dataset in a TOML file; its files are in ``folder``, or where the file says.

        Raises SettingError.
        """
        try:
            if path.stat().st_size > MAX_TOML_BYTES:
                raise SettingError(f"{path} has more than {MAX_TOML_BYTES} bytes: it is no dataset")
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            if isinstance(error, SettingError):
                raise
            raise SettingError(f"{path} cannot be read as a dataset: {error}") from error
        _known(table, KEYS, str(path))
        rows = table.get("sequence")
        if not isinstance(rows, list) or not rows:
            raise SettingError(f"{path}: a dataset has at least one [[sequence]]")
        root = folder or path.parent / str(table.get("root", "."))
        sequences = tuple(_sequence(row, root, path) for row in rows)
        if len({one.name for one in sequences}) < len(sequences):
            raise SettingError(f"{path}: two sequences have one name, and could not be told apart")
        name, summary, licence, source = (str(table.get(key, "")) for key in TEXTS)
        return cls(name or path.stem, summary, licence, source, sequences)


@dataclass(frozen=True)
class Finding:
    """What is known of one file of a dataset after looking at it."""

    sequence: Sequence
    state: str  # "right", "not checked", "missing" or "wrong"
    detail: str

    @property
    def usable(self) -> bool:
        """Whether the file may be measured on."""
        return self.state in ("right", "not checked")


def names() -> list[str]:
    """Return the datasets whose lists ship with nvczoo."""
    files = (path.name for path in _shipped().iterdir())
    return sorted(file.removesuffix(".toml") for file in files if file.endswith(".toml"))


def find(name: str, folder: Path | None = None) -> Dataset:
    """Return a dataset by the name of its list or by a path to one; its videos are in ``folder``."""
    if name.endswith(".toml"):
        return Dataset.read(Path(name), folder)
    if name not in names():
        raise SettingError(f"There is no dataset {name!r}. {suggest(name, names())}. Or name a TOML file")
    with resources.as_file(_shipped() / f"{name}.toml") as path:
        return Dataset.read(path, folder or Path())


def check(dataset: Dataset) -> Iterator[Finding]:
    """Yield what is found of each sequence: whether it is there, and is what it should be."""
    for sequence in dataset.sequences:
        yield _found(sequence)


def _found(sequence: Sequence) -> Finding:
    if not sequence.path.is_file():
        return Finding(sequence, "missing", f"there is no {sequence.path}")
    expected, actual = _raw_bytes(sequence), sequence.path.stat().st_size
    if expected is not None and actual != expected:
        return Finding(sequence, "wrong", f"{actual} bytes, {expected} would be {sequence.frames} frames")
    found = sha256_of(sequence.path)
    if sequence.sha256 is None:
        length = "its length is right, its hash is not listed" if expected else "its hash is not listed"
        return Finding(sequence, "not checked", f"{length}; it is {found}")
    if found != sequence.sha256:
        return Finding(sequence, "wrong", f"SHA-256 {found}, it should be {sequence.sha256}")
    return Finding(sequence, "right", "SHA-256")


def _raw_bytes(sequence: Sequence) -> int | None:
    """Return the length that a raw file must have, if that is known."""
    factor = BYTES_PER_LUMA.get(sequence.pixel_format or "yuv420p")
    if sequence.size is None or sequence.frames is None or factor is None:
        return None
    return round(sequence.size[0] * sequence.size[1] * factor) * sequence.frames


def _shipped() -> Any:
    return resources.files("nvczoo.registry") / "datasets"


def _known(table: dict[str, Any], keys: set[str], place: str) -> None:
    for key in table.keys() - keys:
        raise SettingError(f"{place}: unknown key {key!r}. {suggest(key, sorted(keys))}")


def _sequence(row: dict[str, Any], root: Path, place: Path) -> Sequence:
    _known(row, SEQUENCE_KEYS, f"{place}, a sequence")
    file = row.get("file")
    if not isinstance(file, str) or not file:
        raise SettingError(f"{place}: a sequence has no 'file'")
    sequence = Sequence(str(row.get("name", Path(file).stem)), root / file, str(row.get("group", "")))
    for key in ("frames", "sha256", "pixel_format"):
        if key in row:
            sequence = replace(sequence, **{key: row[key]})
    if sequence.sha256 is not None and not SHA256.fullmatch(str(sequence.sha256)):
        raise SettingError(f"{place}: 'sha256' of {sequence.name} is no SHA-256: {sequence.sha256!r}")
    if sequence.frames is not None and (type(sequence.frames) is not int or sequence.frames < 1):
        raise SettingError(f"{place}: 'frames' of {sequence.name} is {sequence.frames!r}")
    if "size" not in row:
        return sequence
    found = SIZE.fullmatch(str(row["size"]))
    if found is None or "rate" not in row:
        raise SettingError(f'{place}: raw video such as {file!r} needs size = "1920x1080" and rate = "50"')
    parse_rate(str(row["rate"]))
    return replace(sequence, size=(int(found[1]), int(found[2])), rate=str(row["rate"]))
