"""Makes docs/results/coder.md and coder.svg: ``python benchmarks/coder_table.py``, in about half a minute.

Every figure is the median CPU time of some runs on one core, all in one process, so that ratios hold
where absolute figures do not. What each workload and peer is, ``test_coder_speed.py`` says.
"""

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from test_coder_speed import PEERS, SIZES, SPREADS, Peer, native, workload

from nvczoo.entropy.coders import NativeCoder, paths
from nvczoo.entropy.tables import laplace_tables

REPEATS = 7
COPIED = 1 << 26  # bytes, far beyond any cache
OURS = [path for path in paths() if path != "emulator"]
NAMES = {"compressai": "CompressAI, as its users call it", "constriction": "constriction, grouped by row"}


@dataclass(frozen=True)
class Speed:
    """What one coder did with one workload."""

    encode: float  # Msym/s
    decode: float
    size: int  # bytes


def median_seconds(call: Callable[[], object]) -> float:
    """Return the median CPU time of a call, after one to warm up."""
    call()
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return statistics.median(times)


def measure(peer: Peer, count: int) -> Speed:
    """Return the speed of a coder."""
    data = peer.encode()
    encode, decode = median_seconds(peer.encode), median_seconds(lambda: peer.decode(data))
    return Speed(count / encode / 1e6, count / decode / 1e6, peer.size(data))


def on_path(path: str, symbols: np.ndarray, rows: np.ndarray) -> Peer:
    """Return our coder on one of its paths, its output memory given."""
    tables, values, indexes = laplace_tables(), torch.from_numpy(symbols), torch.from_numpy(rows)
    out = torch.empty_like(values)

    def encode() -> bytes:
        encoder = NativeCoder(path=path).encoder()
        encoder.push(values, indexes, tables)
        return encoder.finish()

    def decode(data: bytes) -> torch.Tensor:
        decoder = NativeCoder(path=path).decoder(data)
        decoder.decode(indexes, tables, out)
        decoder.finish()
        return out

    return Peer(encode, decode, len)


def core_of_compressai(symbols: np.ndarray, rows: np.ndarray) -> float:
    """Return CompressAI's speed of encoding alone, Msym/s, lists converted before."""
    from compressai.ans import BufferedRansEncoder

    tables = laplace_tables(16)
    model = (
        [cdf.tolist() for cdf in np.split(tables.cdfs, np.cumsum(tables.sizes + 1)[:-1])],
        (tables.sizes + 1).tolist(),
        tables.offsets.tolist(),
    )
    values, indexes = symbols.tolist(), rows.astype(int).tolist()
    times = []
    for _ in range(REPEATS):
        encoder = BufferedRansEncoder()
        encoder.encode_with_indexes(values, indexes, *model)
        start = time.process_time()
        encoder.flush()
        times.append(time.process_time() - start)
    return len(symbols) / statistics.median(times) / 1e6


def bandwidth() -> float:
    """Return the GB/s, read and written, of copying memory."""
    source, target = np.ones(COPIED, np.uint8), np.zeros(COPIED, np.uint8)
    return 2 * COPIED / median_seconds(lambda: np.copyto(target, source)) / 1e9


def processor() -> tuple[str, float]:
    """Return the processor's name and its clock in MHz, if the system tells."""
    known = dict.fromkeys(("model name", "cpu MHz"), "")
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else ():
        key, _, value = line.partition(":")
        if known.get(key.strip()) == "":
            known[key.strip()] = value.strip()
    return known["model name"] or platform.processor(), float(known["cpu MHz"] or "nan")


def measure_all() -> dict[str, dict[str, Speed]]:
    """Return the speeds of every coder, by name and workload."""
    found: dict[str, dict[str, Speed]] = {}
    for name in SPREADS:
        symbols, rows = workload(name)
        coders = {f"this coder, {path}": on_path(path, symbols, rows) for path in OURS}
        coders |= {NAMES[peer]: make(symbols, rows) for peer, make in PEERS.items() if make is not native}
        for coder, peer in coders.items():
            found.setdefault(coder, {})[name] = measure(peer, len(symbols))
    return found


