"""Checks of what puts things in order: GOP structures, and entropy coders."""

import torch
from torch import Tensor

from nvczoo.codec.gop_options import Group, group_of
from nvczoo.entropy.distributions import Laplace
from nvczoo.errors import StreamError
from nvczoo.interfaces import EntropyCoder, GopStructure, TableSet
from nvczoo.testing.claims import claim

FRAMES = 100
PART_SIZES = (1000, 0, 1, 37)  # symbols
FAR_SYMBOLS = (2**15, -(2**15), 2**31 - 1, -(2**31))  # beyond any table


def check_gop_structure(gop: GopStructure, frames: int = FRAMES) -> None:
    """Check, for videos of every length up to ``frames``, order, references and points of entry."""
    claim(gop.group >= 1, "a group has no frame")
    for count in range(1, frames + 1):
        groups = _groups(gop, count)
        decoded: set[int] = set()
        for group in groups:
            _claim_group(gop, group, decoded)
        claim(
            decoded == set(range(count)),
            f"of {count} frames, {sorted(set(range(count)) - decoded)} are not coded",
        )
    groups = _groups(gop, frames)
    claim(gop.is_entry(0), "frame 0 is no point of entry")
    for entry in filter(gop.is_entry, range(frames)):
        _claim_entry(groups, entry)


def check_entropy_coder(coder: EntropyCoder) -> None:
    """Check that symbols in several parts come back, the far ones too, and that damage is told."""
    generator = torch.Generator().manual_seed(1)
    parts = []
    for size in PART_SIZES:
        distribution = Laplace(position=64 * torch.rand(size, generator=generator))
        symbols = (distribution.scale * torch.randn(size, generator=generator)).round().int()
        parts.append((symbols, distribution.indexes()))
    parts.append(
        (torch.tensor(FAR_SYMBOLS, dtype=torch.int32), torch.zeros(len(FAR_SYMBOLS), dtype=torch.uint8))
    )
    tables = Laplace(position=torch.zeros(1)).table
    data = _encoded(coder, parts, tables)
    claim(data == _encoded(coder, parts, tables), "the same symbols give other bytes the next time")
    decoder = coder.decoder(data)
    for symbols, indexes in parts:
        decoded = decoder.decode(indexes, tables)
        claim(decoded.dtype == torch.int32, f"decoded symbols are {decoded.dtype}, not int32")
        claim(torch.equal(decoded, symbols), "decoded symbols are not those that were encoded")
    decoder.finish()
    _claim_damage_is_told(coder, data, parts, tables)
    coder.decoder(coder.encoder().finish()).finish()


def _groups(gop: GopStructure, count: int) -> list[Group]:
    groups, first = [], 0
    while first < count:
        groups.append(group_of(gop, first, count - first))
        first = max(first, groups[-1].last) + 1
    return groups


def _claim_group(gop: GopStructure, group: Group, decoded: set[int]) -> None:
    """Claim that each step is in order, and add its frames to those decoded."""
    for step in group.steps:
        claim(not decoded & set(step.frames), f"{step} codes a frame again")
        claim(set(step.references) <= decoded, f"{step} refers to a frame that is not decoded yet")
        claim(len(step.references) <= gop.references_per_step, f"{step} has too many references")
        claim(step.level >= 0, f"{step} has a negative level")
        claim(not (step.reset and not step.references), f"{step} resets a memory it is not given")
        distances = [min(abs(frame - reference) for frame in step.frames) for reference in step.references]
        claim(distances == sorted(distances), f"the references of {step} are not nearest first")
        early = min((at for at in step.references if at < group.first), default=group.first)
        claim(early >= group.first - gop.reach, f"{step} refers further back than reach={gop.reach} frames")
        decoded |= set(step.frames)


def _claim_entry(groups: list[Group], entry: int) -> None:
    """Claim that an entry frame is intra coded, and that no later group refers to what is before it."""
    for group in groups:
        for step in group.steps:
            if entry in step.frames:
                claim(not step.references, f"frame {entry} is a point of entry, but {step} has references")
            if group.first > entry:
                early = [at for at in step.references if at < entry]
                claim(not early, f"{step} refers to what is before the point of entry {entry}")


def _encoded(coder: EntropyCoder, parts: list[tuple[Tensor, Tensor]], tables: TableSet) -> bytes:
    encoder = coder.encoder()
    for symbols, indexes in parts:
        encoder.push(symbols, indexes, tables)
    return encoder.finish()


def _claim_damage_is_told(
    coder: EntropyCoder, data: bytes, parts: list[tuple[Tensor, Tensor]], tables: TableSet
) -> None:
    """Claim that truncated data ends in a StreamError."""
    for length in (0, 1, len(data) // 2, len(data) - 1):
        try:
            decoder = coder.decoder(data[:length])
            for _, indexes in parts:
                decoder.decode(indexes, tables)
            decoder.finish()
        except StreamError:
            continue
        raise AssertionError(f"{length} of {len(data)} bytes were decoded without a StreamError")
