"""How latents become symbols: distributions, streams of symbols, and the models that tie them together."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from nvczoo.interfaces.coder import TableSet


class Distribution(ABC):
    """The probability of integer symbols, element by element."""

    @property
    @abstractmethod
    def table(self) -> TableSet:
        """The integer tables that code these symbols."""

    @abstractmethod
    def bits(self, symbols: Tensor) -> Tensor:
        """Return the estimated bits of each element; differentiable in ``symbols`` and the parameters.

        Without gradients and for integer symbols this is the cost in ``table``, up to 1 %.
        """

    def noisy_bits(self, values: Tensor, noise: Tensor) -> Tensor:
        """Return the bits of each element in training; ``noise`` in -0.5..0.5 stands for rounding."""
        return self.bits(values + noise)

    @abstractmethod
    def indexes(self) -> Tensor:
        """Return the row of ``table`` for each element: uint8, in the shape of the symbols.

        Integer-exact: derived by comparing on a fixed grid, never by a transcendental function.
        """


class SymbolStream(ABC):
    """Where a codec's symbols go to (counting, writing) or come from (reading).

    A codec calls it in the same order whichever it is, so there is one pipeline, not three.
    """

    @abstractmethod
    def code(
        self, name: str, values: Tensor | None, distribution: Distribution, mask: Tensor | None = None
    ) -> Tensor:
        """Return the integer symbols of ``values`` (None when reading) as a float tensor.

        ``mask`` [..., h, w], bool and broadcastable to the symbols, picks the elements coded now;
        the others come back as zero and cost nothing. In training the result is differentiable:
        rounding passes the gradient through, and the bits are those of noisy values.
        """

    @abstractmethod
    def part(self, name: str) -> SymbolStream:
        """Return this stream with ``name`` put before the names of what follows."""

    @abstractmethod
    def layer(self, name: str) -> SymbolStream | None:
        """Return a sub-stream that can be dropped on its own, or None if it was dropped."""

    @abstractmethod
    def note(self, name: str, tensor: Tensor) -> None:
        """Keep an intermediate for losses, goldens and plots; does nothing when writing or reading."""


class EntropyModel(nn.Module, ABC):
    """Codes a latent, given what both sides know.

    Constructors take ``channels`` (of the latent) and ``context_channels`` (of the context, 0 for
    none) by these names, so that one entropy model can take another's place.
    """

    partial_context: bool = False  # whether the last ``channels`` of the context may be missing

    @abstractmethod
    def code(
        self,
        stream: SymbolStream,
        latent: Tensor | None,
        size: tuple[int, int],
        context: Tensor | None = None,
        q: Tensor | None = None,
    ) -> Tensor:
        """Return the latent as the decoder has it, [B, channels, h, w].

        ``latent`` is None when decoding; ``size`` is (h, w); ``context`` is
        [B, context_channels, h, w], known to both sides.
        """
