"""Settings under which a float computation may add up in another order."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

CHANNELS_LAST = torch.channels_last


@contextmanager
def threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def without_onednn() -> Iterator[None]:
    # Not ``flags``: it sets what only GPUs of Intel have, too, and warns where there is none.
    torch.backends.mkldnn.set_flags(False)
    try:
        yield
    finally:
        torch.backends.mkldnn.set_flags(True)


def every_order(compute: Callable[[Tensor], Tensor], x: Tensor) -> Iterator[tuple[str, Tensor]]:
    """Yield what ``compute`` makes of x [B, C, H, W] under each setting, and its name."""
    for count in (1, 2):
        with threads(count):
            yield f"{count} threads", compute(x)
    yield "channels last", compute(x.contiguous(memory_format=CHANNELS_LAST))
    yield "one by one", torch.cat([compute(one) for one in x.split(1)])
    yield "four times", compute(x.repeat(4, 1, 1, 1))[: x.shape[0]]
    yield "float64", compute(x.double())
    with without_onednn():
        yield "without oneDNN", compute(x)


def assert_same_in_every_order(compute: Callable[[Tensor], Tensor], x: Tensor) -> None:
    expected = compute(x)
    for name, found in every_order(compute, x):
        assert torch.equal(found, expected), name
