import pytest

from nvczoo.errors import SettingError
from nvczoo.train.forecast import forecast
from nvczoo.train.schedule import PACE_STEPS, Budget, Pace, learning_rate, pace_of, steps_of
from nvczoo.train.stages import Recipe, Stage

STAGES = tuple(Stage(name, ("intra",), share) for name, share in (("a", 1.0), ("b", 2.0), ("c", 1.0)))


def test_steps_are_shared_out_completely_and_every_stage_gets_one() -> None:
    assert steps_of(STAGES, 403) == (101, 201, 101)
    assert steps_of(STAGES, 3) == (1, 1, 1)
    assert all(sum(steps_of(STAGES, total)) == total for total in range(3, 50))


def test_too_few_steps_are_refused() -> None:
    with pytest.raises(SettingError, match="2 steps are too few for 3 stages"):
        steps_of(STAGES, 2)


@pytest.mark.parametrize(("text", "seconds"), [("90m", 5400), ("3h", 10800), ("1.5d", 129600), ("10s", 10)])
def test_a_time_is_a_number_and_a_unit(text: str, seconds: float) -> None:
    assert Budget.of_time(text).seconds == seconds


@pytest.mark.parametrize("text", ["3", "h", "-1h", "1e3s", "3 h", "0h"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(SettingError):
        Budget.of_time(text)


def test_the_length_of_a_stage_is_settled_by_its_first_steps() -> None:
    pace = Pace(None, allowed=100.0)
    for _ in range(PACE_STEPS):
        assert pace.length is None
        pace = pace.after(0.5)
    assert pace.length == 200
    assert pace.after(50.0).length == 200  # and stays what it is


def test_one_step_is_enough_where_steps_take_long() -> None:
    assert Pace(None, allowed=10.0).after(4.0).length == 2
    assert Pace(None, allowed=0.0).after(4.0).done


def test_what_a_stage_took_too_long_is_missing_to_those_after_it() -> None:
    assert pace_of(STAGES, 1, Budget(seconds=400.0), spent=100.0).allowed == pytest.approx(200)
    assert pace_of(STAGES, 1, Budget(seconds=400.0), spent=250.0).allowed == pytest.approx(100)


def test_the_learning_rate_rises_and_falls() -> None:
    stage = Stage("x", ("intra",), 1.0, learning_rate=1.0, final_rate=0.1)
    rates = [learning_rate(stage, Pace(1000, step)) for step in range(1000)]
    assert rates[0] == pytest.approx(0.01)
    assert max(rates) == pytest.approx(rates[99], rel=0.01)
    assert rates[-1] == pytest.approx(0.1, rel=0.01)


def test_a_forecast_fills_the_time_with_what_a_step_takes() -> None:
    found = forecast(
        Recipe("m", STAGES), Budget(seconds=400.0), lambda stage: 2.0 if stage.name == "b" else 1.0
    )
    assert [one.steps for one in found] == [100, 100, 100]
    assert sum(one.seconds for one in found) == pytest.approx(400)
