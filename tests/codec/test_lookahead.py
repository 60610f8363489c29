from fractions import Fraction

import pytest
import torch
from torch import Tensor
from toy import ToyInter, ToyIntra, VarintCoder, toy_pictures

from nvczoo.codec import EncodeOptions, EndPacket, FramePacket, Hierarchical, LowDelay, VideoCodec
from nvczoo.codec.container import Packet
from nvczoo.errors import SettingError
from nvczoo.interfaces import THOROUGH, GopStructure, Plan, Planner, Reference, Setting, SymbolStream
from nvczoo.video.picture import VideoInfo

INFO = VideoInfo(22, 18, Fraction(25), Fraction(1, 25))
MORE = 5.0  # what the planner adds to q for each frame that it has seen


class Counting(Planner):
    def __init__(self, calls: list[tuple[int, bool]]) -> None:
        self.calls, self.seen = calls, 0

    def look(self, frame: Tensor) -> None:
        self.seen += 1

    def plans(self, q: Tensor, goes_on: bool) -> tuple[Plan, ...]:
        count, self.seen = self.seen, 0
        self.calls.append((count, goes_on))
        worth = torch.ones(len(q), 1, 3, 4)
        return tuple(Plan(torch.full_like(q, MORE * (number + 1)), worth * number) for number in range(count))


class Planning(ToyInter):
    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[int, bool]] = []
        self.settings: list[Setting] = []

    def planner(self) -> Planner:
        return Counting(self.calls)

    def code(
        self, frame: Tensor | None, references: tuple[Reference, ...], setting: Setting, stream: SymbolStream
    ) -> Reference:
        if setting.effort == THOROUGH:  # decoders and fingerprints know of none
            self.settings.append(setting)
        else:
            assert setting.worth is None
        return super().code(frame, references, setting, stream)


def planning_codec(gop: GopStructure) -> tuple[VideoCodec, Planning]:
    inter = Planning()
    return VideoCodec(ToyIntra(), inter, gop, None, VarintCoder(), "toy", {"inter": "planning"}), inter


def frames(packets: list[Packet]) -> list[int]:
    return [packet.frame for packet in packets if isinstance(packet, FramePacket)]


def test_pictures_wait_for_the_next_intra_frame() -> None:
    codec, inter = planning_codec(LowDelay(intra_period=4))
    session = codec.encoder(INFO, 20)
    assert [frames(session.push(one)) for one in toy_pictures(10)] == [
        *([], [], [], [0, 1, 2, 3]),
        *([], [], [], [4, 5, 6, 7]),
        *([], []),
    ]
    *last, end = session.flush()
    assert frames(last) == [8, 9]
    assert end == EndPacket(10, 10)
    assert inter.calls == [(4, False), (4, False), (2, False)]


def test_plans_reach_the_packets_and_the_codec_and_decoders_need_none() -> None:
    codec, inter = planning_codec(LowDelay(intra_period=4, intra_q=9))
    session = codec.encoder(INFO, 20, EncodeOptions(picture_checksums=True))
    packets = [packet for one in toy_pictures(5) for packet in session.push(one)] + session.flush()
    q = [packet.q for packet in packets if isinstance(packet, FramePacket)]
    assert q == [25, 30, 35, 40, 25]  # the plan has the last word, not the structure
    assert [0.0 if one.worth is None else float(one.worth.mean()) for one in inter.settings] == [1, 2, 3]

    decoder = codec.decoder()
    pictures = [picture for packet in packets for picture in decoder.push(packet)]
    assert len(pictures + decoder.flush()) == 5
    assert len(inter.settings) == 3


def test_estimates_are_planned_as_streams_are() -> None:
    codec, inter = planning_codec(LowDelay(intra_period=4))
    pictures = toy_pictures(10)
    codec.encode(pictures, 20)
    encoded, calls = list(inter.settings), list(inter.calls)
    inter.settings.clear()
    inter.calls.clear()
    with torch.inference_mode():
        codec.estimate(pictures, 20)
    assert inter.calls == calls
    assert [one.q for one in inter.settings] == [one.q for one in encoded]
    with torch.enable_grad():
        codec.estimate(pictures, 20)
    assert inter.calls == calls  # no plans where gradients are wanted


def test_a_long_run_is_planned_in_pieces_and_told_that_it_goes_on() -> None:
    codec, inter = planning_codec(LowDelay(intra_period=-1))
    session = codec.encoder(INFO, 20, EncodeOptions(lookahead=3))
    assert [len(frames(session.push(one))) for one in toy_pictures(7)] == [0, 0, 3, 0, 0, 3, 0]
    assert frames(session.flush()) == [6]
    assert inter.calls == [(3, True), (3, True), (1, False)]
    with torch.inference_mode():
        codec.estimate(toy_pictures(7), 20, lookahead=3)
    assert inter.calls[3:] == inter.calls[:3]


def test_without_a_look_ahead_nothing_waits_and_nothing_is_planned() -> None:
    codec, inter = planning_codec(LowDelay(intra_period=4, intra_q=9))
    session = codec.encoder(INFO, 20, EncodeOptions(lookahead=0))
    packets = [packet for one in toy_pictures(3) for packet in session.push(one)]
    assert [packet.q for packet in packets if isinstance(packet, FramePacket)] == [29, 20, 20]
    assert inter.calls == []
    with pytest.raises(SettingError, match="lookahead=65: choose 0"):
        codec.encoder(INFO, 20, EncodeOptions(lookahead=65))


@pytest.mark.parametrize(
    ("gop", "effort"), [(LowDelay(intra_period=4), 1), (Hierarchical(size=1, intra_period=4), 2)], ids=str
)
def test_nothing_waits_with_less_effort_or_where_frames_are_no_chain(gop: GopStructure, effort: int) -> None:
    codec, inter = planning_codec(gop)
    session = codec.encoder(INFO, 20, EncodeOptions(effort=effort))
    assert [frames(session.push(one)) for one in toy_pictures(3)] == [[0], [1], [2]]
    assert inter.calls == []


def test_packets_come_one_by_one_when_a_run_is_complete() -> None:
    codec, inter = planning_codec(LowDelay(intra_period=4))
    session = codec.encoder(INFO, 20)
    *first, last = toy_pictures(4)
    for picture in first:
        session.push(picture)
    coming = session.pushing(last)
    assert isinstance(next(coming), FramePacket)
    assert len(inter.settings) == 0  # the intra frame is there, the others are not coded yet
    assert len(list(coming)) == 3
