"""``nvczoo``: the parser of the command line, and what becomes of errors.

A verb is a module with ``SUMMARY``, ``EXAMPLE``, ``add_arguments(parser)`` and ``run(arguments)``, which
returns the exit code. Its imports at the top are light, so that help and usage errors come at once; what
needs torch, which takes seconds to import, is imported by ``run``.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NoReturn

import nvczoo
from nvczoo.cli import (
    ablate,
    compare,
    datasets,
    decode,
    doctor,
    download,
    encode,
    evaluate,
    export,
    import_,
    info,
    models,
    parts,
    plugin,
    quantize,
    strip,
    train,
    verify,
    view,
)
from nvczoo.cli.text import tell
from nvczoo.errors import NvczooError

VERBS = {
    "encode": encode,
    "decode": decode,
    "info": info,
    "strip": strip,
    "verify": verify,
    "view": view,
    "models": models,
    "download": download,
    "import": import_,
    "parts": parts,
    "plugin": plugin,
    "doctor": doctor,
    "train": train,
    "export": export,
    "quantize": quantize,
    "eval": evaluate,
    "compare": compare,
    "ablate": ablate,
    "datasets": datasets,
}
DEMO = "demo"  # has a parser of its own
OK, FAILED = 0, 1  # 2 is argparse's, for usage
# 128 + SIGINT, SIGPIPE, SIGTERM: what a shell makes of these signals
INTERRUPTED, READER_GONE, TERMINATED = 130, 141, 143

DESCRIPTION = "Neural video codecs behind one interface: a video becomes a .nvc stream, and a video again."
EPILOG = """\
q is 0 to 63, fractions allowed: larger is better, and bigger. "-" is a pipe: y4m video, or a .nvc stream.

  nvczoo encode -i clip.mp4 -o clip.nvc -q 32
  nvczoo decode -i clip.nvc -o again.mkv

nvczoo VERB --help says more. Exit codes: 0 done, 1 error, 2 wrong usage, 130 interrupted, 143 terminated.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a verb and return the exit code; wrong usage and ``--help`` raise SystemExit, as argparse does."""
    argv = list(sys.argv[1:] if argv is None else argv)
    if argv[:1] == [DEMO]:
        return _guarded(lambda: _demo(argv[1:]), debug=False)
    parser = build_parser()
    arguments = parser.parse_args(argv)
    if arguments.verb is None:
        parser.print_help()
        return OK
    return _guarded(lambda: VERBS[arguments.verb].run(arguments), arguments.debug)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all verbs."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        "nvczoo", description=DESCRIPTION, epilog=EPILOG, formatter_class=raw, allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"nvczoo {nvczoo.__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB")
    for name, module in VERBS.items():
        verb = verbs.add_parser(
            name,
            help=module.SUMMARY,
            description=f"{module.SUMMARY[0].upper()}{module.SUMMARY[1:]}.",
            epilog=f"example:\n  {module.EXAMPLE}",
            formatter_class=raw,
            allow_abbrev=False,
        )
        module.add_arguments(verb)
        verb.add_argument("--debug", action="store_true", help="show where an error comes from")
    verbs.add_parser(DEMO, help="compress the clip that ships with nvczoo, check it, show what came out")
    return parser


def _demo(argv: list[str]) -> int:
    from nvczoo.cli import demo

    return demo.main(argv)


def _guarded(run: Callable[[], int], debug: bool) -> int:
    """Run, and return the exit code also for what goes wrong."""
    try:
        with _tidy_when_terminated():
            code = run()
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        tell("interrupted")
        return INTERRUPTED
    except Exception as error:
        if isinstance(error, BrokenPipeError) or isinstance(error.__cause__, BrokenPipeError):
            return _reader_gone()
        if debug:
            raise
        if isinstance(error, NvczooError | OSError):
            tell(f"error: {error}")
        else:  # nobody foresaw it
            tell(f"error: {type(error).__name__}: {error}. This is a bug; --debug shows where it is")
        return FAILED


@contextmanager
def _tidy_when_terminated() -> Iterator[None]:
    """Let SIGTERM unwind the stack, so that no half file stays behind."""

    def leave(*_: object) -> NoReturn:
        raise SystemExit(TERMINATED)

    if threading.current_thread() is not threading.main_thread():  # signals are not ours there
        yield
        return
    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _reader_gone() -> int:
    """Say nothing, as ``cat`` does; what is left in the buffer of stdout has nowhere to go."""
    with suppress(OSError, ValueError):  # stdout may be no real file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return READER_GONE


if __name__ == "__main__":
    raise SystemExit(main())
