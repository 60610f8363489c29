"""Where jobs run: here one after the other, or on a Ray cluster."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from nvczoo.errors import EngineError, NvczooError, SettingError

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")
ENGINES = ("local", "ray")
ADDRESS = re.compile(r"(?:ray://)?([^:/]+):(\d{1,6})")
CONNECT_LIMIT = 10.0  # seconds
# For a cluster made here. Nobody has asked to be counted; and Ray runs jobs behind all else on a machine
# unless told otherwise (niceness 15), where they would starve, and be timed starving.
RAY_SETTINGS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}
HERE = "local"  # what Ray calls a new cluster on this machine


class Engine(Protocol):
    """Applies a function to items; both must be fit to be sent to another process."""

    def run(
        self, function: Callable[[Item], Outcome], items: Sequence[Item]
    ) -> Iterator[tuple[Item, Outcome]]:
        """Yield each item with its outcome, as they become ready; what the function raises is raised."""
        ...


class LocalEngine:
    """One after the other, in this process."""

    def run(
        self, function: Callable[[Item], Outcome], items: Sequence[Item]
    ) -> Iterator[tuple[Item, Outcome]]:
        """Yield in the order of the items."""
        for item in items:
            yield item, function(item)


@dataclass(frozen=True)
class RayEngine:
    """One Ray task per item, with its share of processors; what a dead worker had is done again."""

    address: str | None = None  # of a cluster; None: that of RAY_ADDRESS, or else one made here
    cpus: float = 1.0  # of each task
    gpus: float = 0.0
    retries: int = 3  # per task, when its worker or its machine dies

    def run(
        self, function: Callable[[Item], Outcome], items: Sequence[Item]
    ) -> Iterator[tuple[Item, Outcome]]:
        """Yield in the order in which they are ready."""
        if not items:
            return  # a cluster takes seconds to start
        ray = _ray()
        own = not ray.is_initialized()
        if own:
            self._connect(ray)
        try:
            yield from self._gathered(ray, function, items)
        finally:
            if own:
                ray.shutdown()

    def _connect(self, ray: Any) -> None:
        """Join the cluster, or start one that ends with this process; raises SettingError."""
        address = self.address or os.environ.get("RAY_ADDRESS", HERE)
        for name, value in RAY_SETTINGS.items():
            os.environ.setdefault(name, value)
        _check_reachable(address)
        try:
            ray.init(address=address, log_to_driver=False, include_dashboard=False, logging_level="error")
        except (ConnectionError, ValueError) as error:
            raise SettingError(f"There is no Ray cluster at {address!r}: {error}") from error
        there = ray.cluster_resources()
        # A task for which there is no room waits; on a cluster elsewhere the room may yet come.
        for name, wanted in (("CPU", self.cpus), ("GPU", self.gpus)):
            if address == HERE and wanted > there.get(name, 0):
                ray.shutdown()
                raise SettingError(
                    f"Each job is to have {wanted:g} {name}s, and this machine has {there.get(name, 0):g}"
                )

    def _gathered(
        self, ray: Any, function: Callable[[Item], Outcome], items: Sequence[Item]
    ) -> Iterator[tuple[Item, Outcome]]:
        options = {"num_cpus": self.cpus, "num_gpus": self.gpus, "max_retries": self.retries}
        task = ray.remote(**options)(function)
        waiting = {task.remote(item): item for item in items}
        while waiting:
            (ready,), _ = ray.wait(list(waiting), num_returns=1)
            yield waiting.pop(ready), self._outcome(ray, ready)

    def _outcome(self, ray: Any, ready: Any) -> Any:
        """Return what a task gave; raise what it raised, or EngineError if its worker died too often."""
        try:
            return ray.get(ready)
        except ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, NvczooError):
                raise error.cause from error
            raise
        except ray.exceptions.RayError as error:
            raise EngineError(
                f"A job failed {self.retries + 1} times, for its worker died or the cluster went away. "
                f"Ray says: {str(error).strip().splitlines()[0]}"
            ) from error


def _check_reachable(address: str) -> None:
    """Raise SettingError if nobody listens at HOST:PORT; Ray itself would try for minutes."""
    found = ADDRESS.fullmatch(address)
    if found is None:
        return  # "local" and "auto" are Ray's to find
    try:
        socket.create_connection((found[1], int(found[2])), CONNECT_LIMIT).close()
    except (OSError, OverflowError) as error:
        raise SettingError(f"Nobody answers at {address!r}, as a Ray cluster: {error}") from error


def engine_of(name: str, address: str | None = None, cpus: float = 1.0, gpus: float = 0.0) -> Engine:
    """Return the engine of this name; raises SettingError."""
    if name == "local":
        return LocalEngine()
    if name == "ray":
        _ray()
        return RayEngine(address, cpus, gpus)
    raise SettingError(f"There is no engine {name!r}; known are {', '.join(ENGINES)}")


def _ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise SettingError("The engine 'ray' needs Ray: pip install 'nvczoo[ray]'") from error
    return ray
