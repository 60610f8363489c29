"""A run: what is done already is skipped, what finishes is written at once, and told."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nvczoo.evaluate.engines import Engine, LocalEngine
from nvczoo.evaluate.jobs import Job, answer, save
from nvczoo.evaluate.records import Record

Tell = Callable[[str], None]


def run_jobs(
    jobs: Sequence[Job], folder: Path, tell: Tell = lambda _: None, engine: Engine | None = None
) -> list[Record]:
    """Return the records of all jobs, in their order; those whose files are there are not run again.

    If a job fails, its error is raised once; all that finished before has its file.
    """
    done = {job: record for job in jobs if (record := job.done(folder)) is not None}
    if done:
        tell(f"{len(done)} of {len(jobs)} jobs are done already")
    open_jobs = [job for job in jobs if job not in done]
    progress = _Progress(len(jobs), len(done))
    for job, found in (engine or LocalEngine()).run(answer, open_jobs):
        done[job] = save(job, found, folder)
        tell(progress.line(job, done[job]))
    return [done[job] for job in jobs]


@dataclass
class _Progress:
    """How far a run is, and how long the rest will take if it goes on like this."""

    total: int
    skipped: int
    worked: int = 0
    begin: float = field(default_factory=time.monotonic)

    def line(self, job: Job, record: Record) -> str:
        """Return what to say after a job."""
        self.worked += 1
        elapsed = time.monotonic() - self.begin
        left = self.total - self.skipped - self.worked
        rest = (
            f"about {_minutes(elapsed / self.worked * left)} left" if left else f"done in {_minutes(elapsed)}"
        )
        return (
            f"[{self.skipped + self.worked}/{self.total}] {job.name}: {record.bpp:.4f} bpp, "
            f"{record.result.psnr_611:.2f} dB; {rest}"
        )


def _minutes(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"
