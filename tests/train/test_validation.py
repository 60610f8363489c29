import warnings

import pytest

from nvczoo.train.validation import NoMotionWarning, Result, warn_of_no_motion


def result(motion_bpp: float) -> Result:
    return Result("pairs", 100, "held out", 0.3, 0.2, motion_bpp, 30.0, 6.7)


def test_motion_that_is_not_sent_is_told_with_what_helps() -> None:
    with pytest.warns(NoMotionWarning, match=r"'pairs' motion takes 0\.00010 .*without its rate"):
        warn_of_no_motion(result(1e-4))


@pytest.mark.parametrize("motion_bpp", [0.02, 0.0])
def test_motion_that_is_sent_or_not_coded_at_all_is_no_news(motion_bpp: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_no_motion(result(motion_bpp))
