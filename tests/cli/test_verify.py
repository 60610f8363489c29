"""``nvczoo verify``."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_model import MODEL

from nvczoo.cli.main import main
from nvczoo.codec import StreamReader, StreamWriter, stream_info
from nvczoo.codec.container import Packet
from nvczoo.codec.frame_packet import FramePacket
from nvczoo.codec.packets import EndPacket

pytestmark = pytest.mark.usefixtures("tiny")


def counts(printed: str) -> dict[str, str]:
    """Return the numbers of the table by what they count."""
    rows = (line.rsplit(maxsplit=1) for line in printed.splitlines()[1:])
    return {name.strip(): number for name, number in rows}


def rewritten(stream: Path, target: Path, change: Callable[[Packet], Packet]) -> Path:
    """Write the stream again, each packet changed, with CRCs that are right."""
    with stream.open("rb") as source, target.open("wb") as file:
        reader, writer = StreamReader(source), StreamWriter(file)
        writer.write(reader.header)
        for packet in reader:
            writer.write(change(packet))
    return target


def test_a_sound_stream_is_counted_kind_by_kind(stream: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(stream)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"{stream}: sound\n")
    assert counts(printed) == {
        "packets with the right checksum": "8",  # header, four frames, end, index, footer
        "frames decoded": "4",
        "symbol checksums right": "4",
        "picture checksums right": "4",
        "track packets": "0",
    }
    assert main(["verify", str(stream), "--quiet"]) == 0
    assert capsys.readouterr().out == ""


def test_what_was_sound_before_the_damage_is_told(
    stream: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = bytearray(stream.read_bytes())
    third = stream_info(stream).frames[2]
    data[third.offset + third.size - 1] ^= 16
    damaged = tmp_path / "damaged.nvc"
    damaged.write_bytes(data)
    assert main(["verify", str(damaged)]) == 1
    printed = capsys.readouterr()
    assert counts(printed.out)["frames decoded"] == "2"
    assert f"error: Packet 3 (frame) at byte {third.offset} is damaged: its checksum" in printed.err


def test_a_cut_stream_is_an_error(stream: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cut = tmp_path / "cut.nvc"
    cut.write_bytes(stream.read_bytes()[: stream_info(stream).frames[3].offset])
    assert main(["verify", str(cut)]) == 1
    assert "stops after packet 3" in capsys.readouterr().err


def test_a_wrong_picture_checksum_is_found(
    stream: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def change(packet: Packet) -> Packet:
        if isinstance(packet, FramePacket) and packet.frame == 1:
            return replace(packet, picture=(packet.picture or 0) ^ 1)
        return packet

    assert main(["verify", str(rewritten(stream, tmp_path / "wrong.nvc", change))]) == 1
    printed = capsys.readouterr()
    assert "Frame packet 1 (frame 1): the symbols are right, the decoded picture is not" in printed.err
    assert counts(printed.out)["picture checksums right"] == "1"


def test_lost_packets_of_tracks_are_found(
    stream: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def change(packet: Packet) -> Packet:
        return EndPacket(packet.frames, packet.packets, 2) if isinstance(packet, EndPacket) else packet

    assert main(["verify", str(rewritten(stream, tmp_path / "lost.nvc", change))]) == 1
    assert "should hold 2 packets of audio and subtitles; 0 were there" in capsys.readouterr().err


def test_what_the_stream_does_not_have_is_said(
    tiny_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = str(tmp_path / "plain.nvc")
    assert main(["encode", "-i", str(tiny_clip), "-o", target, "-m", MODEL, "--frames", "1"]) == 0
    assert main(["verify", target]) == 0
    assert "none in the stream (encode --picture-checksums puts them in)" in capsys.readouterr().out
