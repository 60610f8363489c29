"""Jobs on Ray: a cluster on this machine, with two workers, of which one may die."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from nvczoo.errors import EngineError, SettingError, VideoError
from nvczoo.evaluate.contenders import CodingSetting, anchor_contender, model_contender
from nvczoo.evaluate.engines import HERE, RAY_SETTINGS, LocalEngine, RayEngine, engine_of
from nvczoo.evaluate.jobs import Job, RunSetting, plan
from nvczoo.evaluate.records import Record
from nvczoo.evaluate.run import run_jobs
from nvczoo.evaluate.sequences import Sequence

# What differs from run to run: speed, and the threads that Ray gives a task.
SPEEDS = {"encode_fps": 0.0, "decode_fps": 0.0}


def comparable(records: list[Record]) -> list[Record]:
    return [
        replace(one, result=replace(one.result, **SPEEDS), conditions=replace(one.conditions, threads=0))
        for one in records
    ]


@pytest.fixture
def jobs(tiny_clip: Path) -> list[Job]:
    contenders = [model_contender("ev-nvc-s", points=[10.0, 40.0]), anchor_contender("x264-fast@20,25,30,35")]
    setting = RunSetting(frames=4, coding=CodingSetting(intra_period=2))
    return plan([Sequence("clip", tiny_clip)], contenders, setting)


def test_the_local_engine_keeps_the_order() -> None:
    assert list(LocalEngine().run(lambda item: 2 * item, [3, 1, 2])) == [(3, 6), (1, 2), (2, 4)]


def test_an_engine_that_is_not_known_or_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingError, match="local, ray"):
        engine_of("slurm")
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(SettingError, match=r"nvczoo\[ray\]"):
        engine_of("ray")


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "127.0.0.1:999999"])
def test_a_cluster_that_nobody_runs_is_not_waited_for(address: str) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'nvczoo[ray]'")
    with pytest.raises(SettingError, match="Nobody answers"):
        list(RayEngine(address).run(len, ["a"]))


@pytest.fixture(scope="module")
def cluster() -> Iterator[object]:
    """Give a cluster of a head that takes no jobs, and two workers."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'nvczoo[ray]'")
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        for name, value in RAY_SETTINGS.items():
            patch.setenv(name, value)
        made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
        for _ in range(2):
            made.add_node(num_cpus=1)
        made.wait_for_nodes()
        yield made
        made.shutdown()


def ray_test(function):
    """Mark a test that needs Ray: it may warn, takes long, and must not hang."""
    for mark in (pytest.mark.filterwarnings("ignore"), pytest.mark.slow, pytest.mark.timeout(500)):
        function = mark(function)
    return function


@ray_test
def test_what_a_job_raises_on_a_worker_is_raised_here(cluster, jobs: list[Job], tmp_path: Path) -> None:
    gone = Sequence("gone", tmp_path / "no.mkv", sha256="0" * 64)
    job = replace(jobs[-1], sequence=gone)
    with pytest.raises(VideoError, match=r"no\.mkv"):
        run_jobs([job], tmp_path, engine=RayEngine(cluster.address))


@ray_test
def test_a_cluster_that_loses_a_worker_gives_the_results_of_the_local_run(
    cluster,
    jobs: list[Job],
    tmp_path: Path,
) -> None:
    expected = run_jobs(jobs, tmp_path / "local")
    workers = list(cluster.worker_nodes)
    told: list[str] = []

    def kill_one(text: str) -> None:
        told.append(text)
        if len(told) == 1:
            cluster.remove_node(workers[0], allow_graceful=False)

    found = run_jobs(jobs, tmp_path / "ray", kill_one, RayEngine(cluster.address))
    assert len(told) == len(jobs)
    assert comparable(found) == comparable(expected)
    for job in jobs:
        assert job.done(tmp_path / "ray") is not None


@ray_test
def test_what_a_dead_worker_had_is_done_again_until_it_is_hopeless(cluster, tmp_path: Path) -> None:
    def die(marks: Path) -> str:  # within, so that it is sent as it is: workers cannot import tests
        """Kill the worker that runs this, once for each mark."""
        for mark in sorted(marks.iterdir()):
            mark.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        return marks.name

    folders = [tmp_path / name for name in ("sound", "once", "twice")]
    for deaths, folder in enumerate(folders):
        folder.mkdir()
        for number in range(deaths):
            (folder / str(number)).touch()
    engine = RayEngine(cluster.address, retries=2)
    assert dict(engine.run(die, folders)) == {folder: folder.name for folder in folders}
    assert list(tmp_path.glob("*/*")) == []
    (folders[0] / "0").touch()
    with pytest.raises(EngineError, match="failed 1 times"):
        list(RayEngine(cluster.address, retries=0).run(die, folders[:1]))


@ray_test
def test_jobs_are_as_important_as_what_starts_them() -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'nvczoo[ray]'")
    ((_, found),) = RayEngine(HERE).run(lambda _: os.nice(0), [None])
    assert found == os.nice(0)


@ray_test
def test_a_job_that_no_machine_has_room_for_is_refused_and_not_waited_for() -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'nvczoo[ray]'")
    with pytest.raises(SettingError, match="9999 CPUs"):
        list(RayEngine(HERE, cpus=9999).run(len, ["a"]))
