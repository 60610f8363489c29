"""What a run would take: its stages with steps and time, measured without data."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from nvczoo.train.losses import StageLoss
from nvczoo.train.networks import Networks, choose
from nvczoo.train.precision import exact_entropy
from nvczoo.train.processes import Processes
from nvczoo.train.sampling import Sample
from nvczoo.train.schedule import Budget, steps_of
from nvczoo.train.stages import Recipe, Stage
from nvczoo.train.steps import Stretch, gradients

CPU_CLIPS = 1  # of a batch that are timed on a CPU, where time grows with their number
SEED = 1


@dataclass(frozen=True)
class Forecast:
    """A stage's part of a budget."""

    stage: Stage
    steps: int
    step_seconds: float

    @property
    def seconds(self) -> float:
        """The time of the stage."""
        return self.steps * self.step_seconds


Timer = Callable[[Stage], float]


def forecast(recipe: Recipe, budget: Budget, timer: Timer) -> list[Forecast]:
    """Return the schedule; ``timer`` gives the seconds of one step of a stage."""
    seconds = [timer(stage) for stage in recipe.stages]
    if budget.steps is not None:
        steps = steps_of(recipe.stages, budget.steps)
    else:
        assert budget.seconds is not None
        whole = sum(stage.share for stage in recipe.stages)
        parts = [budget.seconds * stage.share / whole for stage in recipe.stages]
        steps = [max(1, round(part / each)) for part, each in zip(parts, seconds, strict=True)]
    return [Forecast(*one) for one in zip(recipe.stages, steps, seconds, strict=True)]


def step_timer(networks: Networks, processes: Processes) -> Timer:
    """Return what times a step of a stage on grey clips, the second of two; equal stages once."""
    known: dict[tuple[object, ...], float] = {}

    def timed(stage: Stage) -> float:
        key = (
            stage.trains,
            stage.freezes,
            stage.frames,
            stage.side,
            stage.batch,
            stage.precision,
            stage.recompute,
        )
        if key not in known:
            known[key] = _time(networks, stage, processes)
        return known[key]

    return timed


def _time(networks: Networks, stage: Stage, processes: Processes) -> float:
    clips = CPU_CLIPS if processes.device.type == "cpu" else stage.batch // processes.count
    parameters = choose(networks, stage)
    loss = StageLoss(networks, stage)
    optimizer = torch.optim.Adam(parameters)
    stretch = Stretch(stage, loss, loss, parameters, optimizer, range(clips))
    half = stage.side // 2
    clip = torch.full((clips, stage.frames, 6, half, half), 0.5)
    flow = torch.zeros(clips, stage.frames - 1, 2, half, half)
    started = 0.0
    with exact_entropy(networks.modules(), processes.device):
        for _ in range(2):
            started = time.perf_counter()
            gradients(stretch, Sample(clip, flow), processes, SEED).cpu()
    optimizer.zero_grad()
    return (time.perf_counter() - started) * stage.batch / (clips * processes.count)
