"""The reference encoders, by a stand-in that takes their options: the programs themselves cannot ship."""

import sys
from pathlib import Path

import pytest

from nvczoo.codec import Video
from nvczoo.errors import VideoError
from nvczoo.evaluate.contenders import CodingSetting
from nvczoo.evaluate.jvet import JvetEncoder, jvet_encoder

STAND_IN = """#!{python}
import sys
a = sys.argv[1:]
at = lambda name: a[a.index(name) + 1]
options = dict(one[2:].split("=") for one in a if one.startswith("--"))
assert open(at("-c")).read() == "low delay"
assert options["SourceWidth"] == "64" and options["SourceHeight"] == "48", options
assert options["IntraPeriod"] == "2" and options["FramesToBeEncoded"] == "4", options
assert options["InputBitDepth"] == "8" and options["DecodingRefreshType"] == "2"
if options["QP"] == "50":
    sys.exit("QP is too high")
data = bytearray(open(at("-i"), "rb").read())
for i in range(0, len(data), 7):
    data[i] = min(255, data[i] + int(options["QP"]) // 10)
open(at("-o"), "wb").write(data)
open(at("-b"), "wb").write(b"x" * (1000 - 10 * int(options["QP"])))
"""


@pytest.fixture
def encoder(tmp_path: Path) -> JvetEncoder:
    program, config = tmp_path / "EncoderApp", tmp_path / "lowdelay.cfg"
    program.write_text(STAND_IN.format(python=sys.executable))
    program.chmod(0o755)
    config.write_text("low delay")
    return jvet_encoder(f"vtm={program},{config}", (22.0, 50.0))


def test_a_reference_encoder_gets_the_conditions_of_the_run(encoder: JvetEncoder, tiny_video: Video) -> None:
    coded = encoder.code(tiny_video, 22.0, CodingSetting(intra_period=2))
    assert encoder.label == "vtm-lowdelay"
    assert coded.size == 780
    assert len(coded.pictures) == 4
    assert int(coded.pictures[0].y[0, 0]) == int(tiny_video[0].y[0, 0]) + 2
    assert "EncoderApp -c lowdelay.cfg --SourceWidth=64" in coded.settings
    assert [frame.intra for frame in coded.frames] == [True, False, True, False]
    assert "not decoded" in coded.proof


def test_a_reference_encoder_that_fails_tells_why(encoder: JvetEncoder, tiny_video: Video) -> None:
    with pytest.raises(VideoError, match="QP is too high"):
        encoder.code(tiny_video, 50.0, CodingSetting(intra_period=2))


def test_another_program_or_configuration_is_another_question(encoder: JvetEncoder) -> None:
    before = dict(encoder.question())
    encoder.config.write_text("random access")
    assert encoder.question() != before
