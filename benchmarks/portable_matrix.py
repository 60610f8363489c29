"""Streams encoded under some settings and decoded under all, as docs/portable.md has the table.

``python benchmarks/portable_matrix.py MODEL CLIP... [--encode SETTING...]``: with ``--float`` the model need
not be portable; the header's check of the environment is left out then, and what breaks is counted.
"""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "portable"))

from matrix import Outcome, decoded_under, encoded_under, settings

AS_ENCODED = "as encoded"  # as the machine has it: all threads, the widest vectors


def main() -> int:
    """Print how many streams decode to the bit; return 1 if one of a portable model did not."""
    parser = argparse.ArgumentParser(description="streams encoded under some settings, decoded under all")
    parser.add_argument("model")
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("-n", "--frames", type=int, default=30)
    parser.add_argument("-q", type=float, default=40.0)
    parser.add_argument("--encode", nargs="+", default=[AS_ENCODED], choices=settings())
    parser.add_argument("--float", action="store_true", help="the model is not portable: count what breaks")
    arguments = parser.parse_args()
    more = ("unchecked",) if arguments.float else ()
    broken = 0
    print("| Encoded under | Decoded under | To the bit | Wrong from frame |\n| --- | --- | --- | --- |")
    for encoder in arguments.encode:
        with tempfile.TemporaryDirectory() as folder:
            coding = (Path(folder), arguments.frames, arguments.q)
            streams = encoded_under(settings()[encoder], arguments.model, arguments.clips, *coding)
            first: list[Outcome] = []
            for name, setting in settings().items():
                found = decoded_under(setting, arguments.model, streams, *more)
                first = first or found  # their pictures have the encoder's checksums, or an error says so
                pairs = zip(found, first, strict=True)
                wrong = [one.frames for one, other in pairs if one.error or one.digest != other.digest]
                broken += len(wrong)
                right = f"{len(streams) - len(wrong)} of {len(streams)}"
                print(f"| {encoder} | {name} | {right} | {', '.join(map(str, wrong))} |", flush=True)
    return int(broken > 0 and not arguments.float)


if __name__ == "__main__":
    sys.exit(main())
