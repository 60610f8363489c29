"""Weights: where they are, and how they come to this machine with the hash they should have."""

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from nvczoo.errors import HubError, TruncatedWeights, WeightsError, WrongHash

HASH_CHUNK = 1 << 20  # bytes read at a time
ATTEMPTS = 4  # at a download that breaks off
TRANSPORTS = ("httpx", "requests", "urllib3")  # below the Hub's client, whose own errors are final
SUFFIX = ".safetensors"  # the only format read: it cannot carry code
COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class HubAccess:
    """How to reach the Hugging Face Hub: where its cache is, with which token, or not at all.

    What is left out is as huggingface_hub has it: by ``HF_HOME``, ``HF_TOKEN``, ``HF_HUB_OFFLINE`` and,
    in any case, ``HF_ENDPOINT``.
    """

    cache_dir: str | os.PathLike[str] | None = None
    token: str | bool | None = None
    local_files_only: bool = False


ANY = HubAccess()


@dataclass(frozen=True)
class Weights:
    """A file on this machine, or one in a repository on the Hugging Face Hub; or several, as shards."""

    file: Path | None = None
    repository: str = ""  # "owner/name"
    revision: str = ""  # a commit, so that it stays what it is
    filename: str = ""
    sha256: str = ""  # hexadecimal; "" where the file is the user's own
    size: int | None = None  # bytes
    shards: tuple["Weights", ...] = ()  # the files themselves, where there are several; else empty

    @property
    def place(self) -> str:
        """Where they are, in words."""
        if self.shards:
            return f"{self.shards[0].place} and {len(self.shards) - 1} more"
        return str(self.file) if self.file else f"{self.repository}@{self.revision}/{self.filename}"

    @property
    def files(self) -> tuple["Weights", ...]:
        """Each file on its own."""
        return self.shards or (self,)


def fetch_all(weights: Weights, access: HubAccess = ANY) -> list[Path]:
    """Return the paths of all files of the weights, as ``fetch`` does."""
    return [fetch(one, access) for one in weights.files]


def fetch(weights: Weights, access: HubAccess = ANY) -> Path:
    """Return the path of verified weights, downloaded if the cache does not hold them.

    What the cache holds damaged is downloaded once more. Raises WeightsError if they cannot be had, or
    are not what the card says.
    """
    if not weights.place.endswith(SUFFIX):
        raise WeightsError(f"{weights.place} is no {SUFFIX} file, and weights are read from no other kind")
    path = weights.file or download(weights.repository, weights.filename, weights.revision, access)
    if not path.is_file():
        raise WeightsError(f"There are no weights at {path}: copy them there, or reinstall their package")
    wrong = _mismatch(path, weights)
    if wrong and not weights.file:
        with suppress(HubError):  # what is wrong with the file at hand is the better answer
            path = download(weights.repository, weights.filename, weights.revision, access, anew=True)
            wrong = _mismatch(path, weights)
    if wrong:
        raise wrong
    return path


def download(
    repository: str, filename: str, revision: str, access: HubAccess = ANY, anew: bool = False
) -> Path:
    """Return a file of a repository on the Hugging Face Hub, from the cache if it is there.

    ``anew`` takes it from the Hub in any case.
    """
    import huggingface_hub  # takes longer to import than most programs need it

    what = f"{filename} of {repository}{f'@{revision}' if revision else ''}"
    with telling(f"{what} can neither be downloaded nor found in the cache"):
        found = _unbroken(
            lambda: huggingface_hub.hf_hub_download(
                repository,
                filename,
                revision=revision or None,
                cache_dir=None if access.cache_dir is None else os.fspath(access.cache_dir),
                token=access.token,
                local_files_only=access.local_files_only,
                force_download=anew,
                library_name="nvczoo",
            )
        )
    return Path(found)


def _unbroken(download: Callable[[], str]) -> str:
    """Return what a download gives, begun again where it broke off, as not every huggingface_hub does."""
    for left in reversed(range(ATTEMPTS)):
        try:
            return download()
        except Exception as error:  # of the transport below the Hub's client, which varies by its version
            if not left or type(error).__module__.partition(".")[0] not in TRANSPORTS:
                raise
    raise AssertionError("the last attempt returns or raises")


def commit_of(path: Path, otherwise: str) -> str:
    """Return the commit that a file in the cache belongs to: its folder has that name."""
    return path.parent.name if COMMIT.fullmatch(path.parent.name) else otherwise


@contextmanager
def telling(what: str) -> Iterator[None]:
    """Turn whatever goes wrong at the Hub into a HubError that says ``what``, why, and the way out."""
    try:
        yield
    except Exception as error:  # of the network, the disk, the hub, in classes that vary by its version
        reason = str(error).strip().splitlines()[0] if str(error).strip() else ""
        raise HubError(f"{what} ({type(error).__name__}: {reason}). {_way_out(error)}") from error


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(HASH_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _way_out(error: Exception) -> str:
    from huggingface_hub import errors

    if isinstance(error, errors.GatedRepoError):
        return "Ask for access on the page of the repository, then log in with `hf auth login`"
    if isinstance(error, errors.LocalEntryNotFoundError):
        return (
            "Connect to the network once and fetch it with `nvczoo download`, or copy the files to a folder "
            "and load 'local-dir:FOLDER'"
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return "Check the revision: a branch, a tag, or a commit of 40 hexadecimal digits"
    if isinstance(error, errors.EntryNotFoundError):
        return "The repository is no model of nvczoo, or an incomplete one: ask those who made it"
    if isinstance(error, errors.RepositoryNotFoundError):
        return "Check owner and name; for a private repository log in with `hf auth login`"
    return "Check network, proxy and HF_ENDPOINT, and try again"


def _mismatch(path: Path, weights: Weights) -> WeightsError | None:
    """Return how a file differs from what its card says, None if it does not."""
    size = path.stat().st_size
    if weights.size is not None and size != weights.size:
        return TruncatedWeights(f"{path} has {size} bytes, its card says {weights.size}. {_remedy(weights)}")
    if not weights.sha256:
        return None
    found = sha256_of(path)
    if found == weights.sha256.lower():
        return None
    return WrongHash(f"{path} has the SHA-256 {found}, its card says {weights.sha256}. {_remedy(weights)}")


def _remedy(weights: Weights) -> str:
    if weights.file:
        return "The file is damaged or not the card's: copy it anew, or reinstall the package that brings it"
    return "The file on the Hub was changed, or damaged on the way: tell those who made the model"
