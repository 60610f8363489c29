from dataclasses import dataclass

import torch

from nvczoo.codec.memory import ConditionalMemory
from nvczoo.codec.references import ReferenceBuffer
from nvczoo.interfaces import CodingStep, Reference


def reference(value: float) -> Reference:
    return Reference(torch.full((1, 3, 2, 2), float(value)), ConditionalMemory(feature=torch.ones(1)))


def test_references_come_in_the_order_a_step_names_them() -> None:
    buffer = ReferenceBuffer()
    buffer.add(CodingStep((0,)), reference(1))
    buffer.add(CodingStep((1,)), reference(2))
    found = buffer.of(CodingStep((2,), (1, 0)))
    assert [float(reference.frame.mean()) for reference in found] == [2, 1]


def test_a_reset_takes_the_memory_away_and_leaves_the_frame() -> None:
    buffer = ReferenceBuffer()
    buffer.add(CodingStep((0,)), reference(1))
    (found,) = buffer.of(CodingStep((1,), (0,), reset=True))
    assert found.memory is None
    assert found.frame.mean() == 1
    assert buffer.of(CodingStep((1,), (0,)))[0].memory is not None


def test_images_and_features_are_kept_channels_last() -> None:
    buffer = ReferenceBuffer()
    frame = torch.rand(1, 3, 4, 6)
    buffer.add(CodingStep((0,)), Reference(frame, ConditionalMemory(latent=torch.rand(1, 8, 2, 2))))
    (found,) = buffer.of(CodingStep((1,), (0,)))
    assert torch.equal(found.frame, frame)
    assert isinstance(found.memory, ConditionalMemory)
    assert found.memory.latent is not None
    for tensor in (found.frame, found.memory.latent):
        assert tensor.is_contiguous(memory_format=torch.channels_last)


@dataclass(frozen=True)
class LayeredMemory:
    base: Reference
    latents: tuple[torch.Tensor | None, ...]


def test_memory_within_memory_is_kept_channels_last_too() -> None:
    inner = Reference(torch.rand(1, 3, 4, 6), ConditionalMemory(feature=torch.rand(1, 8, 2, 2)))
    buffer = ReferenceBuffer()
    buffer.add(CodingStep((0,)), Reference(torch.rand(1, 3, 8, 8), LayeredMemory(inner, (None, inner.frame))))
    (found,) = buffer.of(CodingStep((1,), (0,)))
    assert isinstance(found.memory, LayeredMemory)
    assert isinstance(found.memory.base.memory, ConditionalMemory)
    assert found.memory.latents[0] is None
    for tensor in (found.memory.base.frame, found.memory.base.memory.feature, found.memory.latents[1]):
        assert tensor is not None
        assert tensor.is_contiguous(memory_format=torch.channels_last)


def test_a_chunk_is_found_under_each_of_its_frames() -> None:
    buffer = ReferenceBuffer()
    buffer.add(CodingStep((1, 2, 3)), reference(1))
    assert all(frame in buffer for frame in (1, 2, 3))


def test_what_no_later_step_names_is_dropped() -> None:
    buffer = ReferenceBuffer()
    for frame in range(4):
        buffer.add(CodingStep((frame,)), reference(frame))
    buffer.release(remaining=[CodingStep((9,), (0, 8))], horizon=3)
    assert [frame for frame in range(4) if frame in buffer] == [0, 3]
    assert not buffer.holds(CodingStep((9,), (0, 8)))
    assert buffer.holds(CodingStep((9,), (0, 3)))