def table(found: dict[str, dict[str, Speed]], cores: dict[str, float], conditions: str, clock: float) -> str:
    """Return the page."""
    best, rival = found[f"this coder, {OURS[0]}"], found[NAMES["compressai"]]

    def line(title: str, cell: Callable[[str], str]) -> str:
        return f"| {title} | " + " | ".join(cell(name) for name in SPREADS) + " |"

    def pair(one: dict[str, Speed]) -> Callable[[str], str]:
        return lambda name: f"{one[name].encode:.0f} / {one[name].decode:.0f}"

    lines = ["# Speed of the entropy coder", "", conditions, "", "![](coder.svg)", ""]
    lines += ["Million symbols per second, encode / decode.", ""]
    lines += [line("", str), "| --- |" + " --- |" * len(SPREADS)]
    lines += [line(coder, pair(speeds)) for coder, speeds in found.items()]
    lines += [line("CompressAI, its coding alone (encode)", lambda name: f"{cores[name]:.0f}")]
    for coder in NAMES.values():
        lines += [line(f"{OURS[0]} to {coder.split(',')[0]}", ratio(best, found[coder]))]
    lines += [line("bytes", lambda name: str(best[name].size))]
    excess = {name: 100 * (best[name].size / rival[name].size - 1) for name in SPREADS}
    lines += [line("bytes, to CompressAI's", lambda name: f"{excess[name]:+.2f} %")]
    lines += [line(f"cycles a symbol, at the nominal {clock:.0f} MHz", cycles(best, clock))]
    lines += [line("GB/s of symbols, indexes and stream", traffic(best))]
    return "\n".join(lines) + "\n"


Cell = Callable[[str], str]  # of a workload


def ratio(ours: dict[str, Speed], theirs: dict[str, Speed]) -> Cell:
    """Return how many times as fast we are."""
    return lambda name: (
        f"{ours[name].encode / theirs[name].encode:.0f}x / {ours[name].decode / theirs[name].decode:.0f}x"
    )


def cycles(speeds: dict[str, Speed], clock: float) -> Cell:
    """Return the cycles of a symbol."""
    return lambda name: f"{clock / speeds[name].encode:.1f} / {clock / speeds[name].decode:.1f}"


def traffic(speeds: dict[str, Speed]) -> Cell:
    """Return the GB/s that must pass: an int32 and its index for each symbol, and the stream."""

    def cell(name: str) -> str:
        each = 5 + speeds[name].size / SIZES[name]
        return f"{each * speeds[name].encode / 1e3:.1f} / {each * speeds[name].decode / 1e3:.1f}"

    return cell


def plot(found: dict[str, dict[str, Speed]], file: Path) -> None:
    """Draw bars, logarithmic."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    plt.rcParams["svg.hashsalt"] = "nvczoo"
    figure, axes = plt.subplots(1, 2, figsize=(10, 3.6), sharey=True)
    for axis, direction in zip(axes, ("encode", "decode"), strict=True):
        for number, (coder, speeds) in enumerate(found.items()):
            at = np.arange(len(SPREADS)) + number / (len(found) + 1)
            heights = [getattr(speeds[name], direction) for name in SPREADS]
            axis.bar(at, heights, 1 / (len(found) + 1), label=coder, align="edge")
        axis.set(yscale="log", title=direction, xticks=np.arange(len(SPREADS)) + 0.4, xticklabels=SPREADS)
        axis.grid(axis="y", alpha=0.3)
    axes[0].set_ylabel("million symbols per second")
    axes[1].legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None})


def main() -> None:
    """Measure, and write both files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "docs" / "results")
    parser.add_argument("--note", default="", help="a sentence on the conditions, such as what else ran")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    name, clock = processor()
    found = measure_all()
    cores = {workload_name: core_of_compressai(*workload(workload_name)) for workload_name in SPREADS}
    conditions = (
        f"{name}, {os.cpu_count()} cores, one of them used; Python {platform.python_version()}, median CPU "
        f"time of {REPEATS} runs in one process. Copying memory runs at {bandwidth():.1f} GB/s, reads and "
        f"writes together. {arguments.note}\n\nMade by `python benchmarks/coder_table.py`; "
        "the workloads are those of `benchmarks/test_coder_speed.py`."
    )
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "coder.md").write_text(table(found, cores, conditions, clock))
    plot(found, arguments.out / "coder.svg")
    print((arguments.out / "coder.md").read_text())


if __name__ == "__main__":
    main()
