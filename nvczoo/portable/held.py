"""What is known of a tensor before its values are: a grid, and how far out they can be."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from torch import Tensor

from nvczoo.errors import SettingError

MOST_SCALAR_FRACTION = 30  # of a constant in a pipeline


@dataclass(frozen=True)
class Held:
    """Multiples of 2**-fraction, none beyond +-most of them."""

    fraction: int
    most: int

    @classmethod
    def of(cls, value: float) -> "Held":
        """Return what a constant holds; raises SettingError if it is no short fraction of a power of two."""
        for fraction in range(-MOST_SCALAR_FRACTION, MOST_SCALAR_FRACTION + 1):
            units = value * 2.0**fraction
            if units == int(units):
                return cls(fraction, abs(int(units)))
        raise SettingError(f"{value!r} is no fraction of a power of two")

    @classmethod
    def of_values(cls, values: Tensor) -> "Held":
        """Return what a tensor that never changes holds; raises SettingError as ``of`` does."""
        exact = values.detach().double().flatten()
        for fraction in range(-MOST_SCALAR_FRACTION, MOST_SCALAR_FRACTION + 1):
            units = exact * 2.0**fraction
            if bool((units == units.round()).all()):
                return cls(fraction, int(units.abs().max()) if units.numel() else 0)
        raise SettingError("some of its constants are no short fraction of a power of two")

    def finer(self, fraction: int) -> "Held":
        """Return the same on a grid that is at least as fine."""
        return Held(fraction, self.most << (fraction - self.fraction))

    def joined(self, *others: "Held") -> "Held":
        """Return what holds all of these."""
        fraction = max(one.fraction for one in (self, *others))
        return Held(fraction, max(one.finer(fraction).most for one in (self, *others)))

    def __add__(self, other: "Held") -> "Held":
        fraction = max(self.fraction, other.fraction)
        return Held(fraction, self.finer(fraction).most + other.finer(fraction).most)

    def __mul__(self, other: "Held") -> "Held":
        return Held(self.fraction + other.fraction, self.most * other.most)


@runtime_checkable
class Holding(Protocol):
    """A module that knows what it returns."""

    @property
    def held(self) -> Held:
        """What its results hold."""
        ...


@runtime_checkable
class Accepting(Protocol):
    """A module whose own bound depends on what it is given."""

    def accept(self, *held: Held) -> None:
        """Raise SettingError unless its results are exact for all tensors that hold this."""
        ...


def held_of(module: object) -> Held | None:
    """Return what a portable module's results hold, None for anything else."""
    return module.held if isinstance(module, Holding) else None
