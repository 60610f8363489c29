"""What one job found: a result, its conditions, and each frame. One JSON file per job."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from nvczoo.errors import SettingError
from nvczoo.evaluate.results import MAX_JSON_BYTES, Conditions, Result
from nvczoo.video.atomic import atomic_output

FORMAT = 1  # of the JSON; another number means that a field was removed or changed its meaning
KIND = "nvczoo evaluation"


@dataclass(frozen=True)
class FrameRecord:
    """A frame in display order; ``bits`` is None where the encoder does not tell."""

    bits: int | None
    intra: bool
    psnr_611: float
    psnr_y: float
    parts: Mapping[str, float] = field(default_factory=dict)  # estimated bits by part of the model


@dataclass(frozen=True)
class Record:
    """A finished job."""

    key: str  # of the job: the same question gives the same key
    sequence: str
    group: str
    identity: str  # of model and weights, or of the anchor's program
    proof: str  # how far the decoded pictures were checked
    conditions: Conditions
    result: Result
    frames: tuple[FrameRecord, ...]
    still: int | None = None  # the frame that pictures were kept of
    still_kinds: tuple[str, ...] = ()

    @property
    def bpp(self) -> float:
        """Bits per luma sample."""
        return self.conditions.bpp(self.result.size)

    @property
    def kbps(self) -> float:
        """Kbit/s."""
        return self.conditions.kbps(self.result.size)

    def to_json(self) -> str:
        """Return JSON that ``from_json`` reads, with rates worked out for other readers."""
        table = {"kind": KIND, "format": FORMAT, "bpp": self.bpp, "kbps": self.kbps} | asdict(self)
        return json.dumps(table, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str, place: str = "This") -> Record:
        """Return what ``to_json`` wrote; raises SettingError for anything else."""
        try:
            table: dict[str, Any] = json.loads(text)
            if table["kind"] != KIND or table["format"] != FORMAT:
                raise SettingError(f"{place} has format {table['format']!r}; this version reads {FORMAT}")
            conditions = dict(table["conditions"])
            conditions["versions"] = tuple((str(a), str(b)) for a, b in conditions["versions"])
            texts = {name: str(table[name]) for name in ("key", "sequence", "group", "identity", "proof")}
            return cls(
                **texts,
                conditions=Conditions(**conditions),
                result=Result(**table["result"]),
                frames=tuple(FrameRecord(**frame) for frame in table["frames"]),
                still=table["still"],
                still_kinds=tuple(map(str, table["still_kinds"])),
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            if isinstance(error, SettingError):
                raise
            raise SettingError(f"{place} is no JSON of a job: {error!r}") from error

    def save(self, path: Path) -> None:
        """Write the JSON, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_output(path, overwrite=True) as temporary:
            temporary.write_text(self.to_json(), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Record:
        """Return the job in a file; raises SettingError."""
        try:
            if path.stat().st_size > MAX_JSON_BYTES:
                raise SettingError(f"{str(path)!r} has more than {MAX_JSON_BYTES} bytes: it is no job")
            return cls.from_json(path.read_text(encoding="utf-8"), repr(str(path)))
        except (OSError, UnicodeDecodeError) as error:
            raise SettingError(f"{str(path)!r} cannot be read: {error}") from error
