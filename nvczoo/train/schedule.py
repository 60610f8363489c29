"""How a budget of steps or of time becomes steps of each stage, and the learning rate at each of them."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from nvczoo.errors import SettingError
from nvczoo.train.stages import Stage

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
WARM_UP_STEPS = 100  # at most; and a tenth of the stage
PACE_STEPS = 10  # of a stage, that tell how long one takes
PACE_PART = 0.1  # of a stage's time, after which fewer steps must do


@dataclass(frozen=True)
class Budget:
    """What a run may take: optimizer steps, or seconds of training."""

    steps: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.seconds is None):
            raise SettingError("A budget is steps or time: give one of the two")
        if not (self.steps or self.seconds or 0) > 0:
            raise SettingError(f"A budget of {self.steps or self.seconds} trains nothing: give more than 0")

    @classmethod
    def of_time(cls, text: str) -> "Budget":
        """Return the budget in words such as ``90m``, ``3h`` or ``1.5d``."""
        found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)([smhd])", text)
        if found is None:
            raise SettingError(f"{text!r} is no time; 90m, 3h or 1.5d would be")
        return cls(seconds=float(found[1]) * UNITS[found[2]])


@dataclass(frozen=True)
class Pace:
    """How far a stage is; with a budget of time its length is settled after its first steps."""

    length: int | None  # steps of the stage, once that is known
    step: int = 0  # of the stage
    seconds: float = 0.0  # of the stage
    allowed: float = math.inf  # seconds

    @property
    def done(self) -> bool:
        """Whether the stage is at its end."""
        return self.length is not None and self.step >= self.length

    def after(self, seconds: float) -> "Pace":
        """Return the pace after a step that took so long."""
        step, spent = self.step + 1, self.seconds + seconds
        length = self.length
        if length is None and (step >= PACE_STEPS or spent >= PACE_PART * self.allowed):
            length = max(step, round(self.allowed / max(spent / step, 1e-9)))
        return Pace(length, step, spent, self.allowed)


BEGINNING = Pace(None)


def steps_of(stages: Sequence[Stage], total: int) -> tuple[int, ...]:
    """Return the steps of each stage by their shares: ``total`` together, each at least one."""
    if total < len(stages):
        raise SettingError(f"{total} steps are too few for {len(stages)} stages: give {len(stages)} or more")
    spare = total - len(stages)
    whole = sum(stage.share for stage in stages)
    ends = [round(spare * part / whole) for part in accumulate(stage.share for stage in stages)]
    return tuple(1 + end - start for start, end in zip([0, *ends], ends, strict=False))


def pace_of(stages: Sequence[Stage], index: int, budget: Budget, spent: float) -> Pace:
    """Return the pace a stage begins with, when the stages before it took ``spent`` seconds.

    A stage that took longer or shorter than its share leaves less or more to all that follow.
    """
    if budget.steps is not None:
        return Pace(steps_of(stages, budget.steps)[index])
    assert budget.seconds is not None
    part = stages[index].share / sum(stage.share for stage in stages[index:])
    return Pace(None, allowed=max(budget.seconds - spent, 0.0) * part)


def learning_rate(stage: Stage, pace: Pace) -> float:
    """Return the learning rate of the step to come: a linear rise, then a half cosine."""
    if pace.length is None:
        return stage.learning_rate * min(1.0, (pace.step + 1) / WARM_UP_STEPS)
    rise = min(1.0, (pace.step + 1) / min(WARM_UP_STEPS, max(1, pace.length // 10)))
    fall = 0.5 * (1 + math.cos(math.pi * pace.step / pace.length))
    return stage.learning_rate * rise * (stage.final_rate + (1 - stage.final_rate) * fall)
