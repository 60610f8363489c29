"""One step of a stage: the gradients of a batch, however it is shared among processes and slices."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from nvczoo.entropy.streams import Rows
from nvczoo.interfaces import Q_MAX, Q_MIN, RateSampler
from nvczoo.train.checkpoints import Place
from nvczoo.train.losses import SEEN, Batch, StageLoss
from nvczoo.train.precision import computing_in
from nvczoo.train.processes import Processes
from nvczoo.train.sampling import Sample
from nvczoo.train.stages import SAMPLED, Stage


@dataclass(frozen=True)
class Stretch:
    """A stage as it is being trained."""

    stage: Stage
    loss: StageLoss
    module: nn.Module  # the loss, shared among processes
    parameters: list[nn.Parameter]
    optimizer: torch.optim.Optimizer
    rows: range  # of the batch, that are this process's


def gradients(stretch: Stretch, sample: Sample, processes: Processes, seed: int) -> Tensor:
    """Add up the gradients of the batch's slices; return [5]: the loss, and what ``SEEN`` names."""
    stage, device = stretch.stage, processes.device
    whole = qualities(stage, stretch.loss.networks.rate_sampler, seed, device)
    firsts = None if stage.intra_q is None else intra_qualities(whole, stage.intra_q, seed)
    size = slice_size(stage, len(stretch.rows))
    count = len(stretch.rows) // size
    values = torch.zeros(1 + len(SEEN), device=device)
    for number in range(count):
        part = slice(number * size, (number + 1) * size)
        first = stretch.rows[part.start]
        flow = None if sample.flow is None else sample.flow[part].to(device)
        clip = sample.clip[part].to(device)
        own = slice(first, first + size)
        intra_q = None if firsts is None else firsts[own]
        batch = Batch(clip, whole[own], Rows(first, stage.batch), flow, intra_q)
        torch.manual_seed(seed)  # each slice draws the noise of the whole batch, and takes its own
        averaged = number == count - 1
        with computing_in(stage.precision, device), processes.apart(stretch.module, averaged):
            loss, seen = stretch.module(batch)
            (loss / count).backward()
        values += torch.cat((loss.detach().float()[None], seen.nanmean(0))) / count
    return values


def seed_of(recipe_seed: int, place: Place) -> int:
    """Return what all that is random in a step follows from, but for the clips."""
    words = np.random.SeedSequence((recipe_seed, place.stage, place.guard.returns, place.step))
    return int(words.generate_state(1)[0])


def qualities(stage: Stage, sampler: RateSampler, seed: int, device: torch.device) -> Tensor:
    """Return q of the whole batch, [batch]."""
    generator = torch.Generator(device).manual_seed(seed)
    if stage.q == SAMPLED:
        return sampler.draw(stage.batch, generator).to(device)
    low, high = stage.q if isinstance(stage.q, tuple) else (float(stage.q), float(stage.q))
    drawn = torch.rand(stage.batch, generator=generator, device=device)
    return (low + (high - low) * drawn).clamp(Q_MIN, Q_MAX)


def intra_qualities(q: Tensor, more: tuple[float, float], seed: int) -> Tensor:
    """Return q of the first frames, [batch]: what is added to ``q`` is drawn evenly between two numbers."""
    generator = torch.Generator(q.device).manual_seed(seed + 1)
    drawn = torch.rand(q.shape, generator=generator, device=q.device)
    return (q + more[0] + (more[1] - more[0]) * drawn).clamp(Q_MIN, Q_MAX)


def slice_size(stage: Stage, rows: int) -> int:
    """Return the clips to code at once: no more than the recipe says, and in equal slices."""
    most = max(1, stage.batch // stage.slices)
    return next(size for size in range(min(rows, most), 0, -1) if rows % size == 0)
