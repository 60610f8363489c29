"""Folders that appear whole or not at all."""

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nvczoo.errors import WeightsError

MAX_STEM = 40  # characters of the folder's name in the temporary one: file systems allow 255 bytes in all


@contextmanager
def new_folder(
    path: str | os.PathLike[str], ours: Callable[[str], bool], overwrite: bool = False
) -> Iterator[Path]:
    """Give a temporary folder beside ``path``; it gets its name when the block ends well.

    If the block raises, nothing is left behind and what was there before stays. An existing folder is
    replaced only if it holds nothing but files whose names are ``ours``, and only with ``overwrite`` if
    it holds any. Raises WeightsError.
    """
    target = Path(path).absolute()
    _check(target, ours, overwrite)
    temporary = target.with_name(f".{target.name[:MAX_STEM]}.{secrets.token_hex(4)}.part")
    try:
        temporary.mkdir()
        yield temporary
        _check(target, ours, overwrite)  # again: writing may have taken minutes
        if target.exists():
            shutil.rmtree(target)
        temporary.rename(target)
    except OSError as error:
        raise WeightsError(f"Cannot write {str(target)!r}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _check(target: Path, ours: Callable[[str], bool], overwrite: bool) -> None:
    if not target.parent.is_dir():
        raise WeightsError(f"The folder {str(target.parent)!r} does not exist; make it first")
    if not target.exists():
        return
    if not target.is_dir() or not all(ours(one.name) for one in target.iterdir()):
        raise WeightsError(f"{str(target)!r} exists and is no folder of a saved model; choose another name")
    if not overwrite and any(target.iterdir()):
        raise WeightsError(f"{str(target)!r} exists already; pass overwrite=True (-y) to replace it")
