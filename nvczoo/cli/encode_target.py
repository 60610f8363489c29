"""``nvczoo encode`` to a rate, a size or a quality."""

from __future__ import annotations

import argparse
import time
from contextlib import ExitStack
from typing import Any

from nvczoo.cli.encoding import encoders_of, opened, tell_what_changed
from nvczoo.cli.options import load_model
from nvczoo.cli.progress import progress_line, summary, wanted
from nvczoo.cli.text import tell
from nvczoo.codec.files import EncodeOptions, Report
from nvczoo.evaluate.target_rate import UNITS, Target, encode_to_target


def encode_to(
    wish: tuple[Any, float], arguments: argparse.Namespace, gop: dict[str, Any], options: EncodeOptions
) -> int:
    """Encode until the wish is met, tell what was reached, and return the exit code."""
    target = Target(*wish)
    codec = load_model(arguments.model, arguments, gop)
    begin = time.monotonic()
    with ExitStack() as lines:

        def line(number: int) -> Report | None:
            lines.close()  # that of the pass before
            return lines.enter_context(progress_line(f"pass {number}", arguments.quiet))

        found = encode_to_target(
            codec,
            lambda: opened(arguments),
            arguments.output,
            target,
            options,
            arguments.overwrite,
            line,
            encoders_of(codec, arguments, gop),
        )
    if not arguments.quiet:
        with opened(arguments) as reader:
            tell_what_changed(reader, found.file)
        passes = f"{found.passes} pass{'es' if found.passes > 1 else ''}"
        reached = f"{found.value:.6g} {UNITS[target.kind]} at q {found.q:.2f} after {passes}"
        tell(
            f"{'' if target.reached(found.value) else 'note: wanted ' + str(target) + ', reached '}{reached}"
        )
    if wanted(arguments.quiet):
        tell(f"{arguments.output}: {summary(found.file, time.monotonic() - begin)}")
    return 0
