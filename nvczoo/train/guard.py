"""What watches over a run: steps that are not finite, and a loss that runs away."""

import math
from dataclasses import dataclass, replace
from typing import Literal

from nvczoo.errors import TrainingError

Verdict = Literal["take", "skip", "return"]
MEMORY = 0.98  # of the smoothed loss, per step
SETTLED = 50  # steps of a stage before its loss is judged
RUNAWAY = 5.0  # times the lowest smoothed loss of the stage
ASTRAY = 10  # steps in a row that are not finite
SLOWER = 0.5  # what a return does to the learning rate
MAX_RETURNS = 5


@dataclass(frozen=True)
class Guard:
    """What has been seen of a stage's losses, and how often the run went back."""

    smoothed: float = 0.0
    seen: int = 0  # finite steps of the stage
    lowest: float = math.inf  # of the smoothed loss
    in_a_row: int = 0  # steps that were not finite
    skipped: int = 0  # in the whole run
    returns: int = 0  # in the whole run
    rate: float = 1.0  # factor of the learning rate

    def judge(self, loss: float, norm: float) -> tuple["Guard", Verdict]:
        """Return what to do with a step of this loss and norm of the gradient, and the guard after it."""
        if not (math.isfinite(loss) and math.isfinite(norm)):
            after = replace(self, in_a_row=self.in_a_row + 1, skipped=self.skipped + 1)
            return after, "return" if after.in_a_row >= ASTRAY else "skip"
        seen = self.seen + 1
        # Divided by what the weights add up to, so that the first losses count as much as later ones.
        smoothed = self.smoothed + (loss - self.smoothed) * (1 - MEMORY) / (1 - MEMORY**seen)
        lowest = min(self.lowest, smoothed) if seen >= SETTLED else self.lowest
        after = replace(self, smoothed=smoothed, seen=seen, lowest=lowest, in_a_row=0)
        return after, "return" if smoothed > RUNAWAY * lowest else "take"

    @property
    def content(self) -> bool:
        """Whether the weights are worth going back to."""
        return self.in_a_row == 0 and (
            self.seen < SETTLED or self.smoothed <= 0.5 * (1 + RUNAWAY) * self.lowest
        )

    def next_stage(self) -> "Guard":
        """Return the guard of the stage that follows; its losses are others."""
        return Guard(skipped=self.skipped, returns=self.returns, rate=self.rate)

    def returned(self, to: "Guard") -> "Guard":
        """Return the guard after going back to where ``to`` stood; raises TrainingError after too many."""
        if self.returns >= MAX_RETURNS:
            raise TrainingError(
                f"The loss ran away {self.returns + 1} times, at {self.rate:g} of the learning rate last. "
                "The last good checkpoint is kept. In the recipe, lower learning_rate, or choose "
                'precision = "float32"'
            )
        again = replace(to, in_a_row=0, skipped=self.skipped)
        return replace(again, returns=self.returns + 1, rate=self.rate * SLOWER)


UNTROUBLED = Guard()
