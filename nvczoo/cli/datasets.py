"""``nvczoo datasets``: the lists of sequences that ship with nvczoo, and whether one's files are right."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from nvczoo.columns import columns
from nvczoo.errors import SettingError

SUMMARY = "list datasets, or check a folder against them: names, lengths, hashes"
EXAMPLE = "nvczoo datasets check sequences/ hevc-b uvg"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the verb takes."""
    parser.add_argument("action", nargs="?", choices=("list", "check"), default="list")
    parser.add_argument("folder", nargs="?", type=Path, help="where the videos are")
    parser.add_argument(
        "names", nargs="*", help="datasets by name or TOML file (default: all of which a file is there)"
    )


def run(arguments: argparse.Namespace) -> int:
    """List or check; fails if a file that is there is not what it should be, or a named one is missing."""
    from nvczoo.evaluate import datasets

    if arguments.action == "list":
        found = [datasets.find(name) for name in datasets.names()]
        rows = [(one.name, len(one.sequences), one.summary, one.licence) for one in found]
        print(columns([("dataset", "videos", "what it is", "licence"), *rows], right=(1,)))
        return 0
    if arguments.folder is None or not arguments.folder.is_dir():
        raise SettingError(f"{arguments.folder} is no folder: write nvczoo datasets check FOLDER")
    return _check(arguments.folder, arguments.names)


def _check(folder: Path, names: Sequence[str]) -> int:
    from nvczoo.evaluate import datasets

    chosen = [datasets.find(name, folder) for name in names or datasets.names()]
    if not names:
        chosen = [one for one in chosen if any(sequence.path.is_file() for sequence in one.sequences)]
    if not chosen:
        raise SettingError(f"No file of any dataset is in {folder}; known are {', '.join(datasets.names())}")
    findings = [(one.name, finding) for one in chosen for finding in datasets.check(one)]
    rows = [(name, found.sequence.name, found.state, found.detail) for name, found in findings]
    print(columns([("dataset", "sequence", "state", "because"), *rows]))
    bad = sum(not found.usable for _, found in findings)
    if bad:
        raise SettingError(f"{bad} of {len(findings)} files are missing or wrong")
    return 0
