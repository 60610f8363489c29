"""Ending a run that is asked to end, between two steps, so that nothing of it is lost."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)  # Ctrl-C; what clusters and spot machines send before they kill
EXIT_BASE = 128  # to this a shell adds the signal's number


@dataclass
class Asked:
    """Which signal asked, 0 for none."""

    signal: int = 0

    def follow(self) -> None:
        """Raise KeyboardInterrupt for SIGINT, SystemExit for SIGTERM and where another process was asked."""
        if self.signal == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(EXIT_BASE + (self.signal or signal.SIGTERM))


@contextmanager
def asked_to_stop() -> Iterator[Asked]:
    """Note the first of ``SIGNALS`` instead of being ended by it; a second one has its usual effect."""
    asked = Asked()
    if threading.current_thread() is not threading.main_thread():  # signals are not ours there
        yield asked
        return
    before = {}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def note(number: int, _: FrameType | None) -> None:
        asked.signal = number
        restore()

    before |= {number: signal.signal(number, note) for number in SIGNALS}
    try:
        yield asked
    finally:
        restore()
