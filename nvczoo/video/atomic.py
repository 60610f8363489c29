"""Files that appear whole or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nvczoo.errors import VideoError

MAX_STEM = 40  # characters of the target's name in the temporary one: file systems allow 255 bytes in all


@contextmanager
def atomic_output(path: str | os.PathLike[str], overwrite: bool = False) -> Iterator[Path]:
    """Give a temporary path in the folder of ``path``; it gets its name when the block ends well.

    If the block raises, nothing is left behind and what was there before stays. An existing file is
    replaced only with ``overwrite``. Raises VideoError.
    """
    target = Path(path)
    check_output(target, overwrite)
    temporary = target.with_name(f".{target.name[:MAX_STEM]}.{secrets.token_hex(4)}.part")
    try:
        temporary.touch(exist_ok=False)
        yield temporary
        check_output(target, overwrite)  # again: writing may have taken hours
        os.replace(temporary, target)
    except OSError as error:
        raise VideoError(f"Cannot write {str(target)!r}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def check_output(path: str | os.PathLike[str], overwrite: bool) -> None:
    """Raise VideoError if no file can be made there; worth asking before long work begins."""
    target = Path(path)
    if target.is_dir():
        raise VideoError(f"{str(target)!r} is a folder; name a file in it")
    if not target.parent.is_dir():
        raise VideoError(f"The folder {str(target.parent)!r} does not exist; make it first")
    if target.exists() and not overwrite:
        raise VideoError(f"{str(target)!r} exists already; pass overwrite=True (-y) to replace it")
