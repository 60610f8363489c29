"""What PyAV raises, told as VideoError."""

from collections.abc import Iterator
from contextlib import contextmanager

from av.error import FFmpegError

from nvczoo.errors import VideoError


@contextmanager
def video_errors(what: str) -> Iterator[None]:
    """Turn what goes wrong in the block into VideoError: "``what``: cause"."""
    try:
        yield
    except FFmpegError as error:
        raise VideoError(f"{what}: {error.strerror or error}") from error
    except (VideoError, OSError, ValueError, TypeError, OverflowError, RuntimeError) as error:
        raise VideoError(f"{what}: {error}") from error
