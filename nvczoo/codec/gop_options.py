"""GOP structures by name and options, as a stream's header holds them."""

import inspect
import re
from dataclasses import dataclass

from nvczoo.codec.gop import MAX_GROUP, MAX_REACH, AllIntra, Hierarchical, LowDelay
from nvczoo.codec.header import GopDescription, OptionValue
from nvczoo.errors import CorruptStream, NvczooError, SettingError, UnsupportedStream
from nvczoo.interfaces import CodingStep, GopStructure

KNOWN: tuple[type[GopStructure], ...] = (AllIntra, LowDelay, Hierarchical)


def gop_name(kind: type[GopStructure]) -> str:
    """Return the name of a structure: ``LowDelay`` is "low-delay"."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower()


def describe_gop(gop: GopStructure) -> GopDescription:
    """Return name, and options that are not what they are by default.

    A structure keeps each constructor argument under its name.
    """
    found = ((name, getattr(gop, name), one.default) for name, one in _arguments(type(gop)).items())
    options = tuple((name, value) for name, value, usual in found if value != usual)
    return GopDescription(gop_name(type(gop)), options)


def all_options(description: GopDescription) -> dict[str, OptionValue]:
    """Return the options of a structure by name, those of a known one that are as usual included."""
    usual = {
        name: one.default
        for kind in KNOWN
        if gop_name(kind) == description.name
        for name, one in _arguments(kind).items()
    }
    return usual | dict(description.options)


def build_gop(description: GopDescription, own: GopStructure) -> GopStructure:
    """Return the structure of a stream: one of ours, or of the kind that the codec has itself."""
    where = "The stream's header"
    kinds = {gop_name(kind): kind for kind in (*KNOWN, type(own))}
    kind = kinds.get(description.name)
    if kind is None:
        raise UnsupportedStream(
            f"{where} names the GOP structure {description.name!r}; known are {', '.join(kinds)}. "
            "Load the model with the plugin that brings it"
        )
    options = dict(description.options)
    if unknown := sorted(options.keys() - _arguments(kind).keys()):
        raise UnsupportedStream(
            f"{where} gives the GOP structure {description.name!r} options that it does not have: "
            f"{', '.join(unknown)}"
        )
    try:
        gop = kind(**options)
    except (NvczooError, TypeError, ValueError) as error:
        raise CorruptStream(
            f"{where} gives a GOP structure {description.name!r} that cannot be built: {error}"
        ) from error
    if gop.group > MAX_GROUP or gop.reach > MAX_REACH:
        raise UnsupportedStream(
            f"{where} asks for groups of {gop.group} frames that reach back {gop.reach}; "
            f"at most {MAX_GROUP} and {MAX_REACH} are possible"
        )
    return gop


def with_intra_period(gop: GopStructure, period: int) -> GopStructure:
    """Return the structure with another intra period."""
    arguments = _arguments(type(gop))
    if "intra_period" not in arguments:
        raise SettingError(f"The GOP structure {gop_name(type(gop))!r} has no intra period to set")
    return type(gop)(**{name: getattr(gop, name) for name in arguments} | {"intra_period": period})


@dataclass(frozen=True)
class Group:
    """One group of frames, as both sessions cut the video."""

    first: int
    steps: tuple[CodingStep, ...]
    horizon: int  # later groups name no frame before this one

    @property
    def last(self) -> int:
        """The last frame, in display order."""
        return max(max(step.frames) for step in self.steps)


def group_of(gop: GopStructure, frame: int, count: int | None = None) -> Group:
    """Return the group that holds ``frame``; ``count`` says how long it is, if it is cut short."""
    first = 0 if frame == 0 else 1 + (frame - 1) // gop.group * gop.group
    full = group_length(gop, first)
    length = full if count is None else min(count, full)
    return Group(first, gop.steps(first, length), first + length - gop.reach)


def group_length(gop: GopStructure, first: int) -> int:
    """Return the frames of the group that starts at ``first``, unless the video ends before."""
    return 1 if first == 0 else gop.group


def _arguments(kind: type[GopStructure]) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(kind).parameters)
