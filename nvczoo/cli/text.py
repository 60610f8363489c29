"""Messages for people, on stderr."""

from __future__ import annotations

import sys


def tell(message: str) -> None:
    """Print a message on stderr, with the program's name before it."""
    print(f"nvczoo: {message}", file=sys.stderr, flush=True)
