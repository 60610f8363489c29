"""The exceptions of nvczoo: one tree, so that ``except NvczooError`` catches all of them."""


class NvczooError(Exception):
    """Something the user gave, asked for, or received cannot be used; the message says what to do."""


class ComponentError(NvczooError):
    """A part, codec or card cannot be found, loaded or assembled."""


class UnknownComponent(ComponentError):
    """No part of this kind has this name; the message lists those that exist and the nearest."""


class BrokenComponent(ComponentError):
    """A part was found but fails to import, or does not implement its interface."""


class CardError(ComponentError):
    """A model card is malformed or names what does not exist."""


class NewerFormat(CardError):
    """A card or weights were written by a newer nvczoo, in a format that this one does not know."""


class MissingPlugin(ComponentError):
    """A model has parts of a package that is not installed; the message names it."""


class WeightsError(NvczooError):
    """Weights are missing, do not match the model, or do not have the hash they should have."""


class TruncatedWeights(WeightsError):
    """A file of weights has not the size it should have."""


class WrongHash(WeightsError):
    """A file of weights has the right size, but not the SHA-256 it should have."""


class HubError(WeightsError):
    """The Hugging Face Hub, or a repository, revision or file on it, cannot be reached."""


class SettingError(NvczooError, ValueError):
    """An argument is outside its range, or arguments contradict each other."""


class TrainingError(NvczooError):
    """A training run cannot begin, go on, or be exported."""


class ShapeError(SettingError):
    """A picture, tensor or array has a shape or type that cannot be coded."""


class VideoError(NvczooError):
    """A video file or pipe cannot be read or written."""


class EngineError(NvczooError):
    """Jobs cannot be run where they were sent: workers died, or their cluster is gone."""


class StreamError(NvczooError):
    """Compressed data cannot be decoded."""


class TruncatedStream(StreamError):
    """The data ends before it should."""


class CorruptStream(StreamError):
    """The data is damaged: a checksum, a bound or the syntax is violated."""


class UnsupportedStream(StreamError):
    """The data is sound, but made by a newer version, another model, or with a feature not present here."""


class TableMismatch(StreamError):
    """Encoder and decoder do not use the same probability tables."""


class ArithmeticMismatch(StreamError):
    """This machine does not compute what the encoder's machine computed, so the stream cannot be decoded."""
