"""What ``nvczoo doctor`` looks at."""

from __future__ import annotations

import importlib
import os
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

import nvczoo
from nvczoo import cards, components, hub
from nvczoo.errors import NvczooError
from nvczoo.interfaces import TableSet

LIBRARIES = {"torch": "torch", "NumPy": "numpy", "PyAV": "av", "safetensors": "safetensors", "tqdm": "tqdm"}
TRIAL_SYMBOLS = 200  # enough to fill every lane of the coder


@dataclass(frozen=True)
class Finding:
    """A thing, what it is, and whether it works."""

    name: str
    value: str
    works: bool = True


def examine(load: bool) -> list[Finding]:
    """Return all findings; with ``load`` every part is imported."""
    return [*_software(), *_hardware(), _coder(), *_weights(), *_plugins(load)]


def _software() -> Iterator[Finding]:
    yield Finding("nvczoo", nvczoo.__version__)
    yield Finding("Python", f"{platform.python_version()}, {platform.system()} {platform.machine()}")
    for name, module in LIBRARIES.items():
        yield _tried(name, lambda module=module: str(importlib.import_module(module).__version__))


def _hardware() -> Iterator[Finding]:
    yield Finding("CPU", f"{torch.backends.cpu.get_cpu_capability()}, {os.cpu_count()} cores")
    yield Finding("threads", f"{torch.get_num_threads()} (--threads or OMP_NUM_THREADS sets them)")
    if not torch.cuda.is_available():
        built = (
            f"torch is built for CUDA {torch.version.cuda}"
            if torch.version.cuda
            else "torch is built without"
        )
        yield Finding("GPU", f"none ({built})")
        return
    for number in range(torch.cuda.device_count()):
        yield Finding(f"GPU {number}", f"{torch.cuda.get_device_name(number)}, CUDA {torch.version.cuda}")


def _coder() -> Finding:
    return _tried("entropy coder", _tried_coder)


def _tried_coder() -> str:
    # Fails if the extension is not built.
    from nvczoo.entropy.coders import NativeCoder, ReferenceCoder, active_path, paths

    tables = TableSet(
        np.array([0, 9000, 16000, 16384], np.uint32), np.array([3], np.int32), np.zeros(1, np.int32)
    )
    symbols = torch.arange(TRIAL_SYMBOLS, dtype=torch.int32) % 5
    indexes = torch.zeros(TRIAL_SYMBOLS, dtype=torch.uint8)
    written = []
    for coder in (NativeCoder(), ReferenceCoder()):
        encoder = coder.encoder()
        encoder.push(symbols, indexes, tables)
        written.append(encoder.finish())
    if written[0] != written[1]:
        raise NvczooError("native and reference coder write different bytes: reinstall nvczoo")
    others = ", ".join(path for path in paths() if path != active_path())
    return (
        f"native (C++), path {active_path()} (also here, by NVCZOO_CODER: {others}), "
        f"format {NativeCoder.format}, writes the reference's bytes"
    )


def _weights() -> Iterator[Finding]:
    for name in cards.names():
        yield _tried(f"model {name}", lambda name=name: _weights_of(name))


def _weights_of(name: str) -> str:
    weights = cards.find(name).weights
    if weights is None:
        return "no weights: can be created, not loaded"
    if weights.file is None:
        return f"weights are fetched when first used, from {weights.place}"
    size = sum(path.stat().st_size for path in hub.fetch_all(weights))
    return f"weights are there, their SHA-256 is right ({size} bytes)"


def _plugins(load: bool) -> Iterator[Finding]:
    offers = [offer for kind in components.KINDS for offer in components.offers(kind)]
    everything = [*offers, *components.offers(cards.KIND)]
    others = sorted({offer.origin for offer in everything if offer.distribution != components.OWN})
    off = os.environ.get(components.AUTOLOAD) == "0"
    yield Finding(
        "plugins", f"switched off by {components.AUTOLOAD}=0" if off else ", ".join(others) or "none"
    )
    if not load:
        yield Finding("parts", f"{len(offers)} (--load imports them)")
        return
    for offer in offers:
        yield _tried(f"{offer.kind} {offer.name}", lambda offer=offer: _loaded(offer))


def _loaded(offer: components.Offer) -> str:
    components.find(offer.kind, offer.name)
    return f"of {offer.origin}"


def _tried(name: str, attempt: Callable[[], str]) -> Finding:
    try:
        return Finding(name, attempt())
    except Exception as error:  # whatever it is, it is what the user wants to know
        return Finding(name, f"{type(error).__name__}: {error}", works=False)
