"""Weights as files: a header that says what they are for, and several files where they are large."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import safetensors
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from nvczoo.errors import NewerFormat, WeightsError
from nvczoo.weights import stored

MAX_SHARD_BYTES = 2_000_000_000  # more goes into several files: what file systems and proxies cope with
FORMAT_VERSION = 1  # of the header; another number means that what an older nvczoo reads changed its meaning
NAMES = "model{suffix}.safetensors"
INDEX = "model.safetensors.index.json"  # for other programs; we go by the card, which has hashes too


@dataclass(frozen=True)
class WeightsHeader:
    """What the metadata of a safetensors file says: texts by name, so that any program can show them."""

    architecture: str  # the names of the codecs, such as "ev-nvc-intra, ev-nvc"
    config_sha256: str  # of the card's parts in canonical form
    licence: str = ""

    @property
    def metadata(self) -> dict[str, str]:
        """The texts; "format" is what the safetensors of PyTorch agree on."""
        return {
            "format": "pt",
            "format_version": str(FORMAT_VERSION),
            "architecture": self.architecture,
            "config_sha256": self.config_sha256,
            "licence": self.licence,
        }


def write_weight_files(
    modules: Mapping[str, nn.Module],
    folder: Path,
    header: WeightsHeader,
    dtype: torch.dtype | None = None,
    max_shard_bytes: int = MAX_SHARD_BYTES,
) -> list[Path]:
    """Write the modules' tensors and return the files; a tensor larger than a shard gets one of its own.

    Real numbers are stored in ``dtype``, or as they are.
    """
    from huggingface_hub import split_torch_state_dict_into_shards  # takes longer to import than most need it

    tensors = stored(modules, dtype)
    split = split_torch_state_dict_into_shards(
        tensors, filename_pattern=NAMES, max_shard_size=max_shard_bytes
    )
    for name, keys in split.filename_to_tensors.items():
        save_file({key: tensors[key] for key in keys}, folder / name, header.metadata)
    if split.is_sharded:
        index = {"metadata": split.metadata, "weight_map": split.tensor_to_filename}
        (folder / INDEX).write_text(json.dumps(index, indent=2) + "\n")
    return [folder / name for name in split.filename_to_tensors]


def read_weight_files(paths: Iterable[Path], config_sha256: str = "") -> dict[str, Tensor]:
    """Return the tensors of all files; raises WeightsError, or NewerFormat by what the headers say.

    Files without a header of ours are taken as they are: their names and shapes are checked later.
    """
    found: dict[str, Tensor] = {}
    for path in paths:
        try:
            with safetensors.safe_open(path, "pt") as file:
                _check(file.metadata() or {}, config_sha256, path)
                names = file.keys()
                twice = found.keys() & names
                found |= {name: file.get_tensor(name) for name in names}
        except (OSError, ValueError, safetensors.SafetensorError) as error:
            raise WeightsError(f"{path} cannot be read as safetensors: {error}") from error
        if twice:
            raise WeightsError(f"{path} has {sorted(twice)[0]!r}, which another file of the model has too")
    return found


def is_weight_file(name: str) -> bool:
    """Return whether ``write_weight_files`` writes files of that name."""
    before, after = NAMES.split("{suffix}")
    return name == INDEX or (name.startswith(before) and name.endswith(after))


def _check(metadata: Mapping[str, str], config_sha256: str, path: Path) -> None:
    version = metadata.get("format_version", "1")
    if not version.isdecimal() or int(version) > FORMAT_VERSION:
        raise NewerFormat(
            f"{path} has the format version {version!r}, and this nvczoo knows {FORMAT_VERSION}: it was "
            "written by a newer one. Update: pip install --upgrade nvczoo"
        )
    theirs = metadata.get("config_sha256", config_sha256)
    if config_sha256 and theirs != config_sha256:
        architecture = metadata.get("architecture", "unnamed")
        raise WeightsError(
            f"{path} belongs to a model of other parts or options ({architecture}) "
            "than its card. Undo what was changed in the card; overrides are given to nvczoo.load()"
        )
