import pytest
import torch
from torch import Tensor

from nvczoo.entropy.capped import CappedLaplace
from nvczoo.entropy.coders import NativeCoder
from nvczoo.entropy.lattice import CHECKERBOARD, FOUR_PART, Guess, Lattice, code_in_passes, lattice_mask
from nvczoo.entropy.streams import BitReader, BitWriter

LATTICES = (CHECKERBOARD, FOUR_PART)


@pytest.mark.parametrize("lattice", LATTICES)
def test_the_passes_cover_every_element_once(lattice: Lattice) -> None:
    like = torch.zeros(1, 8, 5, 7)
    covered = sum(lattice_mask(cells, like).int() for cells in lattice)
    assert torch.equal(covered, torch.ones(1, 8, 5, 7, dtype=torch.int32))


@pytest.mark.parametrize("lattice", LATTICES)
@torch.inference_mode()
def test_later_passes_know_exactly_what_was_decoded_before(lattice: Lattice) -> None:
    torch.manual_seed(0)
    values, means = 5 * torch.randn(1, 8, 5, 7), torch.randn(1, 8, 5, 7)
    scales = torch.full_like(means, 4.0)
    seen: dict[bool, list[Tensor]] = {True: [], False: []}

    def coded(stream, given: Tensor | None) -> Tensor:
        def refine(number: int, decoded: Tensor) -> Guess:
            del number
            seen[given is None].append(decoded)
            return scales, means + 0.1 * decoded.sum(1, keepdim=True)

        return code_in_passes(stream, given, lattice, (scales, means), refine, CappedLaplace)

    writer = BitWriter(NativeCoder())
    written = coded(writer, values)
    reader = BitReader(NativeCoder(), dict(writer.finish()))
    read = coded(reader, None)
    reader.finish()
    assert torch.equal(read, written)
    assert (read - values).abs().max() <= 0.5001
    assert len(seen[True]) == len(lattice) - 1
    for one, other in zip(seen[True], seen[False], strict=True):
        assert torch.equal(one, other)
    assert int((seen[True][0] != 0).sum()) <= values.numel() * (0.5 if len(lattice) == 2 else 0.25) + 10
