"""Weights: where they are, and how they come to this machine with the hash they should have."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from nvczoo.errors import WeightsError

HASH_CHUNK = 1 << 20  # bytes read at a time
SUFFIX = ".safetensors"  # the only format read: it cannot carry code


@dataclass(frozen=True)
class Weights:
    """A file on this machine, or one in a repository on the Hugging Face Hub."""

    file: Path | None = None
    repository: str = ""  # "owner/name"
    revision: str = ""  # a commit, so that it stays what it is
    filename: str = ""
    sha256: str = ""  # hexadecimal; "" where the file is the user's own
    size: int | None = None  # bytes

    @property
    def place(self) -> str:
        """Where they are, in words."""
        return str(self.file) if self.file else f"{self.repository}@{self.revision}/{self.filename}"


def fetch(weights: Weights) -> Path:
    """Return the path of verified weights, downloaded if the cache does not hold them.

    Raises WeightsError if they cannot be had, or are not what the card says.
    """
    if not weights.place.endswith(SUFFIX):
        raise WeightsError(f"{weights.place} is no {SUFFIX} file, and weights are read from no other kind")
    path = weights.file or download(weights.repository, weights.filename, weights.revision)
    if not path.is_file():
        raise WeightsError(f"There are no weights at {path}. Reinstall the package that brings them")
    _verify(path, weights)
    return path


def download(repository: str, filename: str, revision: str) -> Path:
    """Return a file of a repository on the Hugging Face Hub, from the cache if it is there."""
    import huggingface_hub  # takes longer to import than most programs need it

    try:
        return Path(huggingface_hub.hf_hub_download(repository, filename, revision=revision or None))
    except Exception as error:  # of the network, the disk, the hub, in classes that vary by its version
        raise WeightsError(
            f"{filename} of {repository}{f'@{revision}' if revision else ''} can neither be downloaded nor "
            f"found in the cache ({type(error).__name__}: {error}). Connect to the network once, or copy the "
            "files to a folder and load 'local-dir:FOLDER'"
        ) from error


def _verify(path: Path, weights: Weights) -> None:
    size = path.stat().st_size
    if weights.size is not None and size != weights.size:
        raise WeightsError(f"{path} has {size} bytes, its card says {weights.size}. {_remedy(weights)}")
    if not weights.sha256:
        return
    found = sha256_of(path)
    if found != weights.sha256.lower():
        raise WeightsError(
            f"{path} has the SHA-256 {found}, its card says {weights.sha256}. {_remedy(weights)}"
        )


def _remedy(weights: Weights) -> str:
    if weights.file:
        return "The file is damaged or not the card's: reinstall the package that brings it"
    return "The download is damaged or was changed: delete that file, and load again"


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(HASH_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
