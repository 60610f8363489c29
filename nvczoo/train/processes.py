"""One process or many, as ``torchrun`` started them; all know the same and decide the same."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from nvczoo.errors import SettingError, TrainingError

T = TypeVar("T")


@dataclass(frozen=True)
class Processes:
    """Who takes part in a run, and where this one computes."""

    device: torch.device
    rank: int = 0
    count: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes files and talks."""
        return self.rank == 0

    def rows(self, batch: int, where: str) -> range:
        """Return the rows of a batch that are this process's; raises SettingError for unequal parts."""
        if batch % self.count:
            raise SettingError(
                f"{where}: a batch of {batch} has no {self.count} equal parts, one per process"
            )
        own = batch // self.count
        return range(self.rank * own, (self.rank + 1) * own)

    def shared(self, module: nn.Module) -> nn.Module:
        """Return the module with its gradients averaged over all processes."""
        if self.count == 1:
            return module
        devices = [self.device] if self.device.type == "cuda" else None
        # Which parameters a loss reaches differs from stage to stage, and from codec to codec.
        return DistributedDataParallel(module, devices, find_unused_parameters=True, broadcast_buffers=False)

    def apart(self, module: nn.Module, averaged: bool) -> AbstractContextManager[None]:
        """Return a context in which gradients are added up and, unless ``averaged``, not exchanged yet."""
        gathers = isinstance(module, DistributedDataParallel) and not averaged
        return module.no_sync() if gathers else nullcontext()  # pyright: ignore[reportCallIssue]

    def mean(self, values: Tensor) -> Tensor:
        """Return the mean over all processes."""
        if self.count > 1:
            distributed.all_reduce(values)
            values = values / self.count
        return values

    def told(self, value: T) -> T:
        """Return the first process's value."""
        if self.count == 1:
            return value
        held = [value]
        distributed.broadcast_object_list(held)
        return held[0]

    def wait(self) -> None:
        """Wait until all processes are here."""
        if self.count > 1:
            distributed.barrier()


@contextmanager
def joined(device: str) -> Iterator[Processes]:
    """Join the processes that ``torchrun`` started, if it did, and leave them at the end."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    place = _device(device, int(os.environ.get("LOCAL_RANK", "0")))
    if count == 1:
        yield Processes(place)
        return
    if place.type == "cuda":
        torch.cuda.set_device(place)
    distributed.init_process_group("nccl" if place.type == "cuda" else "gloo")
    try:
        yield Processes(place, distributed.get_rank(), count)
    finally:
        distributed.destroy_process_group()


def _device(name: str, local_rank: int) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise SettingError(f"There is no device {name!r}: give cpu or cuda") from error
    if device.type != "cuda":
        return device
    if not torch.cuda.is_available():
        raise TrainingError("There is no CUDA device here, or no driver that this PyTorch can use: give cpu")
    return device if device.index is not None else torch.device("cuda", local_rank)
