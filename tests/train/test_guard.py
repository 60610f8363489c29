import math

import pytest

from nvczoo.errors import TrainingError
from nvczoo.train.guard import ASTRAY, MAX_RETURNS, SETTLED, UNTROUBLED, Guard


def after(losses: list[float], guard: Guard = UNTROUBLED) -> tuple[Guard, list[str]]:
    verdicts = []
    for loss in losses:
        guard, verdict = guard.judge(loss, 1.0)
        verdicts.append(verdict)
    return guard, verdicts


def test_a_loss_that_falls_or_wavers_is_let_be() -> None:
    losses = [(1.0 + 100 / step) * (1.5 + math.sin(step)) for step in range(1, 500)]
    guard, verdicts = after(losses)
    assert set(verdicts) == {"take"}
    assert guard.content


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_step_that_is_not_finite_is_skipped_and_counted(bad: float) -> None:
    guard, verdicts = after([1.0, bad, 1.0])
    assert verdicts == ["take", "skip", "take"]
    assert guard.skipped == 1
    assert Guard().judge(1.0, bad)[1] == "skip"


def test_too_many_of_them_in_a_row_send_the_run_back() -> None:
    guard, verdicts = after([math.nan] * ASTRAY)
    assert verdicts[-1] == "return"
    assert "return" not in verdicts[:-1]
    assert not guard.content


def test_a_loss_that_runs_away_sends_the_run_back() -> None:
    guard, _ = after([1.0] * (SETTLED + 10))
    _, verdicts = after([1.5**step for step in range(30)], guard)
    assert "return" in verdicts


def test_one_bad_clip_does_not() -> None:
    guard, _ = after([1.0] * (SETTLED + 10))
    assert set(after([100.0, *[1.0] * 50], guard)[1]) == {"take"}


def test_a_return_halves_the_learning_rate_until_there_were_too_many() -> None:
    good, _ = after([1.0] * 100)
    guard = good
    for number in range(1, MAX_RETURNS + 1):
        guard = guard.returned(good)
        assert guard.rate == 0.5**number
    assert guard.next_stage().returns == MAX_RETURNS
    with pytest.raises(TrainingError, match="lower learning_rate"):
        guard.returned(good)
