"""Jobs on a tiny clip: planned, run, stopped, gone on with, sharded."""

from dataclasses import replace
from pathlib import Path

import pytest

from nvczoo.codec import Video
from nvczoo.errors import SettingError, VideoError
from nvczoo.evaluate import run as run_module
from nvczoo.evaluate.coded import Coded
from nvczoo.evaluate.contenders import CodingSetting, anchor_contender, model_contender
from nvczoo.evaluate.jobs import Job, RunSetting, answer, plan
from nvczoo.evaluate.records import Record
from nvczoo.evaluate.run import run_jobs
from nvczoo.evaluate.sequences import Sequence
from nvczoo.evaluate.stills import still_path

SETTING = RunSetting(frames=4, coding=CodingSetting(intra_period=2), rgb="bt709-full")
ANCHOR = anchor_contender("x264-ultrafast@24,36")
SPEEDS = {"encode_fps": 0.0, "decode_fps": 0.0}  # the only figures that differ from run to run


@pytest.fixture
def sequence(tiny_clip: Path) -> Sequence:
    return Sequence("clip", tiny_clip, "small")


def timeless(records: list[Record]) -> list[Record]:
    return [replace(one, result=replace(one.result, **SPEEDS)) for one in records]


def test_a_job_answers_with_its_conditions(sequence: Sequence, tmp_path: Path) -> None:
    (job, _) = plan([sequence], [ANCHOR], SETTING)
    (record,) = run_jobs([job], tmp_path)
    assert Record.load(job.path(tmp_path)) == record
    conditions, result = record.conditions, record.result
    assert (conditions.frames, conditions.intra_period, conditions.width) == (4, 2, 64)
    assert conditions.rgb == "bt709-full"
    assert "libx264 preset=ultrafast crf=24" in result.settings
    assert (record.sequence, record.group, result.codec, result.point) == (
        "clip",
        "small",
        "x264-ultrafast",
        "crf 24",
    )
    assert [frame.intra for frame in record.frames] == [True, False, True, False]
    assert sum(frame.bits or 0 for frame in record.frames) == 8 * result.size
    assert sum(frame.psnr_611 for frame in record.frames) / 4 == pytest.approx(result.psnr_611)
    assert 20 < (result.psnr_rgb or 0) < 60
    assert record.still == 1
    assert all(still_path(job.path(tmp_path), kind, 1).is_file() for kind in record.still_kinds)


def test_a_model_is_measured_by_its_real_bytes(sequence: Sequence, tmp_path: Path) -> None:
    contender = model_contender("ev-nvc-s", points=[20.0])
    (job,) = plan([sequence], [contender], SETTING)
    (record,) = run_jobs([job], tmp_path)
    import nvczoo
    from nvczoo.codec import EncodeOptions

    codec = nvczoo.load("ev-nvc-s")
    assert record.result.size == len(codec.encode(sequence.read(4), 20.0, EncodeOptions(intra_period=2)))
    assert record.identity == codec.identity.hex()
    assert "equal to the encoder's" in record.proof
    assert "low-delay(intra_period=2" in record.result.settings
    assert record.frames[1].parts.keys() >= {"motion.sign", "motion.size", "frame.latent"}
    assert record.still_kinds == ("original", "decoded", "motion", "bits")


def test_a_run_goes_on_where_it_was_stopped(
    sequence: Sequence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = plan([sequence], [ANCHOR, anchor_contender("x265-ultrafast@30,40")], SETTING)
    calls: list[str] = []

    def counted(job: Job, limit: list[int] = [2]) -> object:  # noqa: B006
        if len(calls) == limit[0]:
            limit[0] = 99
            raise KeyboardInterrupt
        calls.append(job.name)
        return answer(job)

    monkeypatch.setattr(run_module, "answer", counted)
    with pytest.raises(KeyboardInterrupt):
        run_jobs(jobs, tmp_path / "one")
    assert len(calls) == 2
    assert len(list((tmp_path / "one").rglob("*.json"))) == 2
    told: list[str] = []
    records = run_jobs(jobs, tmp_path / "one", told.append)
    assert len(calls) == len(jobs) == 4
    assert told[0] == "2 of 4 jobs are done already"
    monkeypatch.undo()
    assert timeless(records) == timeless(run_jobs(jobs, tmp_path / "other"))


def test_shards_are_the_whole_run_together(sequence: Sequence, tmp_path: Path) -> None:
    contenders = [ANCHOR, anchor_contender("x265-ultrafast@30,35,40")]
    for shard in ("1/2", "2/2"):
        run_jobs(plan([sequence], contenders, SETTING, shard), tmp_path)
    jobs = plan([sequence], contenders, SETTING)
    assert all(job.done(tmp_path) for job in jobs)
    assert len(jobs) == 5
    for wrong in ("0/2", "3/2", "1", "a/b"):
        with pytest.raises(SettingError, match="shard"):
            plan([sequence], contenders, SETTING, wrong)


def test_what_could_change_the_answer_changes_the_question(sequence: Sequence, tmp_path: Path) -> None:
    (job, _) = plan([sequence], [ANCHOR], SETTING)
    others = [
        replace(job, point=25.0),
        replace(job, setting=replace(SETTING, frames=3)),
        replace(job, setting=replace(SETTING, coding=CodingSetting(intra_period=4))),
        replace(job, sequence=replace(sequence, sha256="0" * 64)),
        replace(job, contender=anchor_contender("x264-fast@24,36")),
        replace(job, contender=model_contender("ev-nvc-s")),
        replace(job, contender=model_contender("ev-nvc-s", swaps={"gop.long_term": 2})),
        replace(job, contender=model_contender("ev-nvc-s", device="cuda")),
        replace(job, contender=model_contender("ev-nvc-s", precision="bfloat16")),
    ]
    assert len({one.key for one in (job, *others)}) == len(others) + 1
    run_jobs([job], tmp_path)
    path = job.path(tmp_path)
    path.write_text(path.read_text()[:-40])  # as if the disk had been full
    assert job.done(tmp_path) is None


def test_a_job_that_fails_leaves_what_was_done(sequence: Sequence, tmp_path: Path) -> None:
    jobs = plan(
        [sequence, replace(sequence, name="gone", path=tmp_path / "no.mkv", sha256="0" * 64)],
        [ANCHOR],
        SETTING,
    )
    with pytest.raises(VideoError, match=r"no\.mkv"):
        run_jobs(jobs, tmp_path)
    assert jobs[0].done(tmp_path) is not None


def test_two_contenders_of_one_name_are_refused(sequence: Sequence) -> None:
    with pytest.raises(SettingError, match="one name"):
        plan([sequence], [ANCHOR, ANCHOR], SETTING)


def test_a_codec_that_loses_pictures_is_found(sequence: Sequence, monkeypatch: pytest.MonkeyPatch) -> None:
    class Lossy:
        label, points = "lossy", (1.0,)

        def point_name(self, point: float) -> str:
            return f"p {point:g}"

        def question(self) -> dict[str, object]:
            return {}

        def code(self, video: Video, point: float, setting: CodingSetting) -> Coded:
            return Coded(1, video.pictures[:-1], (), (1.0, 1.0), "", "", "")

    with pytest.raises(VideoError, match="4 pictures went in, 3 came out"):
        answer(Job(sequence, Lossy(), 1.0, SETTING))


@pytest.mark.parametrize("text", ["x266", "x264@a", "vtm=nowhere,cfg", "vtm=sh", "svt=a,b"])
def test_an_anchor_that_is_not_known_is_refused(text: str) -> None:
    with pytest.raises(SettingError):
        anchor_contender(text)
