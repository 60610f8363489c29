"""Where jobs run: here one after the other, or on a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from nvczoo.errors import NvczooError, SettingError

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")
ENGINES = ("local", "ray")


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

    address: str | None = None  # of a cluster; None: one that is made here, for this process
    cpus: float = 1.0  # of each task
    gpus: float = 0.0
    retries: int = 3  # per task, when its worker or its machine dies

    def run(
        self, function: Callable[[Item], Outcome], items: Sequence[Item]
    ) -> Iterator[tuple[Item, Outcome]]:
        """Yield in the order in which they are ready."""
        ray = _ray()
        own = not ray.is_initialized()
        if own:
            ray.init(
                address=self.address, log_to_driver=False, include_dashboard=False, logging_level="error"
            )
        try:
            yield from self._gathered(ray, function, items)
        finally:
            if own:
                ray.shutdown()

    def _gathered(
        self, ray: Any, function: Callable[[Item], Outcome], items: Sequence[Item]
    ) -> Iterator[tuple[Item, Outcome]]:
        options = {"num_cpus": self.cpus, "num_gpus": self.gpus, "max_retries": self.retries}
        task = ray.remote(**options)(function)
        waiting = {task.remote(item): item for item in items}
        while waiting:
            (ready,), _ = ray.wait(list(waiting), num_returns=1)
            try:
                outcome = ray.get(ready)
            except ray.exceptions.RayTaskError as error:
                if isinstance(error.cause, NvczooError):
                    raise error.cause from error
                raise
            yield waiting.pop(ready), outcome


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
