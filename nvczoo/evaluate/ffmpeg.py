"""An ffmpeg of the user's, where a measurement needs what libav's wheels lack: libvmaf, libvvenc."""

from __future__ import annotations

import shutil
import subprocess

from nvczoo.errors import SettingError

PROGRAM = "ffmpeg"
FEATURES = {"libvmaf": "-filters", "libvvenc": "-encoders"}  # -> the option by which ffmpeg lists it
LIST_LIMIT = 60  # seconds
ADVICE = "name another by --ffmpeg, or pip install 'nvczoo[ffmpeg]'"


def find_ffmpeg(feature: str, program: str | None = None) -> str:
    """Return the path of an ffmpeg that has a feature; raises SettingError.

    ``program`` is a name or path; without it, "ffmpeg" on the path, else that of the package imageio-ffmpeg.
    """
    candidates = [program] if program else [PROGRAM, *_packaged()]
    found = [path for one in candidates if (path := shutil.which(one)) is not None]
    for path in found:
        if feature in _told(path, FEATURES[feature]):
            return path
    if found:
        raise SettingError(f"{feature} is needed, and {', '.join(found)} was built without it: {ADVICE}")
    raise SettingError(f"An ffmpeg with {feature} is needed, and there is no {candidates[0]!r}: {ADVICE}")


def version_of(ffmpeg: str) -> str:
    """Return the first line of what it says of itself, without the copyright."""
    lines = _told(ffmpeg, "-version").splitlines()
    return lines[0].partition(" Copyright")[0] if lines else ffmpeg


def _packaged() -> list[str]:
    try:
        import imageio_ffmpeg
    except ImportError:
        return []
    return [imageio_ffmpeg.get_ffmpeg_exe()]


def _told(ffmpeg: str, option: str) -> str:
    try:
        return subprocess.run(
            [ffmpeg, "-hide_banner", option], capture_output=True, text=True, timeout=LIST_LIMIT, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SettingError(f"{ffmpeg} cannot be run: {error}") from error
