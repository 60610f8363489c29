"""What lies in a folder to train on: videos, photographs, sequences of pictures, Vimeo-90k."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from nvczoo.errors import SettingError, ShapeError
from nvczoo.train.clips import Clip, decode_clip, picture_clip

VIDEOS = {".mp4", ".mkv", ".mov", ".webm", ".avi", ".y4m", ".m4v"}
PICTURES = {".jpg", ".jpeg", ".png"}
SEPTUPLETS = "sep_trainlist.txt"  # of Vimeo-90k: what may be trained on, one "00001/0001" a line
NUMBERED = re.compile(r"(.*?)(\d+)$")
DECODERS = 4  # files at a time; FFmpeg works outside the interpreter's lock
HELD_OUT = 20  # one source in so many is kept out of training
LEAST_TO_HOLD_OUT = 10  # sources; of fewer none is kept out


@dataclass(frozen=True)
class Found:
    """Files that make a clip."""

    name: str  # relative to the folder it was found in
    paths: tuple[Path, ...]
    in_place: bool = False  # many small ones: not worth a second copy

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(path.stat().st_size for path in self.paths)


@dataclass(frozen=True)
class Data:
    """Clips to train on and clips to look at, and a digest of which these are."""

    train: tuple[Clip, ...]
    held_out: tuple[Clip, ...]
    files: tuple[tuple[str, int], ...]  # name and bytes of each clip's files

    @property
    def digest(self) -> str:
        """SHA-256 over the names and sizes of all files."""
        return hashlib.sha256(repr(self.files).encode()).hexdigest()


def load_data(folders: Iterable[Path], cache: Path, exclude: Sequence[str] = ()) -> Data:
    """Return all clips below ``folders``, decoded into ``cache``; raises SettingError where there are none.

    A file whose name contains one of ``exclude`` is left out. Of ten sources or more, one in twenty is kept
    out of training; clips cut from one video, told by numbers at the end of their names, stay together.
    """
    folders = [Path(folder) for folder in folders]
    for folder in folders:
        if not folder.is_dir():
            raise SettingError(f"{folder} is no folder: name folders of videos and pictures")
    found = [
        one for folder in folders for one in find(folder) if not any(word in one.name for word in exclude)
    ]
    if not found:
        raise SettingError(f"There is nothing to train on in {', '.join(map(str, folders))}")
    with ThreadPoolExecutor(DECODERS) as pool:
        opened = pool.map(lambda one: _open(one, cache), found)
        clips = [clip for some in tqdm(opened, "clips", len(found), disable=None) for clip in some]
    kept = [clip for clip in clips if not is_held_out(clip.name)]
    held = [clip for clip in clips if is_held_out(clip.name)]
    if len({source_of(clip.name) for clip in clips}) < LEAST_TO_HOLD_OUT or not kept:
        kept, held = clips, []
    return Data(tuple(kept), tuple(held), tuple((one.name, one.size) for one in found))


def find(folder: Path) -> list[Found]:
    """Return what makes a clip each, sorted by name."""
    lists = sorted(folder.rglob(SEPTUPLETS))
    found = [one for path in lists for one in _septuplets(path, folder)]
    vimeo = [path.parent / "sequences" for path in lists]
    pictures: dict[tuple[Path, str, str], dict[int, Path]] = defaultdict(dict)
    for path in sorted(folder.rglob("*")):
        if any(path.is_relative_to(one) for one in vimeo):
            continue
        suffix, numbered = path.suffix.lower(), NUMBERED.match(path.stem)
        if suffix in PICTURES and numbered:
            pictures[path.parent, numbered[1], suffix][int(numbered[2])] = path
        elif suffix in VIDEOS | PICTURES:
            found.append(Found(_name(path, folder), (path,)))
    for group in pictures.values():
        found += [Found(_name(run[0], folder), run) for run in _runs(group)]
    return sorted(found, key=lambda one: one.name)


def source_of(name: str) -> str:
    """Return what a clip was cut from: a video's name without a number at the end."""
    if Path(name).suffix.lower() in PICTURES:
        return name
    return re.sub(r"[-_. ]*\d+$", "", str(Path(name).with_suffix(""))) or name


def is_held_out(name: str) -> bool:
    """Return whether a clip is kept out of training: by its source's name, so that it is so in every run."""
    return int(hashlib.sha256(source_of(name).encode()).hexdigest(), 16) % HELD_OUT == 0


def _open(found: Found, cache: Path) -> list[Clip]:
    """Return the clip; pictures of more than one size are no sequence, but photographs with numbers."""
    if found.in_place:
        return [picture_clip(found.paths, found.name)]
    try:
        return [decode_clip(found.paths, found.name, cache)]
    except ShapeError:
        if len(found.paths) == 1:
            raise
        return [decode_clip((path,), path.name, cache) for path in found.paths]


def _septuplets(path: Path, folder: Path) -> list[Found]:
    lines = [line.strip() for line in path.read_text().splitlines() if line.strip()]
    places = [path.parent / "sequences" / line for line in lines]
    return [
        Found(_name(place, folder), tuple(place / f"im{number}.png" for number in range(1, 8)), in_place=True)
        for place in places
        if place.is_dir()
    ]


def _runs(group: dict[int, Path]) -> list[tuple[Path, ...]]:
    """Return the pictures of each unbroken run of numbers, in order.

    Photographs with numbers look the same, but between any two of them there is a cut or another size.
    """
    runs: list[list[Path]] = []
    last = None
    for number in sorted(group):
        if last is None or number != last + 1:
            runs.append([])
        runs[-1].append(group[number])
        last = number
    return [tuple(run) for run in runs]


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()
