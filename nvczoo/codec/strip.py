"""Take out of a stream the layers that can be dropped, without decoding it."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from typing import BinaryIO

from nvczoo.codec.container import StreamReader, StreamWriter
from nvczoo.codec.files import Data, opened, output
from nvczoo.codec.frame_packet import FramePacket
from nvczoo.codec.scalable import wants_base


def strip(data: Data) -> bytes:
    """Return the stream in bytes, a path or a file object with its base layer alone; raises StreamError.

    It decodes to the smaller video. The layers taken out are not read, so that they may be damaged or
    missing. Raises SettingError if the stream has one layer only.
    """
    file = io.BytesIO()
    with opened(data) as source:
        _strip(source, file)
    return file.getvalue()


def strip_file(source: Data, target: str | os.PathLike[str], overwrite: bool = False) -> int:
    """Strip a stream into a file, which appears when it is complete, or stdout ("-"); return its bytes."""
    with opened(source) as stream, output(target, overwrite) as file:
        return _strip(stream, file)


def _strip(source: BinaryIO, target: BinaryIO) -> int:
    reader, writer = StreamReader(source, skip_layers=True), StreamWriter(target)
    layers = reader.header.layers
    wants_base(layers, "base", "The stream")
    assert layers is not None, "wants_base has refused such a stream"
    writer.write(replace(reader.header, layers=replace(layers, base_only=True)))
    for packet in reader:
        writer.write(packet.base() if isinstance(packet, FramePacket) else packet)
    return writer.written
