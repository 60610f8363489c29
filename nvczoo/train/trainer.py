"""The training loop: stages in turn, each step decided by what the last checkpoint holds."""

import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import copyfile

import torch
from torch import nn
from tqdm import tqdm

from nvczoo.errors import TrainingError
from nvczoo.train.augment import Crop
from nvczoo.train.average import Average
from nvczoo.train.checkpoints import GOOD, LATEST, Checkpoint, Place
from nvczoo.train.guard import Verdict
from nvczoo.train.losses import StageLoss
from nvczoo.train.networks import Networks, choose
from nvczoo.train.objective import psnr_of
from nvczoo.train.precision import exact_entropy
from nvczoo.train.processes import Processes
from nvczoo.train.records import Log, Row, note_event
from nvczoo.train.rounding import rounded
from nvczoo.train.sampling import ClipSampler, Sample, samples
from nvczoo.train.schedule import Budget, learning_rate, pace_of
from nvczoo.train.sources import Data
from nvczoo.train.stages import Recipe, Stage
from nvczoo.train.steps import Stretch, gradients, seed_of
from nvczoo.train.stopping import Asked

GRADIENT_NORM = 1.0


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a run computes; none of it changes what is computed, but for rounding."""

    workers: int = 0  # processes that prepare clips
    compile: bool = False
    log_every: int = 10  # steps
    save_every: float = 120.0  # seconds
    keep_stages: bool = False  # the model after each of them, beside the last


PLAIN = Options()


class Trainer:
    """A run: networks, their average, the optimizer, and the place in the recipe."""

    def __init__(
        self,
        recipe: Recipe,
        networks: Networks,
        data: Data,
        folder: Path,
        processes: Processes,
        options: Options = PLAIN,
    ) -> None:
        self.recipe, self.networks, self.data, self.folder = recipe, networks, data, folder
        self.processes, self.options = processes, options
        self.modules = networks.modules()
        self.average = Average(self.modules, recipe.average)
        self.place = Place()
        self._optimizer_state: dict[str, object] | None = None
        self.asked = Asked()  # what this process was asked
        self._ending = False  # what all agreed on
        self.stopped = False  # as it was asked, with a checkpoint
        self._saved = self._clock = time.monotonic()

    @property
    def stage(self) -> Stage | None:
        """The stage that the run is in; None at its end."""
        stages = self.recipe.stages
        return stages[self.place.stage] if self.place.stage < len(stages) else None

    def resume(self) -> bool:
        """Go on from the latest checkpoint; False where there is none. Raises TrainingError."""
        found = None
        if self.processes.leads and (self.folder / LATEST).exists():
            found = Checkpoint.read(self.folder / LATEST)
        found = self.processes.told(found)
        if found is None:
            return False
        for what, before, now in (
            ("recipe", found.recipe, self.recipe.digest),
            ("data", found.data, self.data.digest),
        ):
            if before != now:
                raise TrainingError(
                    f"The run in {self.folder} began with another {what}: go on with the same, or begin "
                    "another run from its weights, with --init"
                )
        self._load(found)
        return True

    def train_stage(self, budget: Budget, log: Log | None) -> Stage | None:
        """Train to the end of the stage and return it, or None if the loss ran away and the run went back.

        What ``asked`` notes ends it between two steps, with a checkpoint written.
        """
        stage = self.stage
        assert stage is not None
        if self.place.pace.length is None and not self.place.pace.step:
            pace = pace_of(self.recipe.stages, self.place.stage, budget, self.place.spent)
            self.place = replace(self.place, pace=pace)
        stretch = self._stretch(stage)
        if not self.place.pace.step:
            self.save(stretch.optimizer)
        prepared = self._samples(stretch)
        self._clock = time.monotonic()
        rounding = rounded(self.networks, stage.rounding) if stage.rounding else nullcontext()
        with rounding, exact_entropy(self.modules, self.processes.device), self._bar(stage) as bar:
            while not self.place.pace.done:
                if self._step(stretch, next(prepared), log) == "return":
                    self._go_back()
                    return None
                bar.total = self.place.pace.length
                bar.update(self.place.pace.step - bar.n)
                if self._ending:
                    self._stop(stretch.optimizer)
                if time.monotonic() - self._saved > self.options.save_every:
                    self.save(stretch.optimizer)
        return stage

    def _stop(self, optimizer: torch.optim.Optimizer) -> None:
        self.save(optimizer)
        if self.processes.leads:
            note_event(self.folder, f"step {self.place.step}: asked to stop; the same command goes on")
        self.stopped = True
        self.asked.follow()

    def finish_stage(self) -> None:
        """Go on to the next stage."""
        place = self.place
        spent = place.spent + place.pace.seconds
        self.place = Place(place.stage + 1, place.step, guard=place.guard.next_stage(), spent=spent)
        self.save(None)

    def save(self, optimizer: torch.optim.Optimizer | None) -> None:
        """Write the checkpoint, and keep it as the one to go back to if all is well."""
        self._saved = time.monotonic()
        if not self.processes.leads:
            return
        state = {} if optimizer is None else optimizer.state_dict()
        Checkpoint(
            self.place,
            dict(self.modules.state_dict()),
            self.average.kept,
            self.average.steps,
            state,
            self.recipe.digest,
            self.data.digest,
        ).save(self.folder / LATEST)
        if self.place.guard.content:
            partial = self.folder / f"{GOOD}.part"
            copyfile(self.folder / LATEST, partial)
            partial.replace(self.folder / GOOD)

    def _load(self, checkpoint: Checkpoint) -> None:
        self.modules.load_state_dict(checkpoint.weights)
        self.average.load(checkpoint.average, checkpoint.averaged)
        self.place = checkpoint.place
        self._optimizer_state = checkpoint.optimizer or None

    def _go_back(self) -> None:
        """Load the last good checkpoint; from there the run takes smaller steps and draws other clips."""
        found = self.processes.told(Checkpoint.read(self.folder / GOOD) if self.processes.leads else None)
        assert found is not None
        guard = self.place.guard.returned(found.place.guard)
        if self.processes.leads:
            note_event(
                self.folder,
                f"step {self.place.step}: the loss ran away; back to step {found.place.step} at "
                f"{guard.rate:g} of the learning rate",
            )
        self._load(replace(found, place=replace(found.place, guard=guard)))

    def _stretch(self, stage: Stage) -> Stretch:
        parameters = choose(self.networks, stage)
        self.modules.train()
        optimizer = torch.optim.Adam(parameters, lr=stage.learning_rate)
        if self._optimizer_state is not None:
            optimizer.load_state_dict(self._optimizer_state)
            self._optimizer_state = None
        loss = StageLoss(self.networks, stage)
        if self.options.compile:
            loss.compile(dynamic=False)
        rows = self.processes.rows(stage.batch, f"Stage {stage.name!r}")
        return Stretch(stage, loss, self.processes.shared(loss), parameters, optimizer, rows)

    def _samples(self, stretch: Stretch) -> Iterator[Sample]:
        stage = stretch.stage
        seed = (self.recipe.seed, self.place.stage, self.place.guard.returns)
        sampler = ClipSampler(self.data.train, Crop(stage.frames, stage.side), stage.source, seed)
        return samples(sampler, stretch.rows, self.place.step, self.options.workers)

    def _step(self, stretch: Stretch, sample: Sample, log: Log | None) -> Verdict:
        """Take one step, unless it is not finite."""
        place = self.place
        rate = learning_rate(stretch.stage, place.pace) * place.guard.rate
        for group in stretch.optimizer.param_groups:
            group["lr"] = rate
        stretch.optimizer.zero_grad(set_to_none=True)
        seed = seed_of(self.recipe.seed, place)
        values = gradients(stretch, sample, self.processes, seed)
        norm = float(nn.utils.clip_grad_norm_(stretch.parameters, GRADIENT_NORM))
        elapsed = time.monotonic() - self._clock
        self._clock += elapsed
        known = torch.tensor([elapsed, self.asked.signal], device=values.device)
        loss, *seen, seconds, asked = self.processes.mean(torch.cat((values, known))).tolist()
        self._ending = asked > 0  # also where only another process was asked
        guard, verdict = place.guard.judge(loss, norm)
        if verdict == "take":
            stretch.optimizer.step()
            self.average.update()
        self.place = replace(place, step=place.step + 1, pace=place.pace.after(seconds), guard=guard)
        if log is not None and self.place.step % self.options.log_every == 0:
            log.add(self._row(stretch.stage, loss, seen, rate, norm))
        return verdict

    def _row(self, stage: Stage, loss: float, seen: list[float], rate: float, norm: float) -> Row:
        place = self.place
        bpp, motion, mse, endpoint = seen
        psnr = psnr_of(torch.tensor(mse))
        counts = (place.guard.skipped, place.guard.returns)
        return Row(stage.name, place.step, loss, bpp, motion, psnr, endpoint, rate, norm, *counts)

    def _bar(self, stage: Stage) -> tqdm:
        pace = self.place.pace
        disable = None if self.processes.leads else True
        return tqdm(desc=stage.name, initial=pace.step, total=pace.length, unit="step", disable=disable)
